"""What will break by itself: order, dates, who must act, and what does not count."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec.structs
import pytest

from probe.diagnosis.diagnose import diagnose
from probe.forecast.forecast import SeenTarget, list_unseen, make_forecast
from probe.forecast.renewals import RenewalHistory
from probe.model.certificate import (
    CertificateFacts,
    ReceiverFiles,
    Rotation,
    ServedFile,
)
from probe.model.evidence import Evidence
from tests.support.certificate_facts import (
    AT,
    BACKEND,
    DAY,
    EXPORTER,
    SERVER_CA,
    authority,
    backend,
    exporter,
)
from tests.support.evidence import (
    answered_attempt,
    complete_handshake,
    held_credentials,
    refused_attempt,
    target,
    unconnected_attempt,
)
from tests.support.fleets import FleetTarget, Path, make_fleet

YEAR: Final = 365 * DAY


def see(evidence: Evidence, renewals: RenewalHistory | None = None) -> SeenTarget:
    """Return an attempt with what it means."""
    seen = SeenTarget(evidence, diagnose(evidence))
    return seen if renewals is None else seen._replace(renewals=renewals)


def forecast(evidence: Evidence, horizon: float = YEAR, **fields: Any) -> dict[str, Any]:
    """Return the entries of one attempt by their kind."""
    return {one.kind: one for one in make_forecast([see(evidence, **fields)], AT, horizon)}


def live_through(paths: tuple[Path, ...]) -> Iterator[tuple[float, str]]:
    """Yield when an exporter that verifies `paths` stops, and over which certificate.

    Time goes on from one end to the next. What has stopped it is renewed at once, for good; what
    ended without any harm stays as it is.
    """
    every = {one.sha256: one for path in paths for one in path}
    renewed: set[str] = set()
    ended: set[str] = set()
    for one in sorted(every.values(), key=lambda each: each.not_after):
        ended.add(one.sha256)
        if not any({each.sha256 for each in path}.isdisjoint(ended) for path in paths):
            yield one.not_after, one.sha256
            ended.discard(one.sha256)
            renewed.add(one.sha256)


def foresee(fleet: list[FleetTarget]) -> set[tuple[float, str, str]]:
    """Return when each target of a fleet stops, over which certificate, by living through it."""
    found = set()
    for each in fleet:
        name = each.seen.evidence.target.name
        found |= {(at, sha256, name) for at, sha256 in live_through(each.server_paths)}
        found |= {(one.not_after, one.sha256, name) for one in each.client_needs}
        if each.silence:
            found.add((each.silence, "", name))
    return found


@pytest.mark.parametrize("days", [30, 90, 1000])
def test_50_generated_fleets_break_in_the_order_and_at_the_moments_foreseen(days: int) -> None:
    """Left-over certificates and ends behind the horizon do not belong to it."""
    for seed in range(50):
        fleet = make_fleet(seed)
        entries = make_forecast((each.seen for each in fleet), AT, days * DAY)
        got = [(one.at, one.sha256, name) for one in entries for name in one.targets]
        wanted = {one for one in foresee(fleet) if one[0] <= AT + days * DAY}
        assert len(got) == len(set(got)), seed
        assert set(got) == wanted, seed
        moments = [one.at for one in entries if one.at is not None]
        assert moments == sorted(moments), seed
        assert len({one.uid for one in entries}) == len(entries), seed


def test_each_certificate_says_whose_it_is_and_who_must_act() -> None:
    """File or backend, place, subject, issuer, and the steps that renew it."""
    found = forecast(answered_attempt(), 2000 * DAY)
    client, server, anchor, above = (
        found[kind]
        for kind in ("client_certificate", "server_certificate", "trust_anchor", "client_ca")
    )
    assert (client.party, client.where, client.position) == ("exporter", "/etc/otel/tls.crt", 0)
    assert (client.subject, client.issuer) == ("CN=checkout", "CN=Exporter client CA")
    assert (server.party, server.where) == ("backend", "collector.example.com:4317")
    assert (anchor.party, anchor.where, anchor.position) == ("exporter", "/etc/otel/ca.crt", 1)
    assert (above.party, above.where) == ("backend", "/etc/otel/issuer-1.pem")
    assert client.sure == "certain"
    assert above.sure == "likely"
    assert all(one.fix and one.why for one in found.values())


def test_a_client_certificate_that_nobody_asks_for_may_end_without_harm() -> None:
    """It is listed all the same, and as possible only."""
    handshake = complete_handshake(
        client_certificate_requested=False, client_certificate_sent=False
    )
    found = forecast(answered_attempt(handshake=handshake))
    assert found["client_certificate"].sure == "possible"
    assert "did not ask" in found["client_certificate"].why


def test_an_exporter_that_verifies_nothing_does_not_stop_with_the_backends_certificate() -> None:
    """With insecure_skip_verify only its own certificate counts."""
    evidence = answered_attempt(target=target(insecure_skip_verify=True))
    assert set(forecast(evidence, 2000 * DAY)) == {"client_certificate", "client_ca"}


@pytest.mark.parametrize(("exporter_id", "counts"), [("collector", True), ("rust-tonic", False)])
def test_an_anchors_end_counts_for_exporters_that_look_at_it(
    exporter_id: str, counts: bool
) -> None:
    """Webpki and PKIX trust an anchor beyond its dates; Go and OpenSSL do not."""
    found = forecast(answered_attempt(target=target(exporter=exporter_id)), 2000 * DAY)
    assert ("trust_anchor" in found) is counts


def test_what_has_ended_already_comes_first() -> None:
    """A backend that takes an expired certificate may stop doing so at its next restart."""
    old = exporter(ends=-3)
    evidence = answered_attempt(credentials=held_credentials(old))
    first, *_ = make_forecast([see(evidence)], AT, YEAR)
    assert first.kind == "client_certificate"
    assert first.at == old.not_after


def renew(times: int, every: float, last: float) -> tuple[RenewalHistory, CertificateFacts]:
    """Return the history of a client certificate renewed `times` times, the last `last` days ago."""
    history = RenewalHistory()
    newest = EXPORTER
    for number in range(times, -1, -1):
        begins = -last - number * every
        newest = exporter(begins=begins, ends=begins + every * 1.5)
        history.note(answered_attempt(credentials=held_credentials(newest)))
    return history, newest


def test_a_missed_renewal_is_late() -> None:
    """As long as nothing has ended yet, it is the first sign."""
    history, newest = renew(4, every=1, last=1.125)
    found = forecast(answered_attempt(credentials=held_credentials(newest)), renewals=history)
    late = found["renewal_late"]
    assert late.why == "it is renewed every 1 day, and is 3 hours late"
    assert late.at == newest.not_after
    assert "client_certificate" not in found


def test_what_is_renewed_in_time_needs_nobody() -> None:
    """It breaks only if its renewals stop."""
    history, newest = renew(4, every=1, last=0.5)
    found = forecast(answered_attempt(credentials=held_credentials(newest)), renewals=history)
    entry = found["client_certificate"]
    assert not entry.counts
    assert entry.why == "it is renewed every 1 day; the next time is due in 12 hours"


def test_one_renewal_or_uneven_ones_are_no_habit() -> None:
    """Then only the certificate's own end is known."""
    history, newest = renew(1, every=1, last=1.2)
    assert history.find_habit(newest) is None
    uneven = RenewalHistory()
    for begins in (-10, -9, -2, -1):
        newest = exporter(begins=begins, ends=5)
        uneven.note(answered_attempt(credentials=held_credentials(newest)))
    assert uneven.find_habit(newest) is None


def test_certificates_that_alternate_are_no_renewals() -> None:
    """Two backends behind one name each have their own, and an older one does not count."""
    history = RenewalHistory()
    first, second = backend(begins=-2), backend(begins=-1)
    for _ in range(20):
        for served in (first, second):
            handshake = complete_handshake(server_chain=(served,))
            history.note(answered_attempt(handshake=handshake))
    assert history.find_habit(second) is None


def test_an_exporter_that_reads_once_stops_with_the_files_of_its_start() -> None:
    """Not with those on disk, which are newer."""
    old = exporter(ends=4)
    held = held_credentials(
        EXPORTER,
        rotated=(Rotation(role="cert", path="/etc/otel/tls.crt", at=AT - DAY, before=(old,)),),
    )
    evidence = answered_attempt(target=target(read_once=("cert", "ca")), credentials=held)
    entry = forecast(evidence)["exporter_not_reloading"]
    assert (entry.at, entry.party, entry.sha256) == (old.not_after, "exporter", old.sha256)
    assert entry.fix
    assert "exporter_not_reloading" not in forecast(answered_attempt(credentials=held))


def test_an_old_ca_file_ends_with_the_anchor_that_the_backends_chain_needs() -> None:
    """Others of that file end without harm; without one of them, the moment is not known."""
    old = msgspec.structs.replace(SERVER_CA, not_after=AT + 9 * DAY, sha256="old")
    other = authority("Another", ends=1)
    for before, ends in (((other, old), old.not_after), ((other,), None)):
        rotation = Rotation(role="ca", path="/etc/otel/ca.crt", at=AT - DAY, before=before)
        evidence = answered_attempt(
            target=target(read_once=("ca",)),
            credentials=held_credentials(EXPORTER, rotated=(rotation,)),
        )
        assert forecast(evidence)["exporter_not_reloading"].at == ends


def test_a_process_older_than_its_files_breaks_at_a_time_that_is_not_known() -> None:
    """Nobody sees what it read; that comes before everything else."""
    evidence = answered_attempt(
        target=target(read_once=("cert",), started=AT - 50 * DAY, runs_in="process 7 (java)"),
        credentials=held_credentials(EXPORTER, cert_modified=AT - DAY),
    )
    first, *_ = make_forecast([see(evidence)], AT, DAY)
    assert (first.kind, first.at, first.counts) == ("exporter_not_reloading", None, True)


def test_a_backend_that_has_not_read_its_renewed_file_stops_with_the_old_one() -> None:
    """The backend's side must reload, not renew."""
    served, renewed = backend(begins=-90, ends=5), backend(begins=-2, ends=90)
    held = held_credentials(
        EXPORTER,
        served=ServedFile(
            path="/etc/col/tls.crt", modified=AT - DAY, held_for=DAY, chain=(renewed,)
        ),
    )
    evidence = answered_attempt(
        credentials=held, handshake=complete_handshake(server_chain=(served,))
    )
    found = forecast(evidence)
    entry = found["backend_not_reloading"]
    assert (entry.at, entry.where, entry.party) == (served.not_after, "/etc/col/tls.crt", "backend")
    assert "server_certificate" not in found


def test_a_silence_ends() -> None:
    """Where the target fails with its cause, something breaks then; else it only may."""
    settings = target(expect_cause="client_ca_untrusted", expect_until=AT + 3 * DAY)
    failing = refused_attempt(48, EXPORTER, target=settings, listed=(authority("Other"),))
    assert diagnose(failing).cause == "client_ca_untrusted"
    assert forecast(failing)["silence"].sure == "certain"
    found = forecast(answered_attempt(target=settings))["silence"]
    assert (found.at, found.sure) == (AT + 3 * DAY, "possible")


def test_a_stapled_answer_is_replaced_by_itself() -> None:
    """It is shown, and nobody must act."""
    found = forecast(answered_attempt(handshake=complete_handshake(staple_until=AT + 5 * DAY)))
    assert (found["staple"].at, found["staple"].counts) == (AT + 5 * DAY, False)


def test_a_receivers_files_count_where_the_handshake_did_not_show_them() -> None:
    """Of two client CAs of one name the one that lasts longest is used."""
    old, new = authority("Clients", ends=5), authority("Clients", ends=50)
    files = ReceiverFiles(
        name="otlp (grpc)",
        cert_file="/etc/col/tls.crt",
        client_ca_file="/etc/col/ca.crt",
        chain=(BACKEND,),
        client_cas=(old, new),
    )
    evidence = answered_attempt(credentials=held_credentials(EXPORTER, receiver=files))
    found = forecast(evidence)
    assert found["receiver_client_ca"].at == new.not_after
    assert "receiver_certificate" not in found


def test_what_several_targets_share_is_there_once() -> None:
    """With all their names."""
    seen = [see(answered_attempt(target=target(name=name))) for name in ("a", "b", "c")]
    entries = make_forecast(seen, AT, YEAR)
    assert {one.targets for one in entries} == {("a", "b", "c")}


def test_a_target_whose_certificates_were_not_seen_is_named() -> None:
    """A forecast that knows nothing of it must not look as if nothing were to come."""
    unseen = list(list_unseen([see(unconnected_attempt("refused", "ECONNREFUSED"))]))
    assert unseen == [
        ("collector-eu", "its backend's certificate was not seen: it ended at connect: refused ECONNREFUSED")
    ]  # fmt: skip
    assert list(list_unseen([see(answered_attempt())])) == []
    assert not list(
        list_unseen([see(unconnected_attempt("refused", target=target(plaintext=True)))])
    )


def test_the_name_of_a_thing_stays_when_it_is_renewed() -> None:
    """A calendar then moves the event, instead of showing two."""
    before, after = exporter(ends=10), exporter(begins=-1, ends=80)
    first, second = (
        forecast(answered_attempt(credentials=held_credentials(one)))["client_certificate"]
        for one in (before, after)
    )
    assert first.uid == second.uid
    assert first.at != second.at
