"""Data that all attempts of one target share: facts, encoded request, TLS settings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

import msgspec.structs

from probe.attempt.kept_evidence import KeptEvidence
from probe.attempt.otlp_session import Purpose
from probe.attempt.path_judge import (
    Kept,
    OtherPaths,
    PathJudge,
    ServerJudge,
    find_own_anchor,
)
from probe.attempt.target_facts import collect_target_facts, next_hop
from probe.attempt.variant import UNVARIED, VARIANTS, Variant, find_library_limit, vary_offer
from probe.credentials.receiver_files import choose_reference
from probe.credentials.store import CredentialFiles
from probe.credentials.tls_context import Credentials
from probe.exporters.offers import choose_alpn, list_narrowing
from probe.model.certificate import CertificateFacts, Name
from probe.model.evidence import Offer
from probe.model.later_judgement import LaterJudgement, RuntimePath
from probe.model.runtime import GO_IDS
from probe.model.surroundings import Container, Surroundings
from probe.model.target import Protocol, Target
from probe.model.trace_context import TraceContext
from probe.otlp.canary import Canary, build_canary
from probe.otlp.request import Request, build_request
from probe.text.safe_text import safe_text
from probe.tls.bindings import ReadBuffer
from probe.tls.settings import ClientSettings, KeptAuthorities, encode_server_name
from probe.x509.names import SPIFFE, is_ip_address
from probe.x509.parse import parse_name, read_der

_MOST_CERTIFICATES: Final = 512
_MOST_OFFERS: Final = 128
_MOST_NAMES: Final = 1024
"""Parsed CA names that are cached: a backend sends the same ones each time."""
_RECHECK: Final = VARIANTS["tls_1.2"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProberSettings:
    """Settings for the attempts of all targets."""

    user_agent: str
    """Value of the User-Agent header."""
    wall_clock: Callable[[], float]
    """Gives seconds since the epoch."""
    clock_tolerance: float = 60.0
    """Seconds by which two clocks may differ."""
    resource: Mapping[str, str] = field(default_factory=dict)
    """Attributes of the probe's own resource, for canaries."""
    propagate: bool = False
    """Whether each attempt has a trace, which its request carries."""
    judge_at: float | None = None
    """Another moment (epoch seconds) as of which servers' certificates are judged as well."""


def _return_same(offer: Offer) -> Offer:
    return offer


@dataclass(frozen=True, slots=True)
class TlsReaders:
    """Cached parsers and the read buffer for TLS; all targets of one event loop share them."""

    read_certificate: Callable[[bytes], CertificateFacts] = field(
        default_factory=lambda: lru_cache(maxsize=_MOST_CERTIFICATES)(read_der)
    )
    read_name: Callable[[bytes], Name] = field(
        default_factory=lambda: lru_cache(maxsize=_MOST_NAMES)(parse_name)
    )
    share_offer: Callable[[Offer], Offer] = field(
        default_factory=lambda: lru_cache(maxsize=_MOST_OFFERS)(_return_same)
    )
    """Returns the same object for equal offers: most of a fleet's are."""
    authorities: KeptAuthorities = field(default_factory=KeptAuthorities)
    """The lists of names that backends send: most of a fleet's are the same."""
    buffer: ReadBuffer = field(default_factory=ReadBuffer)
    judge: PathJudge = field(init=False)
    """What exporters make of servers' certificates."""

    def __post_init__(self) -> None:
        """Let the judge read anchors as certificates are read."""
        object.__setattr__(self, "judge", PathJudge(self.read_certificate))


_MOST_DOTS: Final = 4
"""Of a name that a pod looks up within its own domains first (ndots:5)."""


def list_names(host: str, runs_in: Surroundings | None) -> tuple[str, ...]:
    """Return the names to look up for `host`, as the exporter's resolver would try them.

    A pod looks up a short name in its own namespace first. What the cluster's domain is called, the
    resolver of a probe in that cluster knows.
    """
    is_short = not host.endswith(".") and host.count(".") <= _MOST_DOTS
    if isinstance(runs_in, Container) and runs_in.namespace and is_short:
        return (f"{host}.{runs_in.namespace}.svc", host)
    return (host,)


class PreparedTarget:
    """Data that all attempts of one target share; nothing else keeps any of it.

    Its encoded request has header values and stays here; its `facts` have none, and no password.
    """

    __slots__ = (
        "_canary", "_credentials", "_library_limit", "_others", "_readers", "_recheck_settings",
        "_request", "_tls_settings", "address", "alpn", "facts", "files", "kept", "limit", "names",
        "next_hop", "purpose", "settings", "target",
    )  # fmt: skip

    def __init__(
        self,
        target: Target,
        files: CredentialFiles,
        settings: ProberSettings,
        readers: TlsReaders | None = None,
    ) -> None:
        """Encode the request of `target`, and collect the facts about it; `files` are its own."""
        self.target = target
        self.files = files
        self.settings = settings
        self.facts = collect_target_facts(target, settings.clock_tolerance)
        self.next_hop = next_hop(target)
        """Where the socket goes: the endpoint, or its proxy."""
        host = target.address or self.next_hop.host
        self.address = host if is_ip_address(host) else ""
        """Where `next_hop` is: an address that is known already; empty for a name."""
        self.names = list_names(self.next_hop.host, target.runs_in)
        """What to look up, the first that resolves counts."""
        self.alpn = encode_alpn(target.exporter, target.protocol, http2=target.offers_http2)
        self.purpose: Purpose = "tls" if target.depth == "tls" else "export"
        self.limit = ""
        """Why this probe cannot make the request, though exporters may; empty where it can."""
        self.kept = KeptEvidence()
        """Of the last attempt."""
        self._readers = readers or TlsReaders()
        self._credentials: Credentials | None = None
        """What the files held when the next four were made."""
        self._tls_settings: ClientSettings | None = None
        """Of an attempt; experiments are too rare to keep theirs."""
        self._recheck_settings: ClientSettings | None = None
        """Of the second handshake of each attempt that is refused silently."""
        self._others: Kept[OtherPaths] | None = None
        """What other exporters make of what the server sent last."""
        self._library_limit: str | None = None
        self._request: Request | None = None
        self._canary: Canary | None = None
        agent, propagate = settings.user_agent, settings.propagate
        try:
            self._request = build_request(target, agent, propagate=propagate)
            if target.depth == "canary":
                self._canary = build_canary(target, agent, settings.resource, propagate=propagate)
        except ValueError as error:
            # Settings that no exporter can use have their own reason: nothing would be sent.
            self.limit = "" if target.faults else safe_text(str(error))

    @property
    def request(self) -> Request:
        """The empty OTLP request; only where `limit` is empty."""
        assert self._request is not None
        return self._request

    def build_request_at(self, at: float, trace: TraceContext | None) -> tuple[Request, str]:
        """Return what an attempt that begins at `at` (epoch seconds) sends.

        Also the trace id of its canary, in hex: empty where it sends none. Where contexts are
        propagated, every attempt has one.
        """
        propagate = self.settings.propagate
        assert trace is not None or not propagate, "a context to fill in is missing"
        request, trace_id = self.request, ""
        if self._canary is not None:
            request, trace_id = self._canary.build_request(at, trace)
        if trace is not None and propagate:
            request = request.fill_in_context(trace)
        return request, trace_id

    def make_tls_settings(
        self,
        credentials: Credentials,
        variant: Variant = UNVARIED,
        alpn: tuple[bytes, ...] | None = None,
    ) -> ClientSettings:
        """Return the settings for `variant`; those of attempts are made once for `credentials`.

        `alpn` replaces what the target offers.

        Raises:
            ValueError: where settings and variant leave nothing to offer.
            OSError: where this process lacks descriptors to read the system's roots.
        """
        if alpn is not None and alpn != self.alpn:
            return self._make_tls_settings(credentials, variant, alpn)
        self._follow(credentials)
        if variant is UNVARIED:
            if self._tls_settings is None:
                self._tls_settings = self._make_tls_settings(credentials, variant, self.alpn)
            return self._tls_settings
        if variant is _RECHECK:
            if self._recheck_settings is None:
                self._recheck_settings = self._make_tls_settings(credentials, variant, self.alpn)
            return self._recheck_settings
        return self._make_tls_settings(credentials, variant, self.alpn)

    def _follow(self, credentials: Credentials) -> None:
        """Drop what was made with other credentials than these."""
        if self._credentials is not credentials:
            self._credentials = credentials
            self._tls_settings = self._recheck_settings = None
            self._others = self._library_limit = None

    def _make_tls_settings(
        self, credentials: Credentials, variant: Variant, alpn: tuple[bytes, ...]
    ) -> ClientSettings:
        target, tls = self.target, self.target.tls
        offer, lacking = vary_offer(target.exporter, target.protocol, tls, variant)
        context = credentials.context(offer, client_certificate=variant.client_certificate)
        reference = self._choose_reference(credentials)
        # A SPIFFE ID is not a name of a server.
        server_name = target.endpoint.host if reference.startswith(SPIFFE) else reference
        return ClientSettings(
            context=context,
            reference_identifier=reference,
            alpn=alpn,
            server_name=encode_server_name(server_name),
            offer=self._readers.share_offer(
                Offer(
                    **msgspec.structs.asdict(offer),
                    alpn=tuple(name.decode() for name in alpn),
                    server_name=safe_text(server_name),
                    narrowed_by=list_narrowing(target.exporter, target.protocol, tls),
                    lacking=lacking,
                )
            ),
            sends_certificate=bool(credentials.facts.client_chain) and variant.client_certificate,
            skip_verify=tls.insecure_skip_verify,
            read_certificate=self._readers.read_certificate,
            read_name=self._readers.read_name,
            buffer=self._readers.buffer,
            judge_server=ServerJudge(
                self._readers.judge,
                target.exporter,
                None if self._trusts_what_is_sent else credentials.find_anchors(),
                reference,
                self.settings.wall_clock,
            ),
            takes_any_curve=target.exporter in GO_IDS,
            authorities=self._readers.authorities,
        )

    async def judge_others(
        self, credentials: Credentials, sent: tuple[bytes, ...], at: float
    ) -> tuple[RuntimePath, ...]:
        """Return what exporters of other runtimes make of the certificates `sent`, where it differs."""
        if not sent:
            return ()
        self._follow(credentials)
        judge, kept = self._readers.judge, self._others
        if kept is not None and kept.holds(judge.digest(sent), at):
            return kept.judgement
        target, anchors = self.target, credentials.find_anchors()
        reference = self._choose_reference(credentials)
        if self._trusts_what_is_sent:
            anchors = find_own_anchor(sent)
        others = credentials.find_other_anchors()
        kept = await judge.judge_others(
            target.exporter, target.protocol, sent, anchors, reference, at, others
        )
        self._follow(credentials)
        self._others = kept
        return kept.judgement

    async def judge_later(
        self, credentials: Credentials, sent: tuple[bytes, ...], attempted_at: float
    ) -> LaterJudgement | None:
        """Return what the exporter makes of the certificates `sent` as of `judge_at`, where it is set."""
        at = self.settings.judge_at
        if at is None or not sent:
            return None if at is None else LaterJudgement(at, attempted_at)
        anchors, reference = credentials.find_anchors(), self._choose_reference(credentials)
        if self._trusts_what_is_sent:
            anchors = find_own_anchor(sent)
        target = self.target
        made = self._readers.judge.judge(target.exporter, sent, anchors, reference, at).judgement
        skips = target.tls.insecure_skip_verify
        return LaterJudgement(
            at,
            attempted_at,
            path_faults=made.faults,
            server_verified=skips or not made.faults,
            verified_paths=() if skips else made.paths,
            used_anchors=() if skips else made.anchors,
            other_paths=await self.judge_others(credentials, sent, at),
            seen=True,
        )

    def _choose_reference(self, credentials: Credentials) -> str:
        """Return the name that the server's certificate must hold.

        Of a receiver, which is probed over loopback, it is one that the certificate on disk has:
        the name that its clients use is not known.
        """
        target, files = self.target, credentials.facts.receiver
        if files is None or target.tls.server_name_override:
            return target.reference_identifier
        names = choose_reference(files.chain[0].sans) if files.chain else ""
        return names or target.reference_identifier

    @property
    def _trusts_what_is_sent(self) -> bool:
        """Whether it is a receiver's, and no CA is known that its clients trust."""
        tls = self.target.tls
        return self.target.receiver is not None and not (tls.ca_file or tls.ca_pem)

    def find_library_limit(self, credentials: Credentials) -> str:
        """Say why the probe's TLS library cannot offer what the exporter does, or nothing."""
        self._follow(credentials)
        if self._library_limit is None:
            target = self.target
            self._library_limit = find_library_limit(
                credentials,
                lambda: vary_offer(target.exporter, target.protocol, target.tls, UNVARIED),
            )
        return self._library_limit


@lru_cache(maxsize=64)
def encode_alpn(exporter: str, protocol: Protocol, *, http2: bool = True) -> tuple[bytes, ...]:
    """Return the application protocols that `exporter` offers, as TLS has them."""
    return tuple(name.encode() for name in choose_alpn(exporter, protocol, http2=http2))
