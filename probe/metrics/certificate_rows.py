"""Which certificates of a target have series: those that a verified path uses, then some more.

What a path uses is known from an attempt that came so far. It is kept while the files stay the
same, so that a backend that is down for a while does not change which certificates matter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from probe.diagnosis.kept_reading import KeptReading
from probe.diagnosis.readings.used_certificates import (
    ClientPath,
    find_client_path,
    find_receiver_paths,
    find_server_path,
    is_of_file,
)
from probe.model.certificate import CertificateFacts, ReceiverFiles
from probe.model.evidence import Evidence
from probe.model.shared import share
from probe.x509.validity import find_first_to_expire

Source = Literal["client", "client_ca_bundle", "server", "receiver", "receiver_client_ca"]

MOST_SHOWN: Final[Mapping[Source, int]] = {"client": 6, "client_ca_bundle": 8, "server": 6}
"""Certificates of a source that have series, three each: a target has at most 100 series in all."""

MOST_OF_A_RECEIVER: Final[Mapping[Source, int]] = {
    "client": 3, "client_ca_bundle": 2, "server": 4, "receiver": 4, "receiver_client_ca": 7,
}  # fmt: skip
"""The same for a target that stands for a receiver, whose files have series too."""

_Certificates = tuple[CertificateFacts, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One certificate; `position` is its place in the source, 0 is the end entity."""

    position: int
    certificate: CertificateFacts
    used: bool
    path: str
    """The file that holds it; empty for what the backend sends, and for the system's roots."""


@dataclass(frozen=True, slots=True)
class SourceRows:
    """The certificates of one source, in their order, and what is left out of them."""

    source: Source
    shown: tuple[Row, ...]
    first_to_expire: CertificateFacts | None
    """Of the used ones; None where none is."""
    left_out: int


class CertificateRows:
    """The certificates of one target, attempt after attempt.

    Attributes:
        sources: those of each source that has any.
    """

    __slots__ = ("_anchors", "_client", "_client_path", "_needed", "sources")

    def __init__(self) -> None:
        """Know nothing yet."""
        self._client_path = KeptReading(_find_client_path)
        self._client: ClientPath | None = None
        """What the last attempt showed of the client's chain."""
        self._needed: _Certificates = ()
        """What a backend was seen to need of the client's chain."""
        self._anchors: _Certificates = ()
        """What a verified path was seen to need of the exporter's anchors."""

    def update(
        self, evidence: Evidence, *, same: bool, same_files: bool
    ) -> list[SourceRows] | None:
        """Take in an attempt; return the rows of each source that has any, None where they stay.

        Args:
            evidence: the attempt.
            same: whether files and handshake are those of the last one.
            same_files: whether the files are.
        """
        client = self._client_path.read(evidence)
        if same and client == self._client:
            return None
        self._client = client
        if not same_files:
            self._needed = self._anchors = ()
        return self._select(evidence, client)

    def _select(self, evidence: Evidence, client: ClientPath) -> list[SourceRows]:
        held, files = evidence.credentials, evidence.target
        server = find_server_path(evidence)
        if client.proven:
            self._needed = client.certificates
        if server.verified:
            self._anchors = server.anchors
        anchors = self._anchors or server.anchors
        if not anchors and len(held.ca_bundle) == 1:
            anchors = held.ca_bundle  # whatever is verified ends in it
        described = {one.sha256 for one in held.ca_bundle}
        others = tuple(one for one in anchors if one.sha256 not in described)
        bundle = (*held.ca_bundle, *others)
        paths = [files.ca_file if is_of_file(evidence, one) else "" for one in others]
        paths = [files.ca_file] * len(held.ca_bundle) + paths
        total = max(held.ca_bundle_size, len(held.ca_bundle)) + sum(not path for path in paths)
        chain = held.client_chain
        sent = evidence.handshake.server_chain if evidence.handshake else ()
        most = MOST_SHOWN if held.receiver is None else MOST_OF_A_RECEIVER
        rows = (
            _make_rows(
                "client",
                chain,
                self._needed or client.certificates,
                [files.cert_file] * len(chain),
                most,
            ),
            _make_rows("client_ca_bundle", bundle, anchors, paths, most, total),
            _make_rows("server", sent, server.sent, [""] * len(sent), most),
            *(() if held.receiver is None else _list_receiver_rows(held.receiver, evidence.at)),
        )
        return [each for each in rows if each.shown]


def _find_client_path(evidence: Evidence) -> ClientPath:
    return share(find_client_path(evidence))


def _list_receiver_rows(files: ReceiverFiles, at: float) -> tuple[SourceRows, SourceRows]:
    """Return the rows of what a receiver serves, and of the CAs that it verifies clients by, on disk."""
    chain, held, paths = files.chain, files.client_cas, find_receiver_paths(files, at)
    most = MOST_OF_A_RECEIVER
    return (
        _make_rows("receiver", chain, paths.served, [files.cert_file] * len(chain), most),
        _make_rows(
            "receiver_client_ca",
            held,
            paths.client_cas,
            [files.client_ca_file] * len(held),
            most,
            max(files.client_ca_count, len(held)),
        ),
    )


def _make_rows(
    source: Source,
    certificates: Sequence[CertificateFacts],
    used: Sequence[CertificateFacts],
    paths: Sequence[str],
    bounds: Mapping[Source, int],
    total: int | None = None,
) -> SourceRows:
    digests, most = {one.sha256 for one in used}, bounds[source]
    rows = [
        Row(position, one, one.sha256 in digests, path)
        for position, (one, path) in enumerate(zip(certificates, paths, strict=True))
    ]
    if len(rows) > most:
        # Of used ones those that end first: one that is left out must not be the first to end.
        rows.sort(key=lambda row: (not row.used, row.certificate.not_after if row.used else 0.0))
        rows = sorted(rows[:most], key=lambda row: row.position)
    return SourceRows(
        source=source,
        shown=tuple(rows),
        first_to_expire=find_first_to_expire(used) if used else None,
        left_out=(len(certificates) if total is None else total) - len(rows),
    )
