"""What an attempt on a receiver shows besides its outcome: files against what it really does. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from probe.diagnosis.readings.backend_decision import is_confirmed
from probe.diagnosis.readings.receiver_judgement import (
    NOT_REQUESTED,
    TOO_BROAD,
    describe_client_ca_restart,
    judge_receiver,
    make_finding,
)
from probe.model.certificate import CertificateFacts, ReceiverFiles
from probe.model.evidence import Evidence, Handshake
from probe.model.finding import Finding
from probe.text.safe_text import safe_text
from probe.text.time_format import format_time

SLACK: Final = 5.0
"""Seconds that a receiver gets to read client_ca_file again: configtls looks once a second, and at
a handshake only."""
_NAMED: Final = 3
_NOT_RELOADING: Final = "backend_not_reloading"


def list_receiver_findings(evidence: Evidence) -> tuple[Finding, ...]:
    """Return the findings of an attempt on a receiver; none of another target."""
    files = evidence.credentials.receiver
    if files is None:
        return ()
    verdict = judge_receiver(files, evidence.at)
    found = [one for one in verdict.faults if one not in files.faults]
    # A cause of its own in the catalogue reports the other one.
    found += [one for one in verdict.remarks if one.cause != TOO_BROAD]
    if evidence.handshake is not None:
        found += _compare_with_handshake(files, evidence, evidence.handshake)
    return tuple(dict.fromkeys(found))


def _compare_with_handshake(
    files: ReceiverFiles, evidence: Evidence, handshake: Handshake
) -> Iterator[Finding]:
    if not handshake.complete and not handshake.client_certificate_requested:
        return
    if not files.client_ca_file:
        if handshake.client_certificate_requested:
            yield _report_other_settings(files, "it asks for a client certificate")
        return
    if not handshake.client_certificate_requested:
        yield _report_enforced_by_nobody(files)
        return
    if is_confirmed(evidence) and not handshake.client_certificate_sent:
        yield _report_enforced_by_nobody(files)
    yield from _compare_cas(files, handshake)


def _report_enforced_by_nobody(files: ReceiverFiles) -> Finding:
    fact = (
        f"{files.where}: client_ca_file is set, yet what listens on {files.listens} takes clients "
        "without a certificate: the Collector runs with another configuration, or something else "
        "listens there"
    )
    return Finding(
        cause=NOT_REQUESTED,
        role="receiver",
        path=files.settings_file,
        fact=safe_text(fact, 600),
        fix=(
            "Restart the Collector, so that it runs with this configuration.",
            f"To see what listens there: ss -ltnp 'sport = :{files.listens.rpartition(':')[2]}'",
        ),
    )


def _report_other_settings(files: ReceiverFiles, what: str) -> Finding:
    fact = (
        f"{files.where}: receiver {files.name} has no client_ca_file, and {what}: the Collector "
        "runs with another configuration"
    )
    return Finding(
        cause=_NOT_RELOADING,
        role="receiver",
        path=files.settings_file,
        fact=safe_text(fact, 600),
        fix=("Restart the Collector, so that it runs with this configuration.",),
    )


def _compare_cas(files: ReceiverFiles, handshake: Handshake) -> Iterator[Finding]:
    """Yield that the running receiver trusts other CAs than client_ca_file now holds."""
    listed, held = handshake.acceptable_cas, files.client_cas
    if files.client_ca_held_for is not None and files.client_ca_held_for < SLACK:
        return
    whole = files.client_ca_count == len(held)
    sent = {name.digest for name in listed}
    there = {one.subject.digest for one in held}
    missing = [one for one in held if one.subject.digest not in sent] if listed else []
    gone = [
        name.text
        for name in listed
        if whole and not files.system_roots and name.digest not in there
    ]
    since = f"since {format_time(files.client_ca_modified)}"
    if listed and (missing or gone):
        fact = f"does not hold what the running receiver trusts, though it is so {since}"
        if missing:
            fact += f": the receiver does not name {_list(_subjects(missing))} yet, whose clients it refuses"
        if gone:
            joint = ", and it" if missing else ": the receiver"
            fact += f"{joint} still trusts {_list(gone)}"
        yield _report_old_cas(files, fact)
        return
    before = files.client_cas_before
    if before and before != held and not files.client_ca_file_reload:
        # The names are the same: only that the file has changed says that a key is another.
        renewed = [one for one in held if one not in before]
        names = _list(_subjects(renewed or held))
        fact = (
            f"was replaced {since}: the receiver, unless it was restarted since, still has the "
            f"CAs of before, and refuses clients of the new {names}"
        )
        yield _report_old_cas(files, fact)


def _report_old_cas(files: ReceiverFiles, fact: str) -> Finding:
    if files.client_ca_file_reload:
        fact += "; client_ca_file_reload is true, so it should have read the file again"
        steps = [
            "Look at the file: a Collector keeps the CAs of before where it cannot read the new ones.",
            f"Restart the Collector of receiver {files.name}.",
        ]
    else:
        fact += "; client_ca_file_reload is not true, so it reads the file at its start only"
        steps = [
            describe_client_ca_restart(files),
            f"Set client_ca_file_reload: true in the tls settings of receiver {files.name}, so that "
            "it reads the file again by itself from then on.",
        ]
    return make_finding("client_ca", files.client_ca_file, fact, *steps, cause=_NOT_RELOADING)


def _subjects(certificates: Sequence[CertificateFacts]) -> list[str]:
    return list(dict.fromkeys(one.subject.text for one in certificates))


def _list(texts: Sequence[str]) -> str:
    names = [safe_text(text, 60) for text in texts[:_NAMED]]
    more = len(texts) - _NAMED
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")
