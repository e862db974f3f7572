"""The certificates and files of the laboratory of messages: right ones, and one per fault."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import serialization

from tests.support.pki import (
    Authority,
    Issued,
    extended_key_usage,
    issue,
    key_pem,
    subject_alternative_name,
)

NAME: Final = "localhost"
JUNK_PEM: Final = b"-----BEGIN %s-----\nAAAAAAAAAAAAAAAA\n-----END %s-----\n"
JUNK_TEXT: Final = b"this is no PEM block\n"
PASSWORD: Final = b"secret"


@dataclass(frozen=True)
class Files:
    """Where the files lie, by what they are called."""

    folder: Path

    def of(self, name: str) -> str:
        """Return the path of the file `name`, whether or not it exists."""
        return str(self.folder / name)

    def write(self, name: str, *parts: bytes, mode: int = 0o644) -> None:
        """Write `parts` to `name`; any user may read it, unless `mode` says otherwise."""
        path = self.folder / name
        path.unlink(missing_ok=True)
        path.write_bytes(b"".join(parts))
        path.chmod(mode)

    def pair(self, name: str, issued: Issued, *chain: bytes) -> None:
        """Write `name`.crt, with `chain` behind it, and `name`.key."""
        self.write(f"{name}.crt", issued.pem, *chain)
        self.write(f"{name}.key", issued.key_pem)


def write_files(folder: Path) -> Files:
    """Write all certificates and keys of both sides to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    files = Files(folder.resolve())
    now = datetime.now(UTC)
    root = Authority.root("Telemetry CA", now=now)
    rogue = Authority.root("Other CA", now=now)
    issuing = root.intermediate("Telemetry issuing CA")
    files.write("ca.pem", root.pem)
    _write_servers(files, root, rogue, issuing, now)
    _write_clients(files, root, rogue, issuing, now)
    _write_damaged(files, root)
    return files


def _dates(now: datetime) -> Mapping[str, Mapping[str, datetime]]:
    day = timedelta(days=1)
    return {
        "expired": {"not_before": now - 30 * day, "not_after": now - 2 * day},
        "nyv": {"not_before": now + 5 * day, "not_after": now + 90 * day},
    }


def _write_servers(
    files: Files, root: Authority, rogue: Authority, issuing: Authority, now: datetime
) -> None:
    server: Sequence[str] = ("serverAuth",)
    sans = (f"DNS:{NAME}", "IP:127.0.0.1")
    dates = _dates(now)
    files.pair("server", root.issue(NAME, sans=sans, usages=server))
    files.pair("sexp", root.issue(NAME, sans=sans, usages=server, **dates["expired"]))
    files.pair("snyv", root.issue(NAME, sans=sans, usages=server, **dates["nyv"]))
    files.pair("seku", root.issue(NAME, sans=sans, usages=("clientAuth",)))
    files.pair("srogue", rogue.issue(NAME, sans=sans, usages=server))
    files.pair("sinc", issuing.issue(NAME, sans=sans, usages=server))
    names = ("DNS:other.example.com",)
    files.pair("name", root.issue("other.example.com", sans=names, usages=server))
    files.pair("cn_only", root.issue(NAME, sans=(), usages=server))
    alone = Authority.root(NAME, now=now).issue(NAME, sans=sans, usages=server)
    files.pair("self", _self_signed(alone, sans))


def _self_signed(like: Issued, sans: Sequence[str] = ()) -> Issued:
    """Return an end entity that is its own issuer."""
    server = [subject_alternative_name(sans), extended_key_usage(("serverAuth",))]
    more = server if sans else [extended_key_usage(("clientAuth",))]
    return issue(NAME if sans else "exporter", key=like.key, extensions=more)


def _write_clients(
    files: Files, root: Authority, rogue: Authority, issuing: Authority, now: datetime
) -> None:
    dates = _dates(now)
    good = root.issue("exporter")
    files.pair("client", good)
    files.pair("expired", root.issue("exporter", **dates["expired"]))
    files.pair("nyv", root.issue("exporter", **dates["nyv"]))
    files.pair("rogue", rogue.issue("exporter"))
    files.pair("inc", issuing.issue("exporter"))
    files.pair("eku", root.issue("exporter", usages=("serverAuth",)))
    files.pair("selfc", _self_signed(good))
    encryption = serialization.BestAvailableEncryption(PASSWORD)
    files.write("enc.key", key_pem(good.key, encryption=encryption))
    old = serialization.PrivateFormat.TraditionalOpenSSL
    files.write("enc_old.key", key_pem(good.key, old, encryption))
    files.write("mism.key", root.issue("another").key_pem)


def _write_damaged(files: Files, root: Authority) -> None:
    good = root.issue("exporter")
    files.write("junk.crt", JUNK_PEM % ((b"CERTIFICATE",) * 2))
    files.write("junk.key", JUNK_PEM % ((b"PRIVATE KEY",) * 2))
    files.write("text.crt", JUNK_TEXT)
    files.write("text.key", JUNK_TEXT)
    files.write("empty.crt")
    files.write("empty.key")
    files.write("cut.crt", good.pem[: len(good.pem) // 2])
    files.write("cut.key", good.key_pem[: len(good.key_pem) // 2])
    files.write("unreadable.key", good.key_pem, mode=0o000)
    files.write("unreadable.crt", good.pem, mode=0o000)
