"""Printed fixes, followed step by step as a reader would, make the attempt succeed.

Each step is carried out by exactly what its words say, on real files and real backends of the demo;
a step that no hand knows how to carry out fails the test, and so does a printed command that fails.
Alternatives ("Or …", "If …") are left alone: the first way must do.
"""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from probe.backend.server import HOST
from probe.demo.scenarios import SCENARIOS
from probe.model.diagnosis import Diagnosis
from probe.model.target import Endpoint, Source, Target, TlsSettings
from probe.service.pipeline import run_rounds
from tests.support.backends import Backend
from tests.support.demo_pki import PKI, DemoPki
from tests.support.pki import Authority, Issued, write_pem

pytestmark = pytest.mark.slow

DAY: Final = timedelta(days=1)
Build = Callable[[DemoPki, Path, str], tuple[Backend, TlsSettings]]


class Reader:
    """Someone who has a backend, an exporter's files and the CAs, and does what is printed."""

    def __init__(self, pki: DemoPki, folder: Path, backend: Backend, tls: TlsSettings) -> None:
        """Take what the scenario is made of."""
        self.pki, self.folder, self.backend = pki, folder, backend
        self.target = Target(
            name=backend.name,
            endpoint=Endpoint(HOST, backend.port, scheme="https"),
            protocol=backend.protocol,
            timeout=5.0,
            tls=tls,
            sources=(Source("demo"),),
        )
        self.made: Issued | None = None
        """What a step has said to issue, until a step says where it goes."""
        self.appended: bytes = b""
        self.changed: dict[str, object] = {}
        """Of the backend, until a step restarts it."""
        self.hands: Final = (
            (r"^On the backend of .*append the certificate of (.+), the CA that issued", self.trust),
            (r"^(Issue a client certificate|Renew the exporter's certificate )", self.issue_client),
            (r"^Issue a new certificate for the exporter", self.issue_client),
            (r"^Put it in (\S+) with its key in (\S+)\.$", self.put_pair),
            (r"^Put the key that .* was requested with in (\S+),", self.put_matching_key),
            (r"^Copy (\S+) again from where it was made", self.copy_again),
            (r"^Set (\S+) .* and (\S+) .* to the files of that certificate", self.set_pair),
            (r"^Issue a new certificate for the backend at", self.issue_server),
            (r"^Renew the certificate of the backend at ", self.issue_server),
            (r"^Set the clock of the backend's machine", self.set_backend_clock),
            (r"^Append (\S+=.+), which is in (\S+), to (\S+), after", self.append_intermediate),
            (r"^Append the certificate of (.+), the CA that issued the backend's, to (\S+)\.$",
             self.append_anchor),
            (r"^Write the certificate of (.+), the CA that issued the backend's, into a file, and "
             r"set ca_file", self.set_anchor),
            (r"^Add (TLS_\w+) to cipher_suites of", self.add_suite),
            (r"^Set (min_version|max_version) of .* to \"(1\.\d)\"", self.set_version),
            (r"^Remove (min_version|max_version) of", self.remove_limit),
            (r"^Use the otlp_http exporter for", lambda: self.speak("http/protobuf")),
            (r"^Use the otlp_grpc exporter for", lambda: self.speak("grpc")),
            (r"^Remove server_name_override of", self.remove_override),
            (r"^Restart the backend", self.restart_backend),
            (r"^Restart the exporter", self.restart_exporter),
            (r"^write \S+ to (\S+) in |^set (cert_file|key_file) to (\S+)", self.name_file),
        )  # fmt: skip

    async def follow(self, fix: tuple[str, ...]) -> None:
        """Carry out each step in its order."""
        for step in fix:
            if step.startswith(("Or ", "If ")):
                continue
            known = False
            for pattern, hand in self.hands:
                if (found := re.search(pattern, step)) is not None:
                    done = hand(*(group for group in found.groups() if group))
                    if asyncio.iscoroutine(done):
                        await done
                    known = True
                    break
            command = printed_command(step)
            if command is not None:
                await run(command)
            assert known or command is not None, f"nobody knows how to do this: {step}"

    def authority(self, name: str) -> Authority:
        """Return the CA of this name."""
        for one in (self.pki.server_ca, self.pki.client_ca, self.pki.other_ca):
            if one.certificate.subject.rfc4514_string() == name:
                return one
        raise AssertionError(f"no CA is called {name}")

    def trust(self, issuer: str) -> None:
        """Let the backend trust one more CA; this one holds a single anchor."""
        self.changed["client_ca"] = self.authority(issuer)

    def issue_client(self, *_: str) -> None:
        """Have a client certificate made, and put it in place where the step says so already."""
        self.made = self.pki.exporter()
        if self.target.tls.cert_file:
            self.put_pair(self.target.tls.cert_file, str(self.target.tls.key_file))

    def put_pair(self, cert_file: str, key_file: str) -> None:
        """Write the certificate that was made, and its key."""
        assert self.made is not None
        Path(cert_file).write_bytes(self.made.pem)
        Path(key_file).write_bytes(self.made.key_pem)

    def set_pair(self, cert_key: str, key_key: str) -> None:
        """Name new files in the settings."""
        assert (cert_key, key_key) == ("cert_file", "key_file")
        assert self.made is not None
        cert = write_pem(self.folder, "new.crt", self.made.pem)
        key = write_pem(self.folder, "new.key", self.made.key_pem)
        self.set_tls(cert_file=str(cert), key_file=str(key))

    def put_matching_key(self, key_file: str) -> None:
        """Put the right key in; the reader still has that of the certificate."""
        self.made = self.pki.exporter()
        self.put_pair(str(self.target.tls.cert_file), key_file)

    def copy_again(self, path: str) -> None:
        """Bring the whole file from where it was made."""
        self.put_matching_key(path)

    def issue_server(self) -> None:
        """Have a server certificate made for the name that exporters verify."""
        name = self.target.reference_identifier
        sans = ("DNS:" + name, "DNS:localhost", "IP:127.0.0.1")
        self.changed["server"] = self.pki.server(*(s for s in sans if s != "DNS:127.0.0.1"))

    def set_backend_clock(self) -> None:
        """Put the backend's clock right."""
        self.backend.clock_offset = timedelta(0)

    def append_intermediate(self, _name: str, path: str, cert_file: str) -> None:
        """Append one file's certificate to another."""
        with Path(cert_file).open("ab") as file:
            file.write(Path(path).read_bytes())

    def append_anchor(self, name: str, ca_file: str) -> None:
        """Append the CA's certificate."""
        with Path(ca_file).open("ab") as file:
            file.write(self.authority(name).pem)

    def set_anchor(self, name: str) -> None:
        """Write the CA's certificate into a new file, and name it."""
        path = write_pem(self.folder, "new-ca.pem", self.authority(name).pem)
        self.set_tls(ca_file=str(path))

    def add_suite(self, suite: str) -> None:
        """Add a suite to the exporter's own."""
        self.set_tls(cipher_suites=(*self.target.tls.cipher_suites, suite))

    def set_version(self, key: str, version: str) -> None:
        """Move one limit."""
        self.set_tls(**{key: version})

    def remove_limit(self, key: str) -> None:
        """Remove one limit."""
        self.set_tls(**{key: ""})

    def remove_override(self) -> None:
        """Verify the endpoint's own name again."""
        self.set_tls(server_name_override="")

    def speak(self, protocol: str) -> None:
        """Change to the exporter of the other protocol."""
        self.target = replace(self.target, protocol=protocol)  # type: ignore[arg-type]  # a Protocol

    def name_file(self, *groups: str) -> None:
        """Name a file that a command has written."""
        key, path = groups
        self.set_tls(**{key: path})

    def set_tls(self, **settings: object) -> None:
        """Change the exporter's settings."""
        tls = replace(self.target.tls, **settings)  # type: ignore[arg-type]  # fields of TlsSettings
        self.target = replace(self.target, tls=tls)

    async def restart_backend(self) -> None:
        """Stop the backend, and start it on its port with what has changed."""
        port = self.backend.port
        await self.backend.stop()
        for name, value in self.changed.items():
            setattr(self.backend, name, value)
        await self.backend.start(port)

    def restart_exporter(self) -> None:
        """Do nothing: each attempt here reads files and settings anew."""


def printed_command(step: str) -> str | None:
    """Return the command that a step ends in, or is."""
    found = re.search(r"(?:^|: )((?:openssl|cp|sed|umask|base64|iconv|chmod|ls|namei) .+)$", step)
    return found[1] if found else None


async def run(command: str) -> None:
    """Run a printed command in a shell; s_client may end as the backend wants, the rest succeeds."""
    running = await asyncio.create_subprocess_shell(
        command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await asyncio.wait_for(running.communicate(), 30)
    assert running.returncode == 0 or "s_client" in command, (command, said)


async def observe(watched: Target) -> Diagnosis:
    """Make one attempt with nothing remembered."""
    round_ = run_rounds([watched], concurrency=1)
    ((_, _, diagnosis),) = await round_
    return diagnosis


@asynccontextmanager
async def reader(build: Build, folder: Path) -> AsyncIterator[Reader]:
    """Stage a scenario with its backend running."""
    backend, tls = build(PKI, folder, "backend")
    await backend.start()
    try:
        yield Reader(PKI, folder, backend, tls)
    finally:
        await backend.stop()


@pytest.mark.parametrize(
    "scenario", [each for each in SCENARIOS if each.expected], ids=lambda each: each.name
)
async def test_the_documented_causes_are_fixed_by_what_is_printed(
    scenario: object, tmp_path: Path
) -> None:
    """One backend for each documented cause: after the printed steps it takes the exporter in."""
    async with reader(scenario.build, tmp_path) as person:  # type: ignore[attr-defined]  # a DemoScenario
        before = await observe(person.target)
        assert before.cause == scenario.expected, before  # type: ignore[attr-defined]
        await person.follow(before.fix)
        after = await observe(person.target)
        assert after.outcome == "confirmed", (before.fix, after)


def server_as_client(pki: DemoPki, folder: Path, name: str) -> tuple[Backend, TlsSettings]:
    """A server's certificate, of the servers' CA, in the exporter's place."""
    return pki.backend(name), pki.settings(folder, pki.server())


def the_backends_own(pki: DemoPki, folder: Path, name: str) -> tuple[Backend, TlsSettings]:
    """The very certificate that the backend serves."""
    server = pki.server_ca.issue("both", usages=("serverAuth", "clientAuth"))
    return pki.backend(name, server=server), pki.settings(folder, server)


def self_signed(pki: DemoPki, folder: Path, name: str) -> tuple[Backend, TlsSettings]:
    """A certificate that is its own issuer."""
    return pki.backend(name), pki.settings(folder, Authority.root("exporter").issued)


def without_intermediate(pki: DemoPki, folder: Path, name: str) -> tuple[Backend, TlsSettings]:
    """cert_file holds the end entity alone, the intermediate lies next to it."""
    between = pki.client_ca.intermediate("Demo intermediate CA")
    write_pem(folder, "between.pem", between.pem)
    return pki.backend(name), pki.settings(folder, between.issue("exporter"))


def another_server_ca(pki: DemoPki, folder: Path, name: str) -> tuple[Backend, TlsSettings]:
    """The backend's certificate is of a CA that ca_file does not hold."""
    server = pki.other_ca.issue("backend", usages=("serverAuth",))
    return pki.backend(name, server=server), pki.settings(folder, pki.exporter())


def no_ca_file(pki: DemoPki, folder: Path, name: str) -> tuple[Backend, TlsSettings]:
    """No ca_file is set, and the system's roots do not know the CA."""
    return pki.backend(name), replace(pki.settings(folder, pki.exporter()), ca_file=None)


def expired_server(pki: DemoPki, folder: Path, name: str) -> tuple[Backend, TlsSettings]:
    """The backend's certificate has expired."""
    old = datetime.now(UTC) - DAY
    server = pki.server_ca.issue("backend", usages=("serverAuth",), not_after=old)
    return pki.backend(name, server=server), pki.settings(folder, pki.exporter())


def client_as_server(pki: DemoPki, folder: Path, name: str) -> tuple[Backend, TlsSettings]:
    """The backend serves a client's certificate."""
    server = pki.server_ca.issue("backend", usages=("clientAuth",))
    return pki.backend(name, server=server), pki.settings(folder, pki.exporter())


def wrong_override(pki: DemoPki, folder: Path, name: str) -> tuple[Backend, TlsSettings]:
    """server_name_override names what the certificate is not for; the endpoint's own name is."""
    settings = pki.settings(folder, pki.exporter(), server_name="old-gateway.example.com")
    return pki.backend(name), settings


def suites_of_another_key(pki: DemoPki, folder: Path, name: str) -> tuple[Backend, TlsSettings]:
    """The exporter's suites are for RSA, the backend's key is EC."""
    backend = replace(pki.backend(name), max_version="1.2")
    suites = ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",)
    settings = replace(pki.settings(folder, pki.exporter()), cipher_suites=suites)
    return backend, settings


def too_new(pki: DemoPki, folder: Path, name: str) -> tuple[Backend, TlsSettings]:
    """The exporter insists on TLS 1.3, the backend speaks 1.2."""
    backend = replace(pki.backend(name), max_version="1.2")
    return backend, replace(pki.settings(folder, pki.exporter()), min_version="1.3")


def too_old(pki: DemoPki, folder: Path, name: str) -> tuple[Backend, TlsSettings]:
    """The exporter stops at TLS 1.2, the backend begins at 1.3."""
    backend = replace(pki.backend(name), min_version="1.3")
    return backend, replace(pki.settings(folder, pki.exporter()), max_version="1.2")


@pytest.mark.parametrize(
    ("build", "cause", "party"),
    [
        (server_as_client, "client_ca_untrusted", "exporter"),
        (the_backends_own, "client_ca_untrusted", "exporter"),
        (self_signed, "client_ca_untrusted", "exporter"),
        (without_intermediate, "client_chain_incomplete", "exporter"),
        (another_server_ca, "server_ca_untrusted", "exporter"),
        (no_ca_file, "server_ca_untrusted", "exporter"),
        (expired_server, "server_cert_expired", "backend"),
        (client_as_server, "server_cert_wrong_usage", "backend"),
        (suites_of_another_key, "no_shared_cipher", "exporter"),
        (too_new, "protocol_version_mismatch", "exporter"),
        (too_old, "protocol_version_mismatch", "exporter"),
    ],
)
async def test_what_is_printed_fixes_it(
    build: Build, cause: str, party: str, tmp_path: Path
) -> None:
    """Of further causes, and of one cause's different reasons: the steps differ, and each works."""
    if shutil.which("openssl") is None:
        pytest.skip("the openssl command is not installed")
    async with reader(build, tmp_path) as person:
        before = await observe(person.target)
        assert (before.cause, before.party) == (cause, party), before
        await person.follow(before.fix)
        after = await observe(person.target)
        assert after.outcome == "confirmed", (before.fix, after)


async def test_a_servers_certificate_never_widens_the_backends_trust(tmp_path: Path) -> None:
    """The first step is to get a client certificate, from a CA that the backend names."""
    async with reader(server_as_client, tmp_path) as person:
        found = await observe(person.target)
        assert found.fix[0].startswith("Issue a client certificate for this exporter")
        assert PKI.client_ca.certificate.subject.rfc4514_string() in found.fix[0]
        assert not any("append" in step.lower() for step in found.fix)
