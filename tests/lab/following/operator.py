"""Someone who operates exporter and backend, and does by the letter what is printed.

A printed command is typed into a shell as it stands. What asks for a person's act is looked up in
one table of patterns; a step that neither is a command nor stands in the table fails the test.
"""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from cryptography import x509

from tests.lab.following.authorities import NAMES
from tests.lab.following.stage import EXPORTERS, Stage
from tests.support.pki import Authority, Issued
from tests.support.terminal import type_command

WORDS: Final = (
    "awk|base64|cat|chgrp|chmod|chown|cp|date|gzip|iconv|install|jq|keytool|ls|mv|namei|openssl|puttygen|"
    "sed|ss|ssh-keygen|tr|umask|unzip"
)
"""How printed commands begin."""
_WHOLE: Final = re.compile(rf"(?:{WORDS}) ")
_BEHIND_A_COLON: Final = re.compile(rf": ((?:{WORDS}) .+)$")
_SETTING: Final = r"(\w+) of the exporter's(?: tls)? settings in (\S+)"


class Operator:
    """Has the CAs, a copy of every file, and both machines."""

    def __init__(self, stage: Stage, originals: dict[Path, bytes]) -> None:
        """Take the stage, and what its files held before they were spoilt."""
        self.stage, self.originals = stage, originals
        self.made: Issued | None = None
        """What a step has said to issue, until a step says where it goes."""
        self.typed: list[str] = []
        """The commands that were run."""
        self.acts: Final[tuple[tuple[str, Callable[..., None]], ...]] = (
            (r"^Issue a client certificate for this exporter", self.issue_client),
            (r"^Issue a new certificate for the exporter.*; put it in (.+) with its key in (.+)\.$",
             self.issue_client_into),
            (r"^Renew the exporter's certificate .*, and put it in (.+) with its key in (.+)\.$",
             self.issue_client_into),
            (r"^Put it in (.+) with its key in (.+)\.$", self.put_client),
            (rf"^Set {_SETTING} and {_SETTING} to the files of that certificate and its key\.$",
             self.set_new_pair),
            (r"^On the backend of .*, append the (?:present )?certificate of (CN=.+?)(?:, the CA that "
             r"issued .*,)? to the file of client CAs", self.trust_client_ca),
            (r"^Append (CN=.+), which is in (.+), to (.+), after the end entity's", self.append_file),
            (r"^Move certificate (\d) of (.+) to the top", self.move_to_top),
            (r"^Put the key that (.+) was requested with in (.+), or request", self.put_key),
            (r"^Set key_file to the private key of that certificate, or remove", self.set_key),
            (r"^Set cert_file to that key's certificate, or remove", self.set_cert),
            (r"^In (.+), replace the certificate of (CN=.+), which follows", self.replace_in_file),
            (r"^Replace the certificate of (CN=.+) in (.+) by the (?:renewed|present) one",
             lambda name, path: self.replace_in_file(path, name)),
            (r"^Renew the certificate of (CN=.+), and put it in place of the expired one in the "
             r"backend's file of client CAs\.$", self.renew_client_ca),
            (r"^If its clock is right, renew the CA certificate that has expired in its file of client "
             r"CAs .*, and restart or reload the backend\.$", self.renew_client_cas_and_restart),
            (r"^Set the clock of the backend's machine", nothing),
            (r"^Renew the certificate of the backend at ", self.issue_server),
            (r"^Issue a new certificate for the backend at ", self.issue_server),
            (r"^If this clock is right, issue a new certificate for the backend", self.issue_server),
            (r"^Run (date -u) on ", self.run),
            (r"^On the backend of .*, replace the certificate of (CN=.+), which it sends behind",
             self.replace_served),
            (r"^On the backend of .*, append the certificate of (CN=.+) to the file with its own",
             self.append_served),
            (rf"^Remove {_SETTING}, or", self.remove_setting),
            (rf"^Set {_SETTING} to \"(.+)\":", self.set_in_file),
            (rf"^Add (\S+) to {_SETTING}[;,] or", self.add_in_file),
            (r"^Copy (.+) again from where it was made", self.copy_again),
            (r"^Put the file at (.+), or correct", self.copy_again),
            (r"^Let the process that uses (.+) read it: its group, and mode (\d+)$", self.let_read),
            (r"^Set cert_file to the certificate; perhaps cert_file and key_file are exchanged",
             self.exchange),
            (r"^Set key_file to the private key; perhaps cert_file and key_file are exchanged", nothing),
            (r"^Append the certificate of (CN=.+), the CA that issued the backend's, to (.+)\.$",
             self.append_anchor),
            (r"^Write the certificate of (CN=.+), the CA that issued the backend's, into a file, and set "
             rf"{_SETTING} to that file", self.write_anchor),
            (r"^Use the otlp_http exporter for", lambda: self.speak("otlp_http")),
            (r"^Use the otlp_grpc exporter for", lambda: self.speak("otlp_grpc")),
            (r"^Give the receiver at .* a certificate .* and restart it;", self.give_receiver_tls),
            (rf"^Write https:// in {_SETTING}, and remove insecure: true", self.use_https),
            (rf"^Set {_SETTING}, and {_SETTING} with {_SETTING} where", self.set_all_files),
            (r"^Wait (\d+) seconds?:", lambda seconds: time.sleep(float(seconds))),
            (r"^Restart the exporter", self.restart_exporter),
            (r"^Restart the backend", self.restart_backend),
            (r"^(Or |If that CA |If it is meant |If that has another key|If the renewed CA has another)",
             nothing),
            (r"^(In a container|In Kubernetes|No exporter has a setting|Add -legacy where|An Ed25519 key "
             r"stays|So that new certificates)", nothing),
        )  # fmt: skip

    def follow(self, fix: tuple[str, ...]) -> None:
        """Carry out each step in its order."""
        for step in fix:
            command = find_command(step)
            label = step.removesuffix(command).rstrip() if command else step
            known = self.act(label, step) if label else True
            if command:
                self.run(command)
            assert known or (label.endswith(":") and label.startswith(LABELS)), (
                f"nobody knows: {step}"
            )

    def act(self, text: str, step: str) -> bool:
        """Do what the table has for a step; return whether it has it."""
        for pattern, do in self.acts:
            found = re.search(pattern, text if "$" in pattern else step)
            if found is not None:
                do(*((*found.groups(),) if do is not nothing else ()))
                return True
        return False

    def run(self, command: str) -> None:
        """Type a command; it has to succeed, and s_client has to connect."""
        self.typed.append(command)
        code, said = type_command(command, self.stage.exporter.folder)
        assert code == 0 or ("s_client" in command and "CONNECTED" in said), (command, code, said)

    # certificates

    def issue_client(self) -> None:
        """Have a client certificate made by an issuing CA below one that the backend accepts."""
        accepted = self.stage.backend.folder / "client-ca.crt"
        held = x509.load_pem_x509_certificates(accepted.read_bytes())
        by = self.issuer_below(held[0])
        self.made = self.stage.cas.issue(by, "exporter-7")
        self.by = by

    def issuer_below(self, accepted: x509.Certificate) -> Authority:
        """Return who issues end entities for this CA: an intermediate where it has one."""
        return self.stage.cas.find_issuer_below(accepted)

    def put_client(self, cert: str, key: str) -> None:
        """Write what was made."""
        assert self.made is not None
        self.write(cert, self.made.pem)
        self.write(key, self.made.key_pem)

    def issue_client_into(self, cert: str, key: str) -> None:
        """Both in one step."""
        self.issue_client()
        self.put_client(cert, key)

    def set_new_pair(self, cert: str, file: str, key: str, again: str) -> None:
        """Name new files in the settings."""
        assert (cert, key, file) == ("cert_file", "key_file", again)
        assert self.made is not None
        paths = self.stage.exporter.folder / "new.crt", self.stage.exporter.folder / "new.key"
        self.put_client(*map(str, paths))
        self.set_tls(file, cert_file=str(paths[0]), key_file=str(paths[1]))

    def issue_server(self, *_: str) -> None:
        """Have a server certificate made for the names of its host, and put it in place."""
        issued = self.stage.cas.issue(
            self.stage.cas.server_issuer, "backend", usages=("serverAuth",), sans=NAMES
        )
        self.stage.use_server(issued)

    # the backend's files

    def trust_client_ca(self, name: str) -> None:
        """Append a CA to the backend's file."""
        self.append(self.client_ca_file(), self.stage.cas.find(name).pem)

    def renew_client_ca(self, name: str) -> None:
        """Put the renewed one in place."""
        self.replace_in_file(self.client_ca_file(), name)

    def renew_client_cas_and_restart(self) -> None:
        """Renew each that has expired."""
        for held in x509.load_pem_x509_certificates(Path(self.client_ca_file()).read_bytes()):
            self.replace_in_file(self.client_ca_file(), held.subject.rfc4514_string())
        self.restart_backend()

    def client_ca_file(self) -> str:
        """Return the path in the backend's settings."""
        return str(self.stage.server_tls["client_ca_file"])

    def replace_served(self, name: str) -> None:
        """Replace an intermediate of the backend's."""
        self.replace_in_file(str(self.stage.server_tls["cert_file"]), name)

    def append_served(self, name: str) -> None:
        """Append an intermediate to the backend's."""
        self.append(str(self.stage.server_tls["cert_file"]), self.stage.cas.find(name).pem)

    def give_receiver_tls(self) -> None:
        """Set the files that lie there."""
        self.stage.receiver["tls"] = {
            "cert_file": str(self.stage.backend.folder / "server.crt"),
            "key_file": str(self.stage.backend.folder / "server.key"),
        }
        self.stage.backend.save()
        self.restart_backend()

    # files

    def path(self, text: str) -> Path:
        """Return a printed path, which is relative to where the exporter runs."""
        return self.stage.exporter.folder / text

    def write(self, path: str, *parts: bytes) -> None:
        """Write a file that the exporter reads."""
        self.path(path).write_bytes(b"".join(parts))

    def append(self, path: str, pem: bytes) -> None:
        """Append to a file."""
        with self.path(path).open("ab") as file:
            file.write(pem)

    def append_file(self, _name: str, source: str, path: str) -> None:
        """Append one file's certificate to another."""
        self.append(path, self.path(source).read_bytes())

    def append_anchor(self, name: str, path: str) -> None:
        """Append a CA."""
        self.append(path, self.stage.cas.find(name).pem)

    def move_to_top(self, number: str, path: str) -> None:
        """Move a block of a PEM file to its top."""
        blocks = x509.load_pem_x509_certificates(self.path(path).read_bytes())
        blocks.insert(0, blocks.pop(int(number) - 1))
        self.write(path, *(pem_of(one) for one in blocks))

    def replace_in_file(self, path: str, name: str) -> None:
        """Replace the certificate of a CA by its present one."""
        held = x509.load_pem_x509_certificates(self.path(path).read_bytes())
        present = self.stage.cas.find(name).certificate
        self.write(path, *(
            pem_of(present if one.subject == present.subject else one) for one in held
        ))  # fmt: skip

    def put_key(self, cert: str, key: str) -> None:
        """Put the key of a certificate in place."""
        (first, *_) = x509.load_pem_x509_certificates(self.path(cert).read_bytes())
        self.write(key, self.stage.cas.key_of(first))

    def copy_again(self, path: str) -> None:
        """Bring the whole file from where it was made."""
        self.path(path).parent.mkdir(exist_ok=True)
        known = self.originals.get(self.path(path))
        self.write(
            path, known or self.originals[self.path(path).parent.parent / self.path(path).name]
        )

    def let_read(self, path: str, mode: str) -> None:
        """Give the exporter's group the right to read."""
        self.run(f"chgrp 0 {path} && chmod {mode} {path}")

    # settings

    def set_tls(self, file: str, **settings: Any) -> None:
        """Edit the exporter's tls settings in its configuration."""
        self.edit(file, lambda tls: tls.update(settings))

    def edit(self, file: str, change: Callable[[dict[str, Any]], Any]) -> None:
        """Edit the exporter's tls settings."""
        assert Path(file) == self.stage.exporter.file
        self.stage.exporter.load()
        change(self.stage.client_tls)
        self.stage.exporter.save()

    def set_key(self) -> None:
        """Name the key's file."""
        self.set_tls(str(self.stage.exporter.file), key_file=str(self.path("tls.key")))

    def set_cert(self) -> None:
        """Name the certificate's file."""
        self.set_tls(str(self.stage.exporter.file), cert_file=str(self.path("tls.crt")))

    def exchange(self) -> None:
        """Exchange the two settings."""
        tls = dict(self.stage.client_tls)
        self.set_tls(
            str(self.stage.exporter.file), cert_file=tls["key_file"], key_file=tls["cert_file"]
        )

    def remove_setting(self, key: str, file: str) -> None:
        """Remove one."""
        self.edit(file, lambda tls: tls.pop(key))

    def set_in_file(self, key: str, file: str, value: str) -> None:
        """Set one."""
        self.set_tls(file, **{key: value})

    def add_in_file(self, value: str, key: str, file: str) -> None:
        """Add to a list."""
        self.edit(file, lambda tls: tls[key].append(value))

    def write_anchor(self, name: str, key: str, file: str) -> None:
        """Write a CA into a new file and name it."""
        self.write("new-ca.crt", self.stage.cas.find(name).pem)
        self.set_tls(file, **{key: str(self.path("new-ca.crt"))})

    def set_all_files(self, *groups: str) -> None:
        """Name the files that lie there."""
        keys, file = groups[::2], groups[1]
        names = {"ca_file": "ca.crt", "cert_file": "tls.crt", "key_file": "tls.key"}
        self.set_tls(file, **{key: str(self.path(names[key])) for key in keys})

    def use_https(self, key: str, file: str) -> None:
        """Write https:// before an endpoint, and remove insecure."""
        assert key == "endpoint"
        settings = self.stage.exporter_settings
        settings[key] = "https://" + settings[key].removeprefix("http://")
        settings["tls"].pop("insecure", None)
        self.stage.exporter.save()

    def speak(self, kind: str) -> None:
        """Change the exporter."""
        exporter = self.stage.exporter.settings
        (old,) = exporter["exporters"]
        settings = exporter["exporters"].pop(old)
        host = settings["endpoint"].removeprefix("https://")
        settings["endpoint"] = f"https://{host}" if kind == EXPORTERS["http/protobuf"] else host
        exporter["exporters"][kind] = settings
        exporter["service"]["pipelines"]["traces"]["exporters"] = [kind]
        self.stage.exporter.save()

    # processes

    def restart_exporter(self) -> None:
        """Start the exporter again."""
        self.stage.exporter.start()

    def restart_backend(self) -> None:
        """Start the backend again."""
        assert self.stage.backend.start()


LABELS: Final = ("To see ", "A pair prints", "For ", "Check the clock")
"""How a step begins whose command shows something, or is the whole of it."""


def nothing() -> None:
    """Leave a step alone: an alternative, a condition that does not hold, or advice for elsewhere."""


def find_command(step: str) -> str:
    """Return the command that a step is, or ends in; empty where there is none."""
    if _WHOLE.match(step):
        return step
    found = _BEHIND_A_COLON.search(step)
    return found[1] if found else ""


def pem_of(certificate: x509.Certificate) -> bytes:
    """Return a certificate as a PEM block."""
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM)
