"""The files that the lab's servers and clients use, written by the demo's throwaway PKI."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from probe.demo.pki import Authority, Issued, write_pem


@dataclass(frozen=True, slots=True)
class Pair:
    """The files of one certificate and its key."""

    cert_file: Path
    key_file: Path


class LabPki:
    """A server CA, the client CA that backends trust, and another CA that they do not."""

    def __init__(self, folder: Path) -> None:
        """Make the authorities; their files go to `folder`."""
        self.folder = folder
        self.server_ca = Authority.root("Lab server CA")
        self.client_ca = Authority.root("Lab client CA")
        self.other_ca = Authority.root("Lab CA of another team")
        self.server_ca_file = write_pem(folder, "server-ca.pem", self.server_ca.pem)
        self.client_ca_file = write_pem(folder, "client-ca.pem", self.client_ca.pem)
        self.other_ca_file = write_pem(folder, "other-ca.pem", self.other_ca.pem)

    def write(self, name: str, issued: Issued, *, by: Authority | None = None) -> Pair:
        """Write `issued`, with the intermediates of `by`, as `name`.pem and `name`-key.pem."""
        chain = by.chain_pem(issued) if by else issued.pem
        return Pair(
            write_pem(self.folder, f"{name}.pem", chain),
            write_pem(self.folder, f"{name}-key.pem", issued.key_pem),
        )

    @cached_property
    def server(self) -> Pair:
        """The backend's own certificate, for localhost and 127.0.0.1."""
        return self.write("server", self.server_ca.issue("backend", usages=("serverAuth",)))

    @cached_property
    def client(self) -> Pair:
        """A client certificate that the backend accepts."""
        return self.write("client", self.client_ca.issue("exporter"))

    @cached_property
    def stranger(self) -> Pair:
        """A client certificate of a CA that the backend does not trust."""
        return self.write("stranger", self.other_ca.issue("exporter"))

    @cached_property
    def expired(self) -> Pair:
        """A client certificate of the right CA that expired an hour ago."""
        hour_ago = datetime.now(UTC) - timedelta(hours=1)
        issued = self.client_ca.issue("exporter", not_after=hour_ago)
        return self.write("expired", issued)
