"""Renewed on disk, old in use: exporters and backends that have not read their files again.

Always findings: the probe itself reads its files again, so what it finds is ahead of an exporter
that does not; and an old server certificate may still be valid.
"""

from functools import partial
from typing import Final

from probe.diagnosis.cause import EVERY_ENDING, Cause, Match, Rank, Strength
from probe.diagnosis.fixes.server_fixes import SEE_SERVED, reload_served_file
from probe.diagnosis.fixes.steps import Fix
from probe.model.certificate import CertificateFacts, Rotation, ServedFile, name_certificate
from probe.model.evidence import Evidence
from probe.text.time_format import format_duration, format_time
from probe.x509.validity import is_older

SLACK: Final = 5.0
"""Seconds that a backend gets beyond its reload_interval."""

START_SLACK: Final = 1.0
"""Seconds after its start in which a process, or the script that it began as, may still write the
files itself."""

_RESTART: Final = (
    "{reread_cert}",
    "To avoid doing this by hand: set reload_interval: 1h in a Collector exporter's tls settings; "
    "restart an SDK's application after each rotation.",
)

_SETTING: Final = {"cert": "cert_file", "ca": "ca_file"}


def _match_exporter(evidence: Evidence) -> Match | None:
    read_once = evidence.target.read_once
    rotated = [one for one in evidence.credentials.rotated if one.role in read_once]
    seen = {one.role for one in rotated}
    found: list[tuple[str, Fix]] = [(_describe_old(one, evidence), ()) for one in rotated]
    found += [
        (fact, _RESTART)
        for role in ("cert", "ca")
        if role in read_once and role not in seen and (fact := _describe_newer(role, evidence))
    ]
    if not found:
        return None
    return Match(Strength.FINDING, tuple(fact for fact, _ in found), each=tuple(found))


def _describe_newer(role: str, evidence: Evidence) -> str:
    """Say that a file is newer than the exporter's process, where that is known; else nothing."""
    credentials, target = evidence.credentials, evidence.target
    if role == "cert":
        path, written, held = target.cert_file, credentials.cert_modified, credentials.client_chain
    else:
        path, written, held = target.ca_file, credentials.ca_modified, credentials.ca_bundle
    if not (target.started and written):
        return ""
    # A copy may keep the date of its original; what is in it cannot be older than it says.
    issued = held[0].not_before if role == "cert" and held else 0.0
    newest = max(written, issued)
    if newest <= target.started + START_SLACK:
        return ""
    how = "was written" if written >= issued else "holds a certificate that was issued"
    return (
        f"{_SETTING[role]} {path} {how} on {format_time(newest)}, "
        f"{format_duration(newest - target.started)} after {target.runs_in} began: it still has "
        f"what the file held then, because {_describe_reading(evidence)}"
    )


def _describe_old(rotation: Rotation, evidence: Evidence) -> str:
    fact = (
        f"{_SETTING[rotation.role]} {rotation.path} was replaced on {format_time(rotation.at)}; an "
        "exporter that has not been restarted since still has "
    )
    ends = rotation.before[0].not_after
    when = "expired" if ends < evidence.at else "expires"
    why = _describe_reading(evidence)
    if rotation.role == "cert":
        return f"{fact}{_identify(rotation.before[0])}, which {when} on {format_time(ends)}: {why}"
    names = ", ".join(dict.fromkeys(map(name_certificate, rotation.before[:3])))
    more = len(rotation.before) - 3
    names += f" and {more} more" if more > 0 else ""
    return f"{fact}the previous CAs ({names}): {why}"


def _describe_reading(evidence: Evidence) -> str:
    if "sdk" in evidence.target.source_kinds:
        return "an SDK reads its files once, at its start"
    if "cert" in evidence.target.read_once:
        return "reload_interval is not set, so the Collector reads them once, at its start"
    return "reload_interval is for certificate and key, the CA is read once, at the start"


def _identify(certificate: CertificateFacts) -> str:
    return f"{name_certificate(certificate)} (serial number {certificate.serial_number})"


def _match_backend(evidence: Evidence) -> Match | None:
    file, handshake = evidence.credentials.served, evidence.handshake
    if file is None or not file.chain or handshake is None or not handshake.server_chain:
        return None
    served, on_disk = handshake.server_chain[0], file.chain[0]
    if served.sha256 == on_disk.sha256 or is_older(on_disk, served):
        # An older one on disk is another server's file, not one that was left unread.
        return None
    held_for = evidence.at - file.modified if file.held_for is None else file.held_for
    if held_for < (file.reload_interval or 0.0) + SLACK:
        return None
    fact = (
        f"the backend serves {_identify(served)}, issued on {format_time(served.not_before)} and "
        f"valid until {format_time(served.not_after)}, while {file.path} holds a newer one, issued "
        f"on {format_time(on_disk.not_before)} and valid until {format_time(on_disk.not_after)}, "
        f"since {format_time(file.modified)}: {_describe_interval(file)}"
    )
    return Match(Strength.FINDING, (fact,), fix=reload_served_file(file))


def _describe_interval(file: ServedFile) -> str:
    if not file.receiver:
        return "it has not read the file again"
    if file.reload_interval is None:
        return f"reload_interval of receiver {file.receiver} is not set, so it never reads it again"
    return (
        f"receiver {file.receiver} should have read it again after "
        f"{format_duration(file.reload_interval)}; either it could not, or the Collector runs with "
        "another configuration"
    )


_declare: Final = partial(
    Cause,
    severity="warning",
    rank=Rank.ROTATION,
    not_printed="nothing is printed until the old certificate expires",
    finding_only=True,
    applies=EVERY_ENDING,
)
"""What the causes here have in common, unless one says otherwise."""

CAUSES: Final = (
    _declare(
        id="exporter_not_reloading",
        title="The exporter may still use the files from before their rotation",
        family="client_expiry",
        party="exporter",
        meaning=(
            "A certificate or CA file was replaced while the probe watched it, or is newer than the "
            "exporter's process, and this exporter reads its files once, at its start. The probe "
            "uses the new files; the exporter, unless it was restarted, the old ones: its telemetry "
            "stops when the old certificate expires."
        ),
        evidence=(
            "The file holds other certificates than when the probe first read it, or the exporter "
            "is a process that the probe sees (--pid) and the file was written after its start; and "
            "the exporter is an SDK, or a Collector's without reload_interval (with it, the CA is "
            "still read once). Always a finding, never the cause of a failure."
        ),
        fix=(
            "{reread_cert}",
            "Then send the probe SIGHUP, or POST /-/reload to it, which ends this finding.",
            "To avoid doing this by hand: set reload_interval: 1h in a Collector exporter's tls "
            "settings; restart an SDK's application after each rotation.",
        ),
        tell_apart=(
            "The file on disk is newer than the exporter's process, whose number is PID: ls -l --full-time "
            "CERT; ps -o lstart= -p PID"
        ),
        citations=("Collector configtls reload_interval", "OTLP exporter specification"),
        match=_match_exporter,
    ),
    _declare(
        id="backend_not_reloading",
        title="The backend still serves an old certificate",
        family="server_identity",
        party="backend",
        meaning=(
            "The backend's certificate was renewed on disk, and the backend still serves the one "
            "of before. Exporters refuse it from the day on which it expires."
        ),
        evidence=(
            "The certificate served against the file that it is read from (tls.cert_file of a "
            "local receiver, or the target's server_cert_file): the file's was issued later. "
            "Always a finding, never the cause of a failure."
        ),
        fix=(
            "{reload_backend}",
            "To avoid doing this by hand: set reload_interval: 1h in the tls settings of a "
            "Collector's receiver; reload nginx and HAProxy after each renewal.",
            SEE_SERVED,
        ),
        tell_apart=(
            "The certificate served is not the one on the backend's disk, FILE: openssl s_client -connect "
            "ENDPOINT </dev/null | openssl x509 -noout -serial; openssl x509 -in FILE -noout -serial"
        ),
        citations=("Collector configtls reload_interval",),
        match=_match_backend,
    ),
)
