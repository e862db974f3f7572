"""The files of `listen`: what it presents, and whose clients it accepts, judged as a Collector's are.

Client certificates are judged by the same model and in the same words as `inspect --receiver`.
"""

from collections import OrderedDict, deque
from collections.abc import Hashable
from contextlib import suppress
from typing import Final, TypeVar

from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL

from probe.credentials.load import load_credentials
from probe.credentials.named_file import RECEIVER_KEYS
from probe.credentials.receiver_files import (
    ClientJudgement,
    choose_reference,
    find_server_issuers,
    judge_client_chain,
    read_receiver_files,
)
from probe.diagnosis.diagnose_exporter import ListenerSide, diagnose_exporter
from probe.diagnosis.readings.receiver_clients import judge_client
from probe.diagnosis.readings.receiver_judgement import judge_receiver
from probe.exporters.go_path import verify_for_go
from probe.exporters.path_verdict import PathRequest
from probe.exporters.verifiers import get_verifier
from probe.model.collector_receiver import Receiver
from probe.model.diagnosis import Diagnosis
from probe.model.exporter_connection import ExporterConnection
from probe.model.finding import Finding
from probe.model.path_fault import PathFault
from probe.model.runtime import COLLECTOR, JAVA
from probe.model.target import Endpoint, TlsSettings
from probe.x509.anchors import AnchorPool
from probe.x509.parse import parse_certificate, read_der
from probe.x509.path import find_top

MOST_KEPT: Final = 256
"""Judgements that are kept."""
MOST_READ: Final = 10
"""Certificates of a client's chain that are described."""
MOST_SEARCHES: Final = 20
SEARCHED_WITHIN: Final = 10.0
"""Seconds in which at most so many refused chains are looked up in the files here."""
KEPT_FOR: Final = 30.0
"""Seconds: a certificate may expire while an exporter comes again and again."""

_JAVA: Final = frozenset(runtime.id for runtime in JAVA)
_Kept = TypeVar("_Kept")


class ListenerFiles:
    """Certificate, key and client CAs, as they were when the listener started."""

    def __init__(self, cert: str, key: str, client_ca: str, listen: Endpoint, at: float) -> None:
        """Read the files.

        Args:
            cert: The file of the certificate that is presented, with its intermediates.
            key: The file of its key.
            client_ca: The file of the CAs whose clients are accepted.
            listen: Where it listens.
            at: The time to judge by, in seconds since the Unix epoch.

        Raises:
            OSError: where the probe itself lacks file descriptors or memory.
        """
        tls = TlsSettings(cert_file=cert, key_file=key)
        self._receiver = Receiver(
            id="listen",
            protocol="otlp",
            listens=str(listen),
            settings_file="",
            where="the command line",
            tls=tls,
            client_ca_file=client_ca,
        )
        self._held = read_receiver_files(self._receiver, at)
        verdict = judge_receiver(self._held, at)
        self._pair = load_credentials(
            TlsSettings(cert_file=cert, key_file=key, ca_file=client_ca), settings=RECEIVER_KEYS
        )
        # A receiver is not at fault where its Collector may read a file and this process may not.
        self.unusable: tuple[Finding, ...] = self._held.faults or self._pair.facts.faults
        """With each of these nothing could be presented, or nobody accepted."""
        self.remarks = tuple(
            dict.fromkeys(
                one for one in (*verdict.faults, *verdict.remarks) if one not in self.unusable
            )
        )
        """What `inspect --receiver` says of the files."""
        self.client_cas = self._pair.anchors
        """DER of the CAs whose clients are accepted."""
        self.named_cas = tuple(read_der(der).subject.text for der in self.client_cas[:MOST_KEPT])
        self._pool = AnchorPool(self.client_cas)
        parsed = [one for der in self._pair.chain if (one := parse_certificate(der)) is not None]
        above = find_server_issuers(tls, parsed, self.client_cas, client_ca)
        issuers = [one.public_bytes(Encoding.DER) for _, one in above]
        top = find_top(parsed).public_bytes(Encoding.DER) if parsed else b""
        self._own_anchor = AnchorPool([*issuers[-1:], top][:1])
        self._own_chain = (*self._pair.chain, *issuers[:-1])
        self._clients: OrderedDict[Hashable, tuple[float, tuple[Finding, ...]]] = OrderedDict()
        self._searches: deque[float] = deque()
        self._own: OrderedDict[Hashable, tuple[float, tuple[PathFault, ...]]] = OrderedDict()

    def present(self, context: SSL.Context) -> None:
        """Put certificate and key into a server's context."""
        self._pair.present(context)

    def judge(self, chain: tuple[bytes, ...], at: float) -> tuple[PathFault, ...]:
        """Return why a Collector with these client CAs refuses `chain`; nothing: it accepts it."""
        return verify_for_go(PathRequest(chain, self._pool, "", at, of_client=True)).faults

    def diagnose(
        self,
        connection: ExporterConnection,
        chain: tuple[bytes, ...],
        address: tuple[str, int],
        at: float,
    ) -> Diagnosis:
        """Say what a connection means.

        Args:
            connection: What was seen of it.
            chain: What the exporter presented, as DER.
            address: The one of ours that it connected to.
            at: The time to judge by.
        """
        host, port = address
        side = ListenerSide(
            host=host,
            port=port,
            faults=self._judge_ourselves(connection, host, at),
            remarks=self.remarks,
            client_cas=self._held.client_cas,
        )
        return diagnose_exporter(connection, self._explain(chain, at) if chain else (), side)

    def _explain(self, chain: tuple[bytes, ...], at: float) -> tuple[Finding, ...]:
        """Return why `chain` is refused, and what is missing, in the words of `inspect`."""
        known = self._clients.get(chain)
        if known is not None and 0 <= at - known[0] < KEPT_FOR:
            return known[1]
        facts = tuple(map(read_der, chain[:MOST_READ]))
        judgement = ClientJudgement(self.judge(chain, at), missing=facts[-1])
        if judgement.faults and self._may_search(at):
            # Without descriptors the chain is judged all the same.
            with suppress(OSError):
                judgement = judge_client_chain(self._receiver, chain, at)
        found = tuple(
            judge_client(
                self._held, facts, "", judgement.faults, judgement.missing, judgement.issuers
            )
        )
        _keep(self._clients, chain, (at, found))
        return found

    def _may_search(self, at: float) -> bool:
        """Return whether files may be searched for missing issuers: a flood must not keep it busy."""
        while self._searches and not 0 <= at - self._searches[0] < SEARCHED_WITHIN:
            self._searches.popleft()
        if len(self._searches) >= MOST_SEARCHES:
            return False
        self._searches.append(at)
        return True

    def _judge_ourselves(
        self, connection: ExporterConnection, address: str, at: float
    ) -> tuple[PathFault, ...]:
        """Return which rules our chain breaks for the exporter's verifier, whatever it trusts."""
        if connection.offer is None or not self._own_chain:
            return ()
        like = connection.looks_like[0] if connection.looks_near else COLLECTOR.id
        name = connection.server_name or self._guess_reference(like, address)
        known = self._own.get((like, name))
        if known is not None and 0 <= at - known[0] < KEPT_FOR:
            return known[1]
        request = PathRequest(self._own_chain, self._own_anchor, name, at)
        faults = get_verifier(like)(request).faults
        _keep(self._own, (like, name), (at, faults))
        return faults

    def _guess_reference(self, runtime: str, address: str) -> str:
        """Return what an exporter that sends no name connects to: an address (RFC 6066 §3).

        Which one is not known, where something translates it on the way: a certificate that has
        none at all does not fit any. JSSE sends no name without a dot either.
        """
        sans = self._held.chain[0].sans if self._held.chain else ()
        unsent = [san for san in sans if san.startswith("IP:")]
        if runtime in _JAVA:
            unsent += [san for san in sans if san.startswith("DNS:") and "." not in san]
        return choose_reference(unsent) or address


def _keep(kept: OrderedDict[Hashable, _Kept], key: Hashable, value: _Kept) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > MOST_KEPT:
        kept.popitem(last=False)
