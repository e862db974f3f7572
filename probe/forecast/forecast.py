"""`make_forecast`: what the last attempts saw becomes a list of what will break by itself, by time.

Pure: the moment and the horizon come in as values. What several targets use from one file is there
once.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final, NamedTuple

from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.fixes.server_fixes import reload_served_file
from probe.diagnosis.fixes.steps import fill_steps
from probe.exporters.verifiers import IGNORE_ANCHOR_DATES
from probe.forecast.entry import ForecastEntry, Sureness
from probe.forecast.listed_certificates import (
    UsedCertificate,
    list_receiver_certificates,
    list_used_certificates,
)
from probe.forecast.renewals import Habit, RenewalHistory
from probe.model.certificate import CertificateFacts, Rotation, name_certificate
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence, Handshake
from probe.text.safe_text import safe_text
from probe.text.time_format import format_duration, format_time
from probe.x509.lasting_path import choose_lasting, list_anchored_paths, list_sent_paths
from probe.x509.validity import find_first_to_expire

NO_RENEWALS: Final = RenewalHistory()
"""Of a target of which one attempt is known."""

_NOT_RELOADING: Final = "exporter_not_reloading"
_SURER: Final[tuple[Sureness, ...]] = ("certain", "likely", "possible", "renews")


class SeenTarget(NamedTuple):
    """What is known of one target, or of one of its addresses."""

    evidence: Evidence
    """Of its last attempt."""
    diagnosis: Diagnosis
    renewals: RenewalHistory = NO_RENEWALS


class ForecastMaker:
    """Gathers entries target by target, so that a long list needs not be made in one go."""

    def __init__(self, now: float, horizon: float) -> None:
        """Begin without a target; entries up to `horizon` seconds after `now` count."""
        self._now = now
        self._until = now + horizon
        self._found: dict[tuple[object, ...], tuple[ForecastEntry, dict[str, None]]] = {}

    def add(self, seen: SeenTarget) -> None:
        """Take in what will end of one target."""
        for one in _list_entries(seen, self._now, self._until):
            if one.at is not None and one.at > self._until:
                continue
            key = (*one.key, one.sha256, one.at, one.party)
            known, names = self._found.setdefault(key, (one, {}))
            names |= dict.fromkeys(one.targets)
            if _SURER.index(one.sure) < _SURER.index(known.sure):
                self._found[key] = (one, names)

    def finish(self) -> tuple[ForecastEntry, ...]:
        """Return the entries in order of time."""
        entries = (
            one if len(names) == 1 else replace(one, targets=tuple(names))
            for one, names in self._found.values()
        )
        return tuple(sorted(entries, key=lambda one: one.order))


def make_forecast(
    seen: Iterable[SeenTarget], now: float, horizon: float
) -> tuple[ForecastEntry, ...]:
    """Return what will break by itself of these targets, what has ended already included.

    Args:
        seen: what the last attempt of each showed.
        now: epoch seconds.
        horizon: how many seconds ahead to look.
    """
    maker = ForecastMaker(now, horizon)
    for each in seen:
        maker.add(each)
    return maker.finish()


def list_unseen(seen: Iterable[SeenTarget]) -> Iterator[tuple[str, str]]:
    """Yield each target whose certificates could not all be seen, and why: it may break unforeseen."""
    for evidence, _, _ in seen:
        target, handshake, ending = evidence.target, evidence.handshake, evidence.ending
        name = safe_text(target.name)
        name += f" ({target.address})" if target.address else ""
        if target.plaintext:
            continue
        if handshake is None or not handshake.server_chain:
            detail = f"{ending.kind} {ending.detail}".rstrip()
            yield (
                name,
                f"its backend's certificate was not seen: it ended at {ending.stage}: {detail}",
            )
        elif target.client_certificate_configured and not evidence.credentials.client_chain:
            yield name, "its client certificate could not be read"


def _list_entries(seen: SeenTarget, now: float, until: float) -> Iterator[ForecastEntry]:
    evidence, diagnosis, _ = seen
    target = evidence.target
    if not target.plaintext:
        causes = {finding.cause for finding in diagnosis.findings}
        renewed = "backend_not_reloading" in causes
        used = [one for one in list_used_certificates(evidence, until) if _breaks(one, evidence)]
        known = {one.certificate.sha256 for one in used}
        used += [
            one
            for one in list_receiver_certificates(evidence, until)
            if one.certificate.sha256 not in known
        ]
        for one in used:
            if not (renewed and one.kind == "server_certificate"):
                yield _describe(one, seen, now)
        if renewed:
            yield from _describe_served(evidence)
        yield from _list_unread(evidence, named=_NOT_RELOADING in causes)
        yield from _find_staple(evidence)
    if target.expect_cause is not None and target.expect_until > now:
        yield _describe_silence(evidence, diagnosis)


def _breaks(one: UsedCertificate, evidence: Evidence) -> bool:
    """Whether its end stops this exporter."""
    target = evidence.target
    if one.kind in {"server_certificate", "server_intermediate", "trust_anchor"}:
        if target.insecure_skip_verify:
            return False
        if one.kind == "trust_anchor" and target.exporter in IGNORE_ANCHOR_DATES:
            return False
    return True


def _describe(one: UsedCertificate, seen: SeenTarget, now: float) -> ForecastEntry:
    evidence, _, renewals = seen
    certificate = one.certificate
    ends = certificate.not_after
    entry = ForecastEntry(
        kind=one.kind,
        at=ends,
        targets=(safe_text(evidence.target.name),),
        party=one.party,
        what=one.what,
        where=one.where,
        runs_in=evidence.target.runs_in if one.party == "exporter" else "",
        position=one.position,
        subject=name_certificate(certificate),
        issuer=certificate.issuer.text,
        serial_number=certificate.serial_number,
        sha256=certificate.sha256,
        sure="likely",
        why="",
        fix=one.fix,
    )
    habit = renewals.find_habit(certificate)
    if habit is not None and ends > max(now, habit.due):
        return _apply_habit(entry, habit, now)
    sure, why = _judge_sureness(one, evidence)
    return replace(entry, sure=sure, why=why)


def _apply_habit(entry: ForecastEntry, habit: Habit, now: float) -> ForecastEntry:
    every = f"it is renewed every {format_duration(habit.every)}"
    if habit.is_late(now):
        why = f"{every}, and is {format_duration(now - habit.due)} late"
        return replace(entry, kind="renewal_late", sure="likely", why=why)
    when = f"in {format_duration(habit.due - now)}" if habit.due > now else "now"
    return replace(entry, sure="renews", why=f"{every}; the next time is due {when}")


def _judge_sureness(one: UsedCertificate, evidence: Evidence) -> tuple[Sureness, str]:
    handshake = evidence.handshake
    if one.kind in {"client_certificate", "client_intermediate", "client_ca"}:
        done = handshake is not None and handshake.complete
        if done and handshake is not None and not handshake.client_certificate_requested:
            return "possible", "the backend did not ask for a client certificate"
        if one.proven:
            return "certain", "the backend verifies a path that uses it"
        if one.kind == "client_ca":
            return "likely", "the client certificate rests on it; the backend may hold another copy"
        return "likely", "the backend has not shown which path it uses"
    if one.kind in {"receiver_certificate", "receiver_client_ca"}:
        return "likely", "by the receiver's files"
    if one.proven:
        return "certain", "the exporter verifies a path that uses it"
    return "likely", "no path was verified in the last attempt; this is the likeliest one"


def _describe_served(evidence: Evidence) -> Iterator[ForecastEntry]:
    """Yield the end of the certificate that the backend still serves, though its file is renewed."""
    file, handshake = evidence.credentials.served, evidence.handshake
    if file is None or handshake is None or not handshake.server_chain:
        return
    old = handshake.server_chain[0]
    yield ForecastEntry(
        kind="backend_not_reloading",
        at=old.not_after,
        targets=(safe_text(evidence.target.name),),
        party="backend",
        what=f"the certificate that {safe_text(evidence.target.endpoint)} still serves, though "
        f"{file.path} holds a newer one",
        where=file.path,
        position=0,
        subject=name_certificate(old),
        issuer=old.issuer.text,
        serial_number=old.serial_number,
        sha256=old.sha256,
        sure="certain",
        why="the certificate is renewed on disk, and the backend has not read the file again",
        fix=fill_steps(reload_served_file(file), evidence.target, file),
    )


def _list_unread(evidence: Evidence, *, named: bool) -> Iterator[ForecastEntry]:
    """Yield when what the exporter has of before ends, where its files were renewed since its start."""
    target, held = evidence.target, evidence.credentials
    rotated = [one for one in held.rotated if one.role in target.read_once]
    fix = fill_steps(CATALOGUE[_NOT_RELOADING].fix, target, held.served)
    plain = ForecastEntry(
        kind=_NOT_RELOADING,
        at=None,
        targets=(safe_text(target.name),),
        party="exporter",
        what="what the exporter's files held when it started",
        runs_in=target.runs_in,
        sure="likely",
        why="a file is newer than the exporter's process, which reads it once",
        fix=fix,
    )
    for one in rotated:
        old = _find_old_end(one, evidence.handshake, evidence.at)
        whose = "client certificate" if one.role == "cert" else "CA"
        yield replace(
            plain,
            at=None if old is None else old.not_after,
            what=f"the {whose} that {one.path} held until {format_time(one.at)}",
            where=one.path,
            subject="" if old is None else name_certificate(old),
            issuer="" if old is None else old.issuer.text,
            serial_number="" if old is None else old.serial_number,
            sha256="" if old is None else old.sha256,
            why="the exporter reads the file once, and still has it unless it was restarted since",
        )
    if named and not rotated:
        yield replace(plain, where=target.cert_file or target.ca_file)


def _find_old_end(
    rotation: Rotation, handshake: Handshake | None, at: float
) -> CertificateFacts | None:
    """Return which certificate ends first of what the exporter's trust, or a backend's, rests on."""
    if rotation.role == "cert":
        sent_paths = list_sent_paths(rotation.before) if rotation.before else []
        # A root above the end entity is not needed: a verifier uses its own copy.
        paths = [
            path[:-1] if len(path) > 1 and path[-1].self_signed else path for path in sent_paths
        ]
    elif handshake is not None and handshake.server_chain:
        sent = {one.sha256 for one in handshake.server_chain}
        paths = [
            tuple(one for one in path if one.sha256 not in sent or one is path[-1])
            for path in list_anchored_paths(handshake.server_chain, rotation.before)
        ]
    else:
        paths = []
    path = choose_lasting(paths, at)
    return find_first_to_expire(path) if path else None


def _find_staple(evidence: Evidence) -> Iterator[ForecastEntry]:
    handshake = evidence.handshake
    if handshake is None or not handshake.staple_until:
        return
    endpoint = safe_text(evidence.target.endpoint)
    yield ForecastEntry(
        kind="staple",
        at=handshake.staple_until,
        targets=(safe_text(evidence.target.name),),
        party="backend",
        what=f"the OCSP answer that {endpoint} staples",
        where=endpoint,
        sure="renews",
        why="the backend asks for a new one by itself, and no exporter looks at it unless it is "
        "configured to",
    )


def _describe_silence(evidence: Evidence, diagnosis: Diagnosis) -> ForecastEntry:
    target = evidence.target
    failing = diagnosis.outcome == "failed" and diagnosis.cause == target.expect_cause
    now = "it fails with that now" if failing else "it does not fail with that now"
    return ForecastEntry(
        kind="silence",
        at=target.expect_until,
        targets=(safe_text(target.name),),
        party=(diagnosis.party or "either") if failing else "probe",
        what=f"the silence about {target.expect_cause} of {safe_text(target.name)}",
        where=safe_text(target.endpoint),
        subject=safe_text(target.name),
        sure="certain" if failing else "possible",
        why=f"from then on the target must be confirmed; {now}",
        fix=diagnosis.fix if failing else (),
    )
