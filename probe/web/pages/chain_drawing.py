"""Certificate chains as boxes and links, end entity first: where a chain breaks, a link says so.

Pure. The client's chain goes as far as it is sent, over available issuers, to an anchor or to the
issuer that is missing; the server's to its anchor in ca_file.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from probe.diagnosis.readings.path_fault_text import describe_fault
from probe.model.certificate import CertificateFacts, name_certificate
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence, Handshake
from probe.web.pages.target_row import Countdown, build_countdown
from probe.x509.path import find_anchor, has_issuer, names_issuer

Kind = Literal["sent", "available", "anchor", "missing"]


@dataclass(frozen=True, slots=True)
class ChainBox:
    """One certificate, or the name of one that is missing; `link` says how it follows the last."""

    kind: Kind
    heading: str
    subject: str
    link: str = ""
    holds: bool = True
    """Whether the link above holds."""
    certificate: CertificateFacts | None = None
    left: Countdown | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChainDrawing:
    """One chain, from the end entity on."""

    title: str
    boxes: tuple[ChainBox, ...]

    @property
    def summary(self) -> str:
        """Say in words whether the chain holds, and where not."""
        broken = [box.link for box in self.boxes if not box.holds]
        words = f"This chain is broken: {'; '.join(broken)}." if broken else "Every link holds."
        outside = [
            f"{box.subject}: {box.left.words}" for box in self.boxes if box.left and box.left.over
        ]
        return f"{words} Not valid now: {'; '.join(outside)}." if outside else words


def draw_chains(evidence: Evidence, diagnosis: Diagnosis, now: float) -> tuple[ChainDrawing, ...]:
    """Return the chains of both sides, as far as there are any, as of `now` (epoch seconds)."""
    drawings = []
    if evidence.credentials.client_chain:
        boxes = tuple(_client(evidence, diagnosis, now))
        drawings.append(ChainDrawing("The exporter's chain", boxes))
    handshake = evidence.handshake
    if handshake is not None and handshake.server_chain:
        boxes = tuple(_server(evidence, handshake, now))
        drawings.append(ChainDrawing("The backend's chain", boxes))
    return tuple(drawings)


def _box(
    kind: Kind,
    heading: str,
    facts: CertificateFacts,
    now: float,
    *,
    below: CertificateFacts | None,
    notes: Iterable[str] = (),
) -> ChainBox:
    link, holds = _link(below, facts) if below is not None else ("", True)
    left, subject = build_countdown("", facts, now), name_certificate(facts)
    return ChainBox(kind, heading, subject, link, holds, facts, left, tuple(notes))


def _link(below: CertificateFacts, above: CertificateFacts) -> tuple[str, bool]:
    if has_issuer(below, above):
        return "issued by", True
    child, parent = name_certificate(below), name_certificate(above)
    if names_issuer(below, above):
        return f"{parent} has the name of the issuer, but another key", False
    return f"{child} was issued by {below.issuer.text}, not by {parent}", False


def _client(evidence: Evidence, diagnosis: Diagnosis, now: float) -> Iterator[ChainBox]:
    credentials, handshake = evidence.credentials, evidence.handshake
    chain = credentials.client_chain
    listed = {name.digest for name in handshake.acceptable_cas} if handshake else set[str]()
    named = ("the backend names this CA as acceptable",)
    everything = list(chain)
    for index, one in enumerate(chain):
        heading = (
            "the exporter's certificate" if not index else f"certificate {index + 1} of the file"
        )
        notes = named if one.subject.digest in listed else ()
        yield _box(
            "sent", heading, one, now, below=chain[index - 1] if index else None, notes=notes
        )
    for path, one in ((step.path, step.certificate) for step in credentials.unsent_issuers):
        notes = named if one.subject.digest in listed else ()
        heading = f"not sent; it is in {path}"
        yield _box("available", heading, one, now, below=everything[-1], notes=notes)
        everything.append(one)
    if not everything[-1].self_signed:
        confirmed = diagnosis.outcome == "confirmed"
        yield _beyond(everything[-1], chain, listed=listed, confirmed=confirmed)
    reached = any({one.issuer.digest, one.subject.digest} & listed for one in everything)
    if listed and handshake and not reached:
        yield ChainBox(
            "missing",
            "the CAs that the backend accepts",
            " · ".join(name.text for name in handshake.acceptable_cas[:10]),
            link="the backend's list has no CA of this chain",
            holds=False,
        )


def _beyond(
    top: CertificateFacts, chain: Sequence[CertificateFacts], *, listed: set[str], confirmed: bool
) -> ChainBox:
    """Return the box of an issuer that is not available."""
    issuer, name = top.issuer.text, name_certificate(top)
    accepted = "the backend accepted the chain" if confirmed else ""
    if top.issuer.digest in listed:
        accepted = "the backend names it as acceptable"
    elif any(has_issuer(top, one) for one in chain):
        link = f"the issuer of {name} comes before it in the file: the order is wrong"
        return ChainBox("missing", "at another place of the file", issuer, link, holds=False)
    if accepted:
        return ChainBox("anchor", f"not available; {accepted}", issuer, "issued by")
    link = f"the issuer of {name} is not available"
    return ChainBox("missing", "missing: neither sent nor available", issuer, link, holds=False)


def _server(evidence: Evidence, handshake: Handshake, now: float) -> Iterator[ChainBox]:
    chain, bundle = handshake.server_chain, evidence.credentials.ca_bundle
    where = evidence.target.ca_file or "ca_file"
    held = {one.sha256 for one in bundle}
    for index, one in enumerate(chain):
        heading = (
            "the backend's certificate" if not index else f"sent with it, certificate {index + 1}"
        )
        notes = [f"{where} holds this one: an anchor"] if one.sha256 in held else []
        check = handshake.name_check
        for fault in handshake.path_faults:
            if fault.kind == "name_mismatch" and not index and check is not None:
                notes.append(f"it does not have the name {check.reference}")
            elif fault.position == index:
                notes.append(f"it {describe_fault(fault)}")
        yield _box(
            "sent", heading, one, now, below=chain[index - 1] if index else None, notes=notes
        )
    anchor = find_anchor(chain, bundle)
    if anchor is None:
        yield from _no_anchor(evidence, handshake, where, now)
    elif anchor.sha256 not in {one.sha256 for one in chain}:
        child = next(one for one in reversed(chain) if has_issuer(one, anchor))
        yield _box("anchor", f"anchor, from {where}", anchor, now, below=child)


def _no_anchor(
    evidence: Evidence, handshake: Handshake, where: str, now: float
) -> Iterator[ChainBox]:
    last, bundle = handshake.server_chain[-1], evidence.credentials.ca_bundle
    namesake = next((one for one in bundle if names_issuer(last, one)), None)
    if namesake is not None:
        yield _box("missing", f"from {where}", namesake, now, below=last)
        return
    issuer = last.issuer.text
    if evidence.credentials.system_roots:
        if handshake.server_verified and not evidence.target.insecure_skip_verify:
            yield ChainBox("anchor", "anchor, one of the system's roots", issuer, "issued by")
            return
        where = f"{where} or the system's roots" if bundle else "the system's roots"
    if last.self_signed:
        link = f"{name_certificate(last)} is a root that is not in {where}"
        held = " · ".join(name_certificate(one) for one in bundle[:10]) or "(no certificate)"
        yield ChainBox("missing", f"what {where} holds instead", held, link, holds=False)
        return
    link = f"the issuer of {name_certificate(last)} was not sent and is not in {where}"
    yield ChainBox("missing", "missing", issuer, link, holds=False)
