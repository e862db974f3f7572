"""A fleet in every state behind the web application, and its pages as a browser reads them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from probe.ledger.ledger import Ledger
from probe.metrics.scrape import Metrics
from probe.model.certificate import CertificateFacts, CredentialFacts, Name
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Ending, Evidence, TargetFacts
from probe.model.finding import Finding
from probe.model.target import Endpoint, Target
from probe.text.safe_text import safe_text
from probe.web.application import ServiceView, build_application
from tests.support.causes import build_cause

NOW: Final = 1_795_341_600.0
DAY: Final = 86_400.0
HOSTILE: Final = "CN=<img src=x onerror=alert(1)>\x1b[31m\u202e\n</td>"
CATALOGUE: Final = {
    id_: build_cause(
        id=id_, title=title, family="backend_ca_trust", party="backend", severity=severity
    )
    for id_, title, severity in (
        ("client_ca_untrusted", "The backend trusts another CA", "critical"),
        ("otlp_throttled", "The backend throttles", "warning"),
    )
}


def refused(cause: str = "client_ca_untrusted") -> Diagnosis:
    """Return a failure of `cause` with hostile facts."""
    return Diagnosis(
        outcome="failed",
        stage="accept",
        cause=cause,
        party="backend",
        family="backend_ca_trust",
        certain=False,
        also=("client_cert_revoked",),
        findings=(Finding(cause="client_cert_weak", fact="the key is short"),),
        facts=(f"issued by {safe_text(HOSTILE)}",),
        fix=("add the CA to client_ca_file",),
    )


class Fleet:
    """A ledger with its application, and targets recorded by name."""

    def __init__(self, *names: str, expect: str | None = None) -> None:
        """Know a target for each of `names`."""
        self.targets = {
            name: Target(name=name, endpoint=Endpoint("eu.example", 4317), expect_cause=expect)
            for name in names
        }
        self.ledger = Ledger(self.targets.values())
        self.metrics = Metrics(self.ledger, CATALOGUE)
        self.started = True

    def record(self, name: str, diagnosis: Diagnosis, *, days: float = 10.0) -> None:
        """Enter an attempt of an hour ago whose client certificate has `days` left."""
        target = self.targets[name]
        facts = TargetFacts(
            name=name,
            endpoint="eu.example:4317",
            host="eu.example",
            port=4317,
            protocol="grpc",
            expect_cause=target.expect_cause,
        )
        certificate = CertificateFacts(
            subject=Name(text=safe_text(HOSTILE), digest="s"),
            issuer=Name(text="CN=ca", digest="i"),
            serial_number="2a",
            not_before=0.0,
            not_after=NOW + days * DAY,
            sha256="ab",
        )
        evidence = Evidence(
            target=facts,
            at=NOW - 3600,
            ending=Ending(stage="accept", kind="alert"),
            credentials=CredentialFacts(client_chain=(certificate,)),
        )
        self.ledger.record(target, evidence, diagnosis)

    @asynccontextmanager
    async def serve(
        self,
        reload: Callable[[], Awaitable[str | None]] | None = None,
        *,
        warnings: Sequence[str] = (),
    ) -> AsyncIterator[TestClient[Any, Any]]:
        """Serve the application on loopback."""
        application = build_application(
            ServiceView(
                ledger=self.ledger,
                metrics=self.metrics,
                is_ready=lambda: self.started,
                reload=reload,
                warnings=lambda: warnings,
                catalogue=CATALOGUE,
                clock=lambda: NOW,
            )
        )
        async with TestClient(TestServer(application)) as client:
            yield client


def guarded(response: ClientResponse) -> bool:
    """Return whether the answer carries the headers that tie a browser's hands."""
    policy = response.headers["Content-Security-Policy"]
    return (
        policy.startswith("default-src 'none';")
        and "unsafe" not in policy
        and response.headers["X-Content-Type-Options"] == "nosniff"
        and response.headers["Referrer-Policy"] == "no-referrer"
        and "aiohttp" not in response.headers["Server"]
    )
