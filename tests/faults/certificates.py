"""The certificates of a world in files: servers' by what is wrong with them, and each client's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.support.pki import Authority, Issued, write_pem

Pair = list[str]
"""Paths of a certificate and its key, for the settings of servers."""


@dataclass(frozen=True, slots=True)
class Certificates:
    """Authorities, and the servers' pairs by name."""

    client_ca: Authority
    other_ca: Authority
    server_ca: Authority
    pairs: dict[str, Pair]

    @classmethod
    def create(cls, folder: Path, sans: Sequence[str]) -> "Certificates":
        """Make them in `folder`; the servers' are for `sans`."""
        now = datetime.now(UTC)
        client_ca = Authority.root("Faults client CA", now=now)
        server_ca = Authority.root("Faults server CA", now=now)
        other_ca = Authority.root("Faults CA of another team", now=now)

        def server(authority: Authority, names: Sequence[str] = sans, days: int = 90) -> Issued:
            return authority.issue(
                "backend",
                sans=names,
                usages=("serverAuth",),
                not_before=now - timedelta(days=2),
                not_after=now + timedelta(days=days),
            )

        issued = {
            "server": server(server_ca),
            "server-renewed": server(server_ca),
            "server-of-another-ca": server(other_ca),
            "server-expired": server(server_ca, days=-1),
            "server-of-another-name": server(server_ca, ["DNS:elsewhere.example.com"]),
            "client-ca": client_ca.issued,
            "client-ca-rekeyed": client_ca.rekeyed().issued,
            "another-ca": other_ca.issued,
        }
        pairs = {
            name: [
                str(write_pem(folder, f"{name}.crt", one.pem)),
                str(write_pem(folder, f"{name}.key", one.key_pem)),
            ]
            for name, one in issued.items()
        }
        return cls(client_ca, other_ca, server_ca, pairs)

    def client(
        self,
        authority: Authority | None = None,
        *,
        expired: bool = False,
        usage: str = "clientAuth",
    ) -> Issued:
        """Return a client certificate, right unless something else is asked for."""
        now = datetime.now(UTC)
        return (authority or self.client_ca).issue(
            "exporter",
            sans=("DNS:exporter.example.com",),
            usages=(usage,),
            not_before=now - timedelta(days=30),
            not_after=now + timedelta(days=-1 if expired else 60),
        )


@dataclass(frozen=True, slots=True)
class ClientFiles:
    """The three files of one target."""

    cert_file: Path
    key_file: Path
    ca_file: Path

    @classmethod
    def create(cls, folder: Path, certificates: Certificates) -> "ClientFiles":
        """Write right ones to `folder`."""
        folder.mkdir()
        files = cls(folder / "tls.crt", folder / "tls.key", folder / "ca.crt")
        files.write(certificates, certificates.client())
        return files

    def write(self, certificates: Certificates, client: Issued) -> None:
        """Replace all of them, each atomically."""
        self.replace(self.ca_file, certificates.server_ca.pem)
        self.replace(self.cert_file, client.pem)
        self.replace(self.key_file, client.key_pem)

    def replace(self, file: Path, content: bytes) -> None:
        """Replace `file` by `content` atomically."""
        write_pem(file.parent, f".{file.name}.new", content).replace(file)
