"""What exporters make of servers' certificates, each judged once and kept until a date changes it.

Keyed by content: the chain, the anchors, the name, and the model. Bounded.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar

from cryptography.hazmat.primitives.serialization import Encoding

from probe.exporters.go_path import verify_for_go
from probe.exporters.path_verdict import PathRequest, PathVerdict, Verifier
from probe.exporters.verifiers import VERIFIERS, get_verifier
from probe.model.certificate import CertificateFacts
from probe.model.later_judgement import RuntimePath
from probe.model.runtime import RUNTIMES
from probe.tls.settings import ServerJudgement
from probe.x509.anchors import AnchorPool
from probe.x509.parse import parse_certificate
from probe.x509.path import find_top

MOST_KEPT: Final = 2048
"""Judgements that are kept: several for each chain that targets are served."""

MOST_JUDGED: Final = 16
"""Certificates that a model without a bound of its own is given: with keys made to be expensive, a
signature takes four milliseconds."""
LONGEST_CHAIN: Final = 10
"""Certificates of a chain that other runtimes are asked about."""

T = TypeVar("T")

OtherPaths = tuple[RuntimePath, ...]
"""What other runtimes make of a chain, where that differs from what the target's exporter does."""

_Key = tuple[Verifier, bytes, str, str]
_KeyOfOthers = tuple[str, str, bytes, str, str]


@dataclass(frozen=True, slots=True)
class Kept(Generic[T]):
    """A judgement of a chain, and the time (epoch seconds) in which it holds."""

    chain: bytes
    """Its digest."""
    since: float
    until: float
    judgement: T

    def holds(self, chain: bytes, at: float) -> bool:
        """Whether it is of the chain with this digest, and still holds; a wall clock may go back."""
        return self.chain == chain and self.since <= at <= self.until


class PathJudge:
    """Judges what servers send; all targets of one event loop share it."""

    def __init__(self, read_certificate: Callable[[bytes], CertificateFacts]) -> None:
        """Keep nothing yet; `read_certificate` gives the facts of an anchor."""
        self._read_certificate = read_certificate
        self._kept: OrderedDict[_Key, Kept[ServerJudgement]] = OrderedDict()
        self._others: OrderedDict[_KeyOfOthers, Kept[OtherPaths]] = OrderedDict()
        self._digested: tuple[tuple[bytes, ...], bytes] = ((), b"")

    def digest(self, chain: tuple[bytes, ...]) -> bytes:
        """Return the digest of `chain`; of the one that was asked for last it is known."""
        known, digest = self._digested
        if known is not chain:
            digest = _digest(chain)
            self._digested = chain, digest
        return digest

    def judge(
        self,
        runtime: str,
        chain: tuple[bytes, ...],
        anchors: AnchorPool,
        reference: str,
        at: float,
    ) -> Kept[ServerJudgement]:
        """Return what `runtime` makes of `chain` at `at` (epoch seconds), and how long."""
        return self._judge(get_verifier(runtime), chain, anchors, reference, at)

    def _judge(
        self,
        verifier: Verifier,
        chain: tuple[bytes, ...],
        anchors: AnchorPool,
        reference: str,
        at: float,
    ) -> Kept[ServerJudgement]:
        digest = self.digest(chain)
        key = (verifier, digest, anchors.digest, reference)
        known = self._kept.get(key)
        if known is not None and known.holds(digest, at):
            self._kept.move_to_end(key)
            return known
        if verifier is not verify_for_go:  # which gives up by itself, as Go does
            chain = chain[:MOST_JUDGED]
        verdict = verifier(PathRequest(chain, anchors, reference, at))
        judgement = self._describe(verdict, anchors)
        made = self._kept[key] = Kept(digest, at, verdict.constant_until, judgement)
        _drop_oldest(self._kept)
        return made

    async def judge_others(
        self,
        exporter: str,
        protocol: str,
        chain: tuple[bytes, ...],
        anchors: AnchorPool,
        reference: str,
        at: float,
        other_anchors: Mapping[str, AnchorPool] = MappingProxyType({}),
    ) -> Kept[OtherPaths]:
        """Return what other runtimes of `protocol` make of `chain`, where that differs, and how long.

        `other_anchors` are those of runtimes whose readers take other certificates of a CA file.

        The loop goes on between two of them. Longer chains than any real one are not worth it.
        """
        trusted = [anchors.digest]
        trusted += [f"{runtime} {pool.digest}" for runtime, pool in sorted(other_anchors.items())]
        digest = self.digest(chain)
        key = (exporter, protocol, digest, " ".join(trusted), reference)
        known = self._others.get(key)
        if known is not None and known.holds(digest, at):
            self._others.move_to_end(key)
            return known
        if len(chain) > LONGEST_CHAIN:
            return Kept(digest, at, inf, ())
        own = self._judge(get_verifier(exporter), chain, anchors, reference, at)
        until, found = own.until, list[RuntimePath]()
        for runtime in RUNTIMES:
            verifier = VERIFIERS.get(runtime.id)
            if verifier is None or runtime.id == exporter or protocol not in runtime.protocols:
                continue
            held = other_anchors.get(runtime.id, anchors)
            other = self._judge(verifier, chain, held, reference, at)
            until = min(until, other.until)
            if _get_reported(other.judgement) != _get_reported(own.judgement):
                found.append(RuntimePath(runtime=runtime.id, faults=other.judgement.faults))
            await asyncio.sleep(0)
        made = self._others[key] = Kept(digest, at, until, tuple(found))
        _drop_oldest(self._others)
        return made

    def _describe(self, verdict: PathVerdict, anchors: AnchorPool) -> ServerJudgement:
        held = (anchors.get(sha256) for sha256 in verdict.anchored)
        facts = tuple(self._read_certificate(one.der) for one in held if one is not None)
        return ServerJudgement(verdict.faults, verdict.paths, facts)


class ServerJudge:
    """Judges what the server of one target sends: what it sent last needs but its digest."""

    __slots__ = ("_anchors", "_clock", "_judge", "_kept", "_reference", "_runtime")

    def __init__(
        self,
        judge: PathJudge,
        runtime: str,
        anchors: AnchorPool | None,
        reference: str,
        clock: Callable[[], float],
    ) -> None:
        """Keep nothing yet.

        Args:
            judge: is asked about a chain that is new.
            runtime: the id of the exporter's.
            anchors: what it trusts; None: what the server itself sends on top.
            reference: the name that the server's certificate must hold.
            clock: epoch seconds.
        """
        self._judge = judge
        self._runtime = runtime
        self._anchors = anchors
        self._reference = reference
        self._clock = clock
        self._kept: Kept[ServerJudgement] | None = None

    def __call__(self, sent: tuple[bytes, ...]) -> ServerJudgement:
        """Return what the target's exporter makes of the certificates `sent`."""
        at, kept = self._clock(), self._kept
        if kept is None or not kept.holds(self._judge.digest(sent), at):
            anchors = find_own_anchor(sent) if self._anchors is None else self._anchors
            kept = self._judge.judge(self._runtime, sent, anchors, self._reference, at)
            self._kept = kept
        return kept.judgement


def find_own_anchor(sent: tuple[bytes, ...]) -> AnchorPool:
    """Return the topmost certificate of what a server sent as the anchor of its path.

    So everything is judged but whether clients trust its issuer, which their files decide.
    """
    parsed = [one for der in sent if (one := parse_certificate(der)) is not None]
    return AnchorPool([find_top(parsed).public_bytes(Encoding.DER)] if parsed else [])


def _get_reported(judgement: ServerJudgement) -> str:
    return judgement.faults[0].kind if judgement.faults else ""


def _drop_oldest(kept: OrderedDict[Any, Any]) -> None:
    while len(kept) > MOST_KEPT:
        kept.popitem(last=False)


def _digest(chain: tuple[bytes, ...]) -> bytes:
    digest = hashlib.sha256()
    for der in chain:
        digest.update(len(der).to_bytes(4))
        digest.update(der)
    return digest.digest()
