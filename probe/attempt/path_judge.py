"""What exporters make of servers' certificates, each judged once and kept until a date changes it.

Keyed by content: the chain, the anchors, the name, and the model. Bounded.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from probe.exporters.go_path import verify_for_go
from probe.exporters.path_verdict import PathRequest, PathVerdict, Verifier
from probe.exporters.verifiers import VERIFIERS, get_verifier
from probe.model.certificate import CertificateFacts
from probe.model.evidence import RuntimePath
from probe.model.runtime import RUNTIMES
from probe.tls.settings import ServerJudgement
from probe.x509.anchors import AnchorPool

MOST_KEPT: Final = 2048
"""Judgements that are kept: several for each chain that targets are served."""

MOST_JUDGED: Final = 16
"""Certificates that a model without a bound of its own is given: with keys made to be expensive, a
signature takes four milliseconds."""
LONGEST_CHAIN: Final = 10
"""Certificates of a chain that other runtimes are asked about."""

_Key = tuple[Verifier, bytes, str, str]
_KeyOfOthers = tuple[str, str, bytes, str, str]


@dataclass(frozen=True, slots=True)
class _Kept:
    """A judgement, and the time (epoch seconds) in which it holds."""

    since: float
    until: float
    judgement: ServerJudgement


@dataclass(frozen=True, slots=True)
class _KeptOthers:
    """What others make of a chain, and the time in which it holds."""

    since: float
    until: float
    paths: tuple[RuntimePath, ...]


class PathJudge:
    """Judges what servers send; all targets of one event loop share it."""

    def __init__(self, read_certificate: Callable[[bytes], CertificateFacts]) -> None:
        """Keep nothing yet; `read_certificate` gives the facts of an anchor."""
        self._read_certificate = read_certificate
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()
        self._others: OrderedDict[_KeyOfOthers, _KeptOthers] = OrderedDict()
        self._digested: tuple[tuple[bytes, ...], bytes] = ((), b"")
        """The last chain, and its digest: an attempt asks twice about the same object."""

    def judge(
        self,
        runtime: str,
        chain: tuple[bytes, ...],
        anchors: AnchorPool,
        reference: str,
        at: float,
    ) -> ServerJudgement:
        """Return what `runtime` makes of `chain` at `at` (epoch seconds)."""
        return self._judge(get_verifier(runtime), chain, anchors, reference, at).judgement

    def _judge(
        self,
        verifier: Verifier,
        chain: tuple[bytes, ...],
        anchors: AnchorPool,
        reference: str,
        at: float,
    ) -> _Kept:
        key = (verifier, self._digest(chain), anchors.digest, reference)
        known = self._kept.get(key)
        # A wall clock may go back, so that a judgement has a beginning too.
        if known is not None and known.since <= at <= known.until:
            self._kept.move_to_end(key)
            return known
        if verifier is not verify_for_go:  # which gives up by itself, as Go does
            chain = chain[:MOST_JUDGED]
        verdict = verifier(PathRequest(chain, anchors, reference, at))
        judgement = self._describe(verdict, anchors)
        made = self._kept[key] = _Kept(at, verdict.constant_until, judgement)
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
    ) -> tuple[RuntimePath, ...]:
        """Return what other runtimes of `protocol` make of `chain`, where that differs.

        `other_anchors` are those of runtimes whose readers take other certificates of a CA file.

        The loop goes on between two of them. Longer chains than any real one are not worth it.
        """
        trusted = [anchors.digest]
        trusted += [f"{runtime} {pool.digest}" for runtime, pool in sorted(other_anchors.items())]
        key = (exporter, protocol, self._digest(chain), " ".join(trusted), reference)
        known = self._others.get(key)
        if known is not None and known.since <= at <= known.until:
            self._others.move_to_end(key)
            return known.paths
        if len(chain) > LONGEST_CHAIN:
            return ()
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
        self._others[key] = _KeptOthers(at, until, tuple(found))
        _drop_oldest(self._others)
        return self._others[key].paths

    def _digest(self, chain: tuple[bytes, ...]) -> bytes:
        if chain is not self._digested[0]:
            self._digested = chain, _digest(chain)
        return self._digested[1]

    def _describe(self, verdict: PathVerdict, anchors: AnchorPool) -> ServerJudgement:
        held = (anchors.get(sha256) for sha256 in verdict.anchored)
        facts = tuple(self._read_certificate(one.der) for one in held if one is not None)
        return ServerJudgement(verdict.faults, verdict.paths, facts)


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
