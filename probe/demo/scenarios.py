"""What `mtls-probe demo` shows: one backend that is well and one for each documented cause.

A scenario says in words what is wrong with it and builds it from a throwaway PKI; `Demo` starts
them all and hands out their targets.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Self

from probe.backend.pki import Authority, Issued, write_pem
from probe.backend.server import HOST, Backend
from probe.model.target import Endpoint, Protocol, Source, Target, TlsSettings

INTERVAL: Final = 10.0
TIMEOUT: Final = 5.0
CHANGING: Final = "healthy-until-its-ca-changes"
"""The scenario of a backend that is changed while one looks."""
CHANGES_AFTER: Final = 60.0
"""Seconds."""
_CLIENT_LIFETIME: Final = timedelta(days=90)


@dataclass(frozen=True)
class DemoPki:
    """The authorities of the demo: one for servers, one for exporters, and a stranger."""

    now: datetime
    server_ca: Authority
    client_ca: Authority
    other_ca: Authority

    @classmethod
    def create(cls, now: datetime) -> Self:
        """Make fresh authorities, valid around `now`."""
        return cls(
            now,
            Authority.create("Demo server CA", now),
            Authority.create("Demo exporter CA", now),
            Authority.create("Demo CA of another team", now),
        )

    def server(self, *sans: str) -> Issued:
        """Return a server certificate for `sans`, else for localhost and 127.0.0.1."""
        if sans:
            return self.server_ca.issue("demo collector", sans=sans, usages=("serverAuth",))
        return self.server_ca.issue("demo collector", usages=("serverAuth",))

    def exporter(
        self, *, usages: tuple[str, ...] = ("clientAuth",), not_after: datetime | None = None
    ) -> Issued:
        """Return a client certificate, valid for 90 days unless `not_after` says otherwise."""
        return self.client_ca.issue(
            "demo exporter",
            sans=("DNS:exporter.example.com",),
            usages=usages,
            not_after=not_after or self.now + _CLIENT_LIFETIME,
        )

    def backend(
        self,
        name: str,
        *,
        server: Issued | None = None,
        protocol: Protocol = "grpc",
        client_ca: Authority | None = None,
        clock_offset: timedelta = timedelta(0),
    ) -> Backend:
        """Return a backend that demands a certificate of `client_ca`, else of the exporters' CA."""
        return Backend(
            name=name,
            server=server or self.server(),
            protocol=protocol,
            client_ca=client_ca or self.client_ca,
            clock_offset=clock_offset,
        )

    def settings(
        self,
        folder: Path,
        exporter: Issued | None,
        *,
        key_pem: bytes | None = None,
        server_name: str = "",
    ) -> TlsSettings:
        """Write an exporter's files into `folder` and return its TLS settings.

        The exporter's own CA lies next to its certificate, so that a diagnosis finds the issuer
        and need not guess whether an intermediate is missing.
        """
        ca_file = write_pem(folder, "server-ca.pem", self.server_ca.pem)
        if exporter is None:
            return TlsSettings(ca_file=str(ca_file), server_name_override=server_name)
        write_pem(folder, "exporter-ca.pem", self.client_ca.pem)
        return TlsSettings(
            ca_file=str(ca_file),
            cert_file=str(write_pem(folder, "tls.crt", exporter.pem)),
            key_file=str(write_pem(folder, "tls.key", key_pem or exporter.key_pem)),
            server_name_override=server_name,
        )


Build = Callable[[DemoPki, Path, str], tuple[Backend, TlsSettings]]


@dataclass(frozen=True, slots=True)
class DemoScenario:
    """One backend with its exporter: `build` says what is wrong, `expected` which cause it is."""

    name: str
    expected: str | None
    build: Build


_SCENARIOS: list[DemoScenario] = []


def _scenario(name: str, expected: str | None = None) -> Callable[[Build], Build]:
    """Add what a function builds to the scenarios; its docstring says what is wrong."""

    def add(build: Build) -> Build:
        _SCENARIOS.append(DemoScenario(name, expected, build))
        return build

    return add


@_scenario("healthy-grpc")
def _build_healthy_grpc(pki: DemoPki, folder: Path, name: str) -> tuple[Backend, TlsSettings]:
    """Nothing is wrong: the backend takes OTLP over gRPC and trusts the exporter's CA."""
    return pki.backend(name), pki.settings(folder, pki.exporter())


@_scenario("healthy-http")
def _build_healthy_http(pki: DemoPki, folder: Path, name: str) -> tuple[Backend, TlsSettings]:
    """Nothing is wrong: the backend takes OTLP over HTTP and trusts the exporter's CA."""
    return pki.backend(name, protocol="http/protobuf"), pki.settings(folder, pki.exporter())


@_scenario(CHANGING)
def _build_changing(pki: DemoPki, folder: Path, name: str) -> tuple[Backend, TlsSettings]:
    """Nothing is wrong at first; where the demo goes on, it trusts another CA after a minute."""
    return pki.backend(name), pki.settings(folder, pki.exporter())


@_scenario("documented-cause-1-client-ca-untrusted", "client_ca_untrusted")
def _build_untrusted(pki: DemoPki, folder: Path, name: str) -> tuple[Backend, TlsSettings]:
    """The backend's client CA file holds the CA of another team."""
    return pki.backend(name, client_ca=pki.other_ca), pki.settings(folder, pki.exporter())


@_scenario("documented-cause-2-client-cert-wrong-usage", "client_cert_wrong_usage")
def _build_wrong_usage(pki: DemoPki, folder: Path, name: str) -> tuple[Backend, TlsSettings]:
    """The exporter presents a server's certificate, issued for serverAuth only."""
    return pki.backend(name), pki.settings(folder, pki.exporter(usages=("serverAuth",)))


@_scenario("documented-cause-2-client-cert-key-mismatch", "client_cert_key_mismatch")
def _build_key_mismatch(pki: DemoPki, folder: Path, name: str) -> tuple[Backend, TlsSettings]:
    """The exporter's key file belongs to another certificate."""
    key_pem = pki.exporter().key_pem
    return pki.backend(name), pki.settings(folder, pki.exporter(), key_pem=key_pem)


@_scenario("documented-cause-2-client-cert-not-sent", "client_cert_not_sent")
def _build_not_sent(pki: DemoPki, folder: Path, name: str) -> tuple[Backend, TlsSettings]:
    """The backend demands a client certificate and the exporter is configured without one."""
    return pki.backend(name), pki.settings(folder, None)


@_scenario("documented-cause-3-client-cert-expired", "client_cert_expired")
def _build_expired(pki: DemoPki, folder: Path, name: str) -> tuple[Backend, TlsSettings]:
    """The exporter's certificate expired three days ago."""
    expired = pki.exporter(not_after=pki.now - timedelta(days=3))
    return pki.backend(name), pki.settings(folder, expired)


@_scenario("documented-cause-4-server-name-mismatch", "server_name_mismatch")
def _build_other_name(pki: DemoPki, folder: Path, name: str) -> tuple[Backend, TlsSettings]:
    """The backend's certificate names another host than the one that the exporter calls."""
    backend = pki.backend(name, server=pki.server("DNS:otel-gateway.example.com"))
    return backend, pki.settings(folder, pki.exporter(), server_name="collector.example.com")


@_scenario("documented-cause-5-client-file-malformed", "client_file_malformed")
def _build_malformed(pki: DemoPki, folder: Path, name: str) -> tuple[Backend, TlsSettings]:
    """The exporter's key file is cut off before its END line."""
    exporter = pki.exporter()
    lines = exporter.key_pem.splitlines(keepends=True)
    return pki.backend(name), pki.settings(folder, exporter, key_pem=b"".join(lines[:-1]))


@_scenario("documented-cause-6-clock-skew", "clock_skew")
def _build_skewed(pki: DemoPki, folder: Path, name: str) -> tuple[Backend, TlsSettings]:
    """The backend's clock is 60 days ahead, so a certificate with 30 days left seems expired."""
    exporter = pki.exporter(not_after=pki.now + timedelta(days=30))
    return pki.backend(name, clock_offset=timedelta(days=60)), pki.settings(folder, exporter)


SCENARIOS: Final = tuple(_SCENARIOS)


class Demo:
    """The scenarios as running backends."""

    def __init__(
        self, scenarios: tuple[DemoScenario, ...] = SCENARIOS, *, now: datetime | None = None
    ) -> None:
        """Prepare `scenarios`; certificates are dated around `now`, else the start."""
        self.scenarios = scenarios
        self.expected: dict[str, str | None] = {each.name: each.expected for each in scenarios}
        self.backends: dict[str, Backend] = {}
        self._now = now
        self._pki: DemoPki | None = None

    async def start(self, folder: Path) -> tuple[Target, ...]:
        """Write every exporter's files below `folder`, start the backends, return the targets.

        Raises:
            OSError: where a file cannot be written or no port is free; nothing is left running.
        """
        pki = self._pki = DemoPki.create(self._now or datetime.now(UTC))
        server, targets = pki.server(), []
        try:
            for scenario in self.scenarios:
                own = folder / scenario.name
                own.mkdir(mode=0o700, parents=True, exist_ok=True)
                backend, settings = scenario.build(pki, own, scenario.name)
                await backend.start()
                self.backends[scenario.name] = backend
                targets.append(_target(backend, settings))
            # For `listen`, which stands for one more backend.
            write_pem(folder, "server.crt", server.pem)
            write_pem(folder, "server.key", server.key_pem)
        except BaseException:
            await self.stop()
            raise
        return tuple(targets)

    async def change(self) -> None:
        """Restart the backend of `CHANGING` with the CA of another team, as if by a mistake."""
        backend = self.backends[CHANGING]
        port = backend.port
        await backend.stop()
        backend.client_ca = self._pki.other_ca if self._pki else None
        await backend.start(port)

    async def stop(self) -> None:
        """Stop every backend; the files stay."""
        while self.backends:
            _, backend = self.backends.popitem()
            await backend.stop()


def _target(backend: Backend, settings: TlsSettings) -> Target:
    return Target(
        name=backend.name,
        endpoint=Endpoint(HOST, backend.port, scheme="https"),
        protocol=backend.protocol,
        interval=INTERVAL,
        timeout=TIMEOUT,
        tls=settings,
        sources=(Source("demo"),),
    )
