"""Someone who operates exporter and backend, and does by the letter what is printed.

A printed command is typed into a shell as it stands. What asks for a person's act is looked up in
one table of patterns; a step that neither is a command nor stands in the table fails the test.
"""

import re
import shlex
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.lab.following.authorities import NAMES
from tests.lab.following.sdk_stage import VARIABLES
from tests.lab.following.stage import EXPORTERS, Stage
from tests.support.pki import Authority, Issued
from tests.support.printed_commands import find_command
from tests.support.terminal import type_command

_IN_FILE: Final = r" of the exporter's(?: tls)? settings in (.+?)"
_INTO: Final = r"(.+?)(?: \((?:client_ca_file|cert_file|cert_file and key_file) of receiver .+?\))?"
"""A printed place: a path, with the setting that names it where that is known; or what it is called."""
_ISSUED: Final = r"Issue a (?:new |client )?certificate for (?:the|this) exporter"
_SERVED: Final = (
    r"put it, followed by its intermediates, in (?:place of the present one, and its key in place of the "
    r"present key|(.+), and its key in (.+?) \(cert_file and key_file of receiver .+\))\.$"
)
_SERVER: Final = r"(?:Renew the certificate of|.*[Ii]ssue a new certificate for) the backend at "


class Operator:
    """Has the CAs, a copy of every file, and both machines."""

    def __init__(self, stage: Stage, originals: dict[Path, bytes]) -> None:
        """Take the stage, and what its files held before they were spoilt."""
        self.stage, self.originals = stage, originals
        self.made: Issued | None = None
        """What a step has said to issue, until a step says where it goes."""
        self.by: Authority | None = None
        """Who issued it."""
        self.restarted: list[str] = []
        """The sides that a step has said to restart."""
        self.acts: Final[tuple[tuple[str, Callable[..., None]], ...]] = (
            # The exporter's certificate and key.
            (rf"^{_ISSUED}", self.issue_client),
            (r"^Renew the exporter's certificate", self.issue_client),
            (r"^Have the CA issue the certificate again .*, and put it, followed by its intermediates, in "
             r"(.+), and its key in the file of (\w+)$", self.reissue),
            (r"^Put it, followed by its intermediates, in (.+), and its key in (.+)\.$", self.put_client),
            (rf"^Write it, followed by its intermediates, into a file, and its key into another that only "
             rf"the exporter may read; set cert_file and key_file{_IN_FILE} to the two\.$",
             self.set_new_pair),
            (r"^Write it, followed by its intermediates, into a file, and its key into another that only the "
             r"exporter may read; set OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY "
             r"to the two\.$", lambda: self.set_new_pair("")),
            (r"^Put the key that (.+) was requested with in (.+), or request", self.put_key),
            (r"^Put the private key that the certificate was requested with in (.+), as a PEM block",
             self.copy_again),
            (r"^Put the certificate that the CA issued in (.+), as a PEM CERTIFICATE block, and its "
             r"intermediates after it$", self.copy_again),
            (r"^Send the request to your CA, and put the certificate that it returns in (.+), and its "
             r"intermediates after it$", self.copy_again),
            (r"^Append the certificate of CN=.+, which is in (.+), to (.+), after the end entity's",
             self.append_file),
            (r"^Move certificate (\d) of (.+) to the top", self.move_to_top),
            (r"^In (.+), replace the certificate of (CN=.+), which follows", self.replace_in_file),
            # Files and settings of the exporter.
            (r"^Copy (.+) again from where it was made", self.copy_again),
            (r"^Put the file at (.+), or correct", self.copy_again),
            (r"^Set (\w+) to ((?!the |that ).+)$", self.name_file),
            (r"^Set (\w+) to the private key of that certificate, or remove both settings",
             lambda key: self.name_half(key, "tls.key")),
            (r"^Set (\w+) to that key's certificate, or remove both settings",
             lambda key: self.name_half(key, "tls.crt")),
            (r"^Set \w+ to the file with the certificate and \w+ to the file with its private key: perhaps "
             r"the two are exchanged$", self.exchange),
            (rf"^Remove (\w+){_IN_FILE}, or", self.remove_setting),
            (rf"^Set (\w+){_IN_FILE} to \"(.+)\":", self.set_in_file),
            (rf"^Add (\S+) to (\w+){_IN_FILE}[;,] or", self.add_in_file),
            (rf"^Write https:// in (endpoint){_IN_FILE}, and remove insecure: true", self.use_https),
            (rf"^Set (ca_file){_IN_FILE}, and (cert_file) and (key_file){_IN_FILE} where",
             self.set_all_files),
            (r"^Use the (otlp_http|otlp_grpc) exporter for", self.speak),
            # Trust in the backend's certificate.
            (r"^Append the certificate of (CN=.+), the CA that issued the backend's, to (.+)\.$",
             self.append_anchor),
            (rf"^Write the certificate of (CN=.+), the CA that issued the backend's, into a file, and set "
             rf"(ca_file){_IN_FILE} to that file", self.write_anchor),
            (r"^Write the certificate of (CN=.+), the CA that issued the backend's, into a file, and set "
             r"(OTEL_EXPORTER_OTLP_CERTIFICATE) to that file\.$",
             lambda name, key: self.write_anchor(name, key, "")),
            (r"^Replace the certificate of (CN=.+) in (.+) by the (?:renewed|present) one",
             lambda name, path: self.replace_in_file(path, name)),
            (r"^Put the CA's certificate in (.+), as a PEM CERTIFICATE block$", self.copy_again),
            # The backend.
            (rf"^On the backend of .*, append the certificate of (CN=.+), after the backend's own, to "
             rf"{_INTO}\.$", self.append_served),
            (rf"^On the backend of .*, append the (?:present )?certificate of (CN=.+?)(?:, the CA that "
             rf"issued .+,|, which the chain in .+ ends below,)? to {_INTO}"
             r"(?:\.|, with its root where it is an intermediate: what is there under that name does not "
             r"verify ours\.)$", self.trust_client_ca),
            (rf"^Renew the certificate of (CN=.+), and, on the backend of .*, put it in place of the "
             rf"present one in {_INTO}\.$", self.renew_client_ca),
            (rf"^If its clock is right, renew the CA certificate that has expired in {_INTO}, and make the "
             r"backend read that again\.$", self.renew_client_cas),
            (rf"^{_SERVER}.*{_SERVED}", self.issue_server),
            (rf"^On the backend of .*, replace the certificate of (CN=.+), which it sends behind its own, "
             rf"by the renewed one in {_INTO}\.$", self.replace_served),
            (r"^Have (CN=.+) issued again .*, and put it in place of the present one in (.+)\.$",
             lambda name, path: self.replace_in_file(path, name)),
            (rf"^Have the backend's certificate CN=.+ issued again .*, and, on the backend of .*, {_SERVED}",
             self.issue_server),
            (rf"^Have certificate \d+ .*\((CN=[^()]+)\) issued again .*, and, on the backend of .*, put it "
             rf"in place of the present one in {_INTO}\.$", self.replace_served),
            (r"^Give the receiver at .* a certificate .* and restart it\.$", self.give_receiver_tls),
            # Clocks.
            (r"^Set the clock of the machine that the probe runs on", self.set_own_clock),
            (r"^Set the clock of the backend's machine", nothing),
            (r"^(?:Run|Check with) (date -u) (?:on|the clock of) ", self.run),
            (r"^Wait until (\S+ \S+) UTC by the clock", self.wait_until),
            # Processes.
            (r"^Restart the (?:exporter|application)", self.restart_exporter),
            (r"^Restart the (backend|Collector of receiver)", self.restart_backend),
            (r"^Wait for reload_interval of receiver \S+, (\d+) seconds?, after which its Collector reads",
             lambda seconds: time.sleep(float(seconds) + 0.5)),
            (r"^Wait a moment: the Collector of receiver \S+ reads the file again by itself",
             lambda: time.sleep(1)),
            # Alternatives, conditions that do not hold here, and what is for elsewhere.
            (r"^In (.+), move the exporter's own certificate to the top, and each one's issuer after it$",
             self.sort_chain),
            (r"^If the backend is a Collector, the probe on its host names the CA", nothing),
            (r"^(Or[ ,]|If that CA |If it is meant |If that has another key|If the renewed CA has another)",
             nothing),
            (r"^(If OpenSSL finds the keystore's encryption|If the key is Ed25519|In a container: |"
             r"In Kubernetes: |So that new certificates |Then attempts on )", nothing),
        )  # fmt: skip

        in_both = r"put it, followed by its intermediates, in (.+), and its key in (.+?)"
        self.other_ways: Final[tuple[tuple[str, Callable[..., None]], ...]] = (
            (rf"^If that CA is not one .*, issue the exporter's certificate from .* instead, and {in_both}; "
             r"then restart the exporter\.$", self.use_new_client),
            (rf"^Or issue the exporter's certificate from another CA, and {in_both}\.$", self.use_new_client),
            (rf"^If it is meant to be its own issuer, append it instead, on the backend of .*, to {_INTO}, "
             r"and make the backend read that again\.$", self.trust_own),
            (rf"^Or write a name that it has in endpoint{_IN_FILE}: (.+?)(?:; or set server_name_override"
             r".* to it)?\. Then restart the exporter\.$", self.use_name),
            (rf"^Or correct the port in endpoint{_IN_FILE}: (?:4317 is usually gRPC|4318 is usually "
             r"OTLP/HTTP)\.$", self.use_right_port),
            (rf"^Or write the port at which the backend serves .+ in endpoint{_IN_FILE}\.$",
             self.use_right_port),
            (rf"^Or, if it is meant to be without TLS, write http:// in endpoint{_IN_FILE} \(a Collector's "
             r"gRPC exporter: insecure: true in its tls settings\), and restart the exporter\.$",
             self.send_plaintext),
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

    def follow_other_way(self, fix: tuple[str, ...]) -> None:
        """Carry out the alternative that the steps name in place of the first."""
        for step in fix:
            for pattern, do in self.other_ways:
                found = re.search(pattern, step)
                if found is not None:
                    do(*found.groups())
                    return
        raise AssertionError(f"there is no other way in {fix}")

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
        code, said = type_command(command, self.stage.exporter.folder)
        assert code == 0 or ("s_client" in command and "CONNECTED" in said), (command, code, said)

    # certificates

    def issue_client(self) -> None:
        """Have a client certificate made by an issuing CA below one that the backend accepts."""
        held = x509.load_pem_x509_certificates(self.client_ca_file().read_bytes())
        self.by = self.stage.cas.find_issuer_below(held[0])
        self.made = self.stage.cas.issue(self.by, "exporter-7")

    def put_client(self, cert: str, key: str) -> None:
        """Write what was made, with its intermediates."""
        assert self.made is not None
        assert self.by is not None
        self.write(cert, self.by.chain_pem(self.made))
        self.write(key, self.made.key_pem)

    def reissue(self, cert: str, setting: str) -> None:
        """Have it made, and put where the steps and a setting say."""
        self.issue_client()
        key = self.stage.client_tls[_KEYS.get(setting, setting)]
        self.put_client(cert, shlex.quote(key))

    def set_new_pair(self, file: str) -> None:
        """Name new files in the settings."""
        self.put_client("new.crt", "new.key")
        self.set_tls(file, cert_file=str(self.path("new.crt")), key_file=str(self.path("new.key")))

    def issue_server(self, cert: str | None = None, key: str | None = None) -> None:
        """Have a server certificate made for the names of its host, and put it in place."""
        by = self.stage.cas.server_issuer
        issued = self.stage.cas.issue(by, "backend", usages=("serverAuth",), sans=NAMES)
        tls = self.stage.server_tls
        self.write(cert or Path(tls["cert_file"]), by.chain_pem(issued))
        self.write(key or Path(tls["key_file"]), issued.key_pem)

    # other ways

    def use_new_client(self, cert: str, key: str) -> None:
        """Have another certificate made, and read by the exporter."""
        self.issue_client()
        self.put_client(cert, key)
        self.restart_exporter()

    def trust_own(self, place: str) -> None:
        """Let the backend trust the exporter's own certificate."""
        own = (self.stage.exporter.folder / "tls.crt").read_bytes()
        self.append(self.client_ca_file(place), own)
        self.restart_backend()

    def use_name(self, file: str, name: str) -> None:
        """Connect by another name; here only a name of loopback leads anywhere."""
        assert name == "localhost"
        self.change_endpoint(file, lambda endpoint: endpoint.replace("127.0.0.1", name))

    def use_right_port(self, file: str) -> None:
        """Connect to the port of the exporter's own protocol."""
        own = str(self.stage.ports[self.stage.protocol])
        self.change_endpoint(file, lambda endpoint: f"{endpoint.rpartition(':')[0]}:{own}")

    def send_plaintext(self, file: str) -> None:
        """Send without TLS."""
        self.stage.client_tls["insecure"] = True
        self.stage.client_tls.pop("ca_file")
        self.change_endpoint(file, lambda endpoint: endpoint.replace("https://", "http://"))

    def change_endpoint(self, file: str, change: Callable[[str], str]) -> None:
        """Edit the endpoint, and let the exporter read it."""
        assert self.path(file) == self.stage.exporter.file
        settings = self.stage.exporter_settings
        settings["endpoint"] = change(settings["endpoint"])
        self.stage.exporter.save()
        self.restart_exporter()

    # the backend's files

    def client_ca_file(self, place: str = "") -> Path:
        """Return the path that is printed, else what the backend's settings say."""
        there = Path(self.stage.server_tls["client_ca_file"])
        assert place.startswith("the file of client CAs") or not place or self.path(place) == there
        return there

    def trust_client_ca(self, name: str, place: str) -> None:
        """Append a CA to the backend's file."""
        self.append(self.client_ca_file(place), self.stage.cas.find(name).pem)

    def renew_client_ca(self, name: str, place: str) -> None:
        """Put the renewed one in place."""
        self.replace_in_file(self.client_ca_file(place), name)

    def renew_client_cas(self, place: str) -> None:
        """Renew each that has expired, and start the backend again."""
        path = self.client_ca_file(place)
        for held in x509.load_pem_x509_certificates(path.read_bytes()):
            self.replace_in_file(path, held.subject.rfc4514_string())
        self.restart_backend()

    def served_file(self, place: str) -> Path:
        """Return the path that is printed, else what the backend's settings say."""
        there = Path(self.stage.server_tls["cert_file"])
        assert place == "the file with its own certificate" or self.path(place) == there
        return there

    def replace_served(self, name: str, place: str) -> None:
        """Replace an intermediate of the backend's."""
        self.replace_in_file(self.served_file(place), name)

    def append_served(self, name: str, place: str) -> None:
        """Append an intermediate to the backend's."""
        self.append(self.served_file(place), self.stage.cas.find(name).pem)

    def give_receiver_tls(self) -> None:
        """Set the files that lie there."""
        folder = self.stage.backend.folder
        names = {
            "cert_file": "server.crt",
            "key_file": "server.key",
            "client_ca_file": "client-ca.crt",
        }
        self.stage.receiver["tls"] = {key: str(folder / name) for key, name in names.items()}
        self.stage.backend.save()
        self.restart_backend()

    # files

    def path(self, text: str) -> Path:
        """Return a printed path, quoted as a shell wants it, relative to where the exporter runs."""
        (word,) = shlex.split(text)
        return self.stage.exporter.folder / word

    def write(self, path: Path | str, *parts: bytes) -> None:
        """Write a file that the exporter reads."""
        place = path if isinstance(path, Path) else self.path(path)
        place.write_bytes(b"".join(parts))

    def append(self, path: Path | str, pem: bytes) -> None:
        """Append to a file."""
        place = path if isinstance(path, Path) else self.path(path)
        with place.open("ab") as file:
            file.write(pem)

    def append_file(self, source: str, path: str) -> None:
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

    def sort_chain(self, path: str) -> None:
        """Put a chain's certificates in their order."""
        held = x509.load_pem_x509_certificates(self.path(path).read_bytes())
        issuers = {one.issuer for one in held}
        chain = [one for one in held if one.subject not in issuers]
        while above := [
            one for one in held if one.subject == chain[-1].issuer and one not in chain
        ]:
            chain += above
        self.write(path, *map(pem_of, chain))

    def replace_in_file(self, path: Path | str, name: str) -> None:
        """Replace the certificate of a CA by its present one."""
        place = path if isinstance(path, Path) else self.path(path)
        held = x509.load_pem_x509_certificates(place.read_bytes())
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
        place = self.path(path)
        place.parent.mkdir(exist_ok=True)
        of_that_name = (raw for known, raw in self.originals.items() if known.name == place.name)
        place.write_bytes(next(of_that_name))

    # settings

    def set_tls(self, file: str = "", **settings: Any) -> None:
        """Edit the exporter's tls settings in its configuration."""
        known = {_KEYS.get(key, key): value for key, value in settings.items()}
        self.edit(file, lambda tls: tls.update(known))

    def edit(self, file: str, change: Callable[[dict[str, Any]], Any]) -> None:
        """Edit the exporter's tls settings, in the file that is printed where one is."""
        assert not file or self.path(file) == self.stage.exporter.file
        change(self.stage.client_tls)
        self.stage.exporter.save()

    def name_file(self, key: str, path: str) -> None:
        """Name a file in the exporter's tls settings, as it is printed."""
        (word,) = shlex.split(path)
        self.set_tls(**{key: word})

    def name_half(self, key: str, name: str) -> None:
        """Name the half of the pair that was not set."""
        self.set_tls(**{key: str(self.stage.exporter.folder / name)})

    def exchange(self) -> None:
        """Name the file that holds the certificate, and the one that holds the key."""
        tls = self.stage.client_tls
        for path in (tls["cert_file"], tls["key_file"]):
            held = (self.stage.exporter.folder / path).read_bytes()
            self.set_tls(**{"cert_file" if b"BEGIN CERTIFICATE" in held else "key_file": path})

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

    def set_all_files(self, ca: str, file: str, cert: str, key: str, _again: str) -> None:
        """Name the files that lie there."""
        names = {ca: "ca.crt", cert: "tls.crt", key: "tls.key"}
        self.set_tls(file, **{key: str(self.path(name)) for key, name in names.items()})

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

    # clocks

    def set_own_clock(self) -> None:
        """Put the clock of the exporter's machine right."""
        self.stage.clock = ""

    def wait_until(self, text: str) -> None:
        """Wait for a time."""
        then = datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        time.sleep(max((then - datetime.now(UTC)).total_seconds(), 0.0))

    # processes

    def restart_exporter(self) -> None:
        """Start the exporter again."""
        self.restarted.append("exporter")
        self.stage.exporter.start()

    def restart_backend(self, *_: str) -> None:
        """Start the backend again."""
        self.restarted.append("backend")
        assert self.stage.backend.start()


_KEYS: Final = {variable: key for key, variable in VARIABLES.items()}
LABELS: Final = (
    "To see ",
    "A pair prints",
    "Let everybody read it",
    "Let the group of the exporter's user",
)
"""How a step begins whose command shows something, or is the whole of it."""


def nothing() -> None:
    """Leave a step alone: an alternative, a condition that does not hold, or advice for elsewhere."""


def pem_of(certificate: x509.Certificate) -> bytes:
    """Return a certificate as a PEM block."""
    return certificate.public_bytes(Encoding.PEM)
