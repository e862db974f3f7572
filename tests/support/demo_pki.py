"""The demo's certificates, made once for all tests that put its backends to use."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from probe.demo import scenarios
from tests.support.backends import Backend
from tests.support.pki import Authority


@dataclass(frozen=True)
class DemoPki(scenarios.DemoPki):
    """The demo's authorities, with all that the tests' authorities and backends can do."""

    server_ca: Authority
    client_ca: Authority
    other_ca: Authority

    @classmethod
    def create(cls, now: datetime) -> Self:
        """Make fresh authorities, valid around `now`."""
        names = ("Demo server CA", "Demo exporter CA", "Demo CA of another team")
        return cls(now, *(Authority.root(name, now=now) for name in names))

    def backend(self, name: str, **settings: Any) -> Backend:
        """Return a backend that demands a certificate of the exporters' CA, or as `settings` say."""
        known = {"server": self.server(), "client_ca": self.client_ca}
        return Backend(name=name, **{**known, **settings})


PKI = DemoPki.create(datetime.now(UTC))
