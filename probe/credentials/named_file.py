"""A credential file as a setting names it, and how a finding about it is made.

Pure. A setting is a key of a Collector and of this probe (`key_file`), or a variable of an SDK's
environment, of which a signal's own comes before the general one.
"""

import re
from dataclasses import dataclass, field
from typing import Final, Self

from probe.model.finding import Finding, Role
from probe.model.target import GENERAL_VARIABLES, Target, TlsSettings, name_variables
from probe.text.description import describe_path
from probe.text.safe_text import safe_text

INLINE: Final = {"cert": "cert_pem", "key": "key_pem", "ca": "ca_pem"}
"""The configuration keys that hold what a file would; they stand where its path does."""

COMMAND: Final = re.compile(
    r"(?:base64|cat|cp|gzip|iconv|jq|keytool|openssl|puttygen|sed|tr|unzip) "
)
"""How a step that is a command as a whole begins; no sentence begins with one of these words."""

_LONGEST_STEP: Final = 1024
"""Characters of a step: a command with two long paths is longer than what safe_text() keeps."""


@dataclass(frozen=True, slots=True)
class FileSettings:
    """The names of the three settings, for facts and steps."""

    cert: str = "cert_file"
    key: str = "key_file"
    ca: str = "ca_file"
    variables: bool = False
    """Whether they are variables of an SDK's environment, which have no inline form."""
    reader: str = "exporter"
    """Who reads them: an exporter, or a receiver's `Collector`."""

    @classmethod
    def of_target(cls, target: Target) -> Self:
        """Return the names where `target` was read: a declarative file has keys, others variables."""
        environment = any(
            one.kind == "sdk" and one.where == "environment" for one in target.sources
        )
        if not (environment or target.signal_variables):
            return cls()
        files = ("cert_file", "key_file", "ca_file")
        cert, key, ca = (name_variables(file, target.signal_variables) for file in files)
        return cls(cert, key, ca, variables=True)

    def name(self, role: Role) -> str:
        """Return what the setting of `role` is called."""
        return {"cert": self.cert, "key": self.key, "ca": self.ca}[role]

    def name_for_anyone(self, role: Role) -> str:
        """Return the name with the variable of an SDK, where it is not known who reads it."""
        if self.variables or self.reader != "exporter":
            return self.name(role)
        return f"{self.name(role)} ({GENERAL_VARIABLES[f'{role}_file']} of an SDK)"


RECEIVER_KEYS: Final = FileSettings(ca="client_ca_file", reader="Collector")
"""Of a Collector's receiver, whose CA file is that for clients."""

KEYS: Final = FileSettings()
"""Of a Collector, of this probe, and of an unknown user."""


@dataclass(frozen=True, slots=True)
class NamedFile:
    """What one setting names: a path, or an inline key (`cert_pem`) in its place; empty: nothing."""

    role: Role
    path: str
    settings: FileSettings = KEYS
    inline: bytes = field(default=b"", repr=False)
    """The value of an inline key."""

    @property
    def malformed(self) -> str:
        """The cause for content that is not what the role needs."""
        return "server_ca_file_malformed" if self.role == "ca" else "client_file_malformed"

    def make_finding(self, fact: str, *fix: str, cause: str = "", kind: str = "") -> Finding:
        """Return what is true of this file: its path, then `fact`; the cause is `malformed` if none is given."""
        return Finding(
            cause=cause or self.malformed,
            role=self.role,
            path=safe_text(describe_path(self.path)),
            fact=safe_text(f"{describe_path(self.path)} {fact}"),
            fix=tuple(safe_text(begin_step(step), _LONGEST_STEP) for step in fix),
            kind=kind,
        )


def list_named_files(
    tls: TlsSettings, settings: FileSettings = KEYS
) -> tuple[NamedFile, NamedFile, NamedFile]:
    """Return what `tls` names as certificate, key and CA; a path comes before an inline key."""
    key_pem = tls.key_pem.reveal() if tls.key_pem else None

    def name(role: Role, path: str | None, inline: str | None) -> NamedFile:
        if path or not inline:
            return NamedFile(role, path or "", settings)
        return NamedFile(role, INLINE[role], settings, inline.encode("utf-8", "surrogateescape"))

    return (
        name("cert", tls.cert_file, tls.cert_pem),
        name("key", tls.key_file, key_pem),
        name("ca", tls.ca_file, tls.ca_pem),
    )


def begin_step(text: str) -> str:
    """Return a step as a numbered list shows it: a sentence with a capital, a command as it is typed."""
    return text if COMMAND.match(text) else text[:1].upper() + text[1:]
