"""Faults between an exporter and `listen`: the files of each, and the cause that is to be named."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Final

from tests.lab.credentials import LabPki, Pair
from tests.support.pki import write_pem

SERVERS: Final = ("good", "expired", "early", "other-name", "for-clients", "incomplete")
"""The certificates that a listener presents; each has one of its own."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: which listener, which files the exporter has, and what is to be found."""

    cause: str
    server: str = "good"
    client: Callable[["Stage"], Pair | None] = lambda stage: stage.pki.client
    ca: Callable[["Stage"], Path] = lambda stage: stage.pki.server_ca_file
    scheme: str = "https"


class Stage:
    """The files."""

    def __init__(self, folder: Path) -> None:
        """Make them in `folder`."""
        self.pki = LabPki(folder)
        self._folder = folder

    def server(self, name: str) -> Pair:
        """Return the certificate of one listener."""
        now = datetime.now(UTC)
        issue = self.pki.server_ca.issue
        usages = ("serverAuth",)
        match name:
            case "good":
                return self.pki.server
            case "expired":
                ended = now - timedelta(hours=2)
                issued = issue("backend", usages=usages, not_after=ended)
            case "early":
                issued = issue("backend", usages=usages, not_before=now + timedelta(days=3))
            case "other-name":
                issued = issue("backend", usages=usages, sans=("DNS:other.example",))
            case "for-clients":
                issued = issue("backend", usages=("clientAuth",))
            case _:
                between = self.pki.server_ca.intermediate("Lab intermediate CA of servers")
                write_pem(self._folder, "server-intermediate.pem", between.pem)
                issued = between.issue("backend", usages=usages)
        return self.pki.write(f"listen-{name}", issued)

    @cached_property
    def below_missing(self) -> Pair:
        """A client certificate without its intermediate, which lies next to the listener's files."""
        between = self.pki.client_ca.intermediate("Lab intermediate CA of clients")
        write_pem(self._folder, "client-intermediate.pem", between.pem)
        return self.pki.write("listen-below", between.issue("exporter"))


FAULTS: Final[Mapping[str, Fault]] = {
    "no client certificate": Fault("client_cert_not_sent", client=lambda _: None),
    "client of another CA": Fault("client_ca_untrusted", client=lambda s: s.pki.stranger),
    "client expired": Fault("client_cert_expired", client=lambda s: s.pki.expired),
    "client not yet valid": Fault(
        "client_cert_not_yet_valid", client=lambda s: s.pki.not_yet_valid
    ),
    "client made for servers": Fault("client_cert_wrong_usage", client=lambda s: s.pki.wrong_usage),
    "client without its intermediate": Fault(
        "client_chain_incomplete", client=lambda s: s.below_missing
    ),
    "exporter trusts another CA": Fault("server_ca_untrusted", ca=lambda s: s.pki.other_ca_file),
    "backend expired": Fault("server_cert_expired", server="expired"),
    "backend not yet valid": Fault("server_cert_not_yet_valid", server="early"),
    "backend of another name": Fault("server_name_mismatch", server="other-name"),
    "backend made for clients": Fault("server_cert_wrong_usage", server="for-clients"),
    "backend without its intermediate": Fault("server_chain_incomplete", server="incomplete"),
    "exporter without TLS": Fault("tls_off", scheme="http"),
}
