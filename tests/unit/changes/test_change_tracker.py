"""What changed before a failure is named, exactly that, and what alternates is not a change."""

import random
import sys
from collections.abc import Sequence
from typing import Any, Final

import msgspec.structs
import pytest

from probe.changes.change_tracker import (
    REPORTED_FOR,
    SETTLED,
    ChangeTracker,
    SettingsVersion,
    compare_attempts,
)
from probe.model.change import OF_THE_BACKEND, WHATS, Change
from probe.model.evidence import Evidence, Experiment
from probe.model.finding import Finding
from tests.support.certificate_facts import (
    AT,
    BACKEND,
    CLIENT_CA,
    EXPORTER,
    OTHER_CA,
    authority,
    backend,
    exporter,
    name,
)
from tests.support.evidence import (
    TAKEN,
    alert,
    answered_attempt,
    attempt,
    clock_offset,
    complete_handshake,
    held_credentials,
    partial_handshake,
    refused_attempt,
    target,
    unconnected_attempt,
    unstarted_attempt,
)

STEP: Final = 30.0
"""Seconds between two attempts."""
GOOD: Final = answered_attempt(
    answer=msgspec.structs.replace(TAKEN, server="collector"),
    clock=clock_offset(0),
    target=target(started=AT - 1000),
)
RENEWED: Final = backend(OTHER_CA)
BOTH: Final = (CLIENT_CA, OTHER_CA)


def shaken(evidence: Evidence = GOOD, **fields: Any) -> Evidence:
    """Return `evidence` with another handshake."""
    shake = msgspec.structs.replace(evidence.handshake, **fields)
    return msgspec.structs.replace(evidence, handshake=shake)


def follow(
    attempts: Sequence[tuple[Evidence, bool]], tracker: ChangeTracker | None = None
) -> list[tuple[Change, ...]]:
    """Return what each attempt found changed; each comes `STEP` seconds after the one before."""
    tracker = tracker or ChangeTracker()
    return [
        tracker.observe(msgspec.structs.replace(one, at=AT + STEP * number), good=good)
        for number, (one, good) in enumerate(attempts)
    ]


def whats(changes: Sequence[Change]) -> list[str]:
    """Return what changed."""
    return [change.what for change in changes]


def refused(**fields: Any) -> Evidence:
    """Return a refusal of what `GOOD` presents to the same backend, but for `fields`."""
    known = {"target": GOOD.target, "answer": None, "clock": GOOD.clock}
    return refused_attempt(48, EXPORTER, **known | fields)


CHANGES: Final[dict[str, tuple[str, Evidence]]] = {
    "the list of CAs lost one": ("acceptable_cas", refused(listed=(OTHER_CA,))),
    "the server's certificate is another": (
        "server_chain",
        attempt(
            "handshake",
            "unverified",
            target=GOOD.target,
            handshake=complete_handshake(server_chain=(RENEWED,), server_verified=False),
        ),
    ),
    "the name has another address": (
        "addresses",
        unconnected_attempt(
            "refused", "ECONNREFUSED", target=GOOD.target, addresses=("192.0.2.9",)
        ),
    ),
    "the name is gone": (
        "addresses",
        attempt("resolve", "dns", target=GOOD.target, addresses=(), detail="EAI_NONAME"),
    ),
    "the client's file is another": (
        "client_certificate",
        refused(credentials=held_credentials(exporter(OTHER_CA))),
    ),
    "the client's file is broken": (
        "client_certificate",
        unstarted_attempt(
            Finding(cause="client_file_malformed", fact="…", role="cert"), target=GOOD.target
        ),
    ),
    "the CA file is another": (
        "ca_file",
        refused(credentials=held_credentials(EXPORTER, ca_bundle=(OTHER_CA,))),
    ),
    "the clock was set": ("clock_offset", refused(clock=clock_offset(3))),
    "the exporter was restarted": ("exporter_start", refused(target=target(started=AT + 10))),
    "a proxy was set": (
        "proxy",
        refused(target=target(started=AT - 1000, proxy="http://proxy:3128")),
    ),
    "a suite was removed": (
        "cipher",
        attempt(
            "handshake",
            "alert",
            target=GOOD.target,
            handshake=partial_handshake(alert(40)),
            experiments=(
                Experiment(
                    varied="every_cipher",
                    at=AT,
                    ending=GOOD.ending,
                    handshake=complete_handshake(cipher="TLS_CHACHA20_POLY1305_SHA256"),
                ),
            ),
        ),
    ),
    "the application protocol is another": (
        "alpn",
        attempt(
            "handshake", "alpn", target=GOOD.target, handshake=complete_handshake(alpn="http/1.1")
        ),
    ),
    "a proxy answers in its place": (
        "server_software",
        answered_attempt(
            answer=msgspec.structs.replace(TAKEN, server="nginx", http_status=503),
            target=GOOD.target,
        ),
    ),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_failure_names_exactly_what_changed(case: str) -> None:
    """And goes on naming it, with the time at which it was first seen, until it recovers."""
    what, failed = CHANGES[case]
    *_, first, second = follow([(GOOD, True)] * 5 + [(failed, False)] * 2)
    assert whats(first) == [what]
    assert first == second
    assert (first[0].last_before, first[0].at) == (AT + 4 * STEP, AT + 5 * STEP)
    assert first[0].before != first[0].after


@pytest.mark.parametrize("case", CHANGES)
def test_a_recovery_names_what_came_back(case: str) -> None:
    """What was another way in the failure, and nothing after that."""
    what, failed = CHANGES[case]
    *_, recovered, later = follow([(GOOD, True)] * 5 + [(failed, False)] * 40 + [(GOOD, True)] * 2)
    assert whats(recovered) == [what]
    assert recovered[0].at == AT + 45 * STEP
    assert later == ()


def test_a_failure_without_a_change_names_none() -> None:
    """The same files, the same list, the same chain: something else is the matter."""
    assert follow([(GOOD, True)] * 3 + [(refused(), False)] * 3) == [()] * 6


def test_a_target_that_never_worked_has_nothing_to_compare_with() -> None:
    """Until it works: then what differs from the failure is named."""
    failed = refused(credentials=held_credentials(exporter(OTHER_CA)))
    *before, recovered = follow([(failed, False)] * 3 + [(GOOD, True)])
    assert before == [()] * 3
    assert whats(recovered) == ["client_certificate"]


def test_a_change_that_an_attempt_survived_is_not_named_at_a_failure() -> None:
    """The new file had worked: it is not what the next failure came with."""
    renewed = msgspec.structs.replace(GOOD, credentials=held_credentials(exporter(not_after=9)))
    failed = msgspec.structs.replace(renewed, ending=refused().ending, answer=None)
    assert follow([(GOOD, True)] * 3 + [(renewed, True), (failed, False)])[-2:] == [(), ()]


def test_a_reload_is_named_with_its_keys() -> None:
    """And with the time of the reload, not that of the attempt after it."""
    tracker = ChangeTracker()
    follow([(GOOD, True)] * 3, tracker)
    tracker.settings, tracker.settings_at = SettingsVersion(1, ("tls.ca_file",)), AT + 77
    (found,) = tracker.observe(msgspec.structs.replace(refused(), at=AT + 100), good=False)
    assert (found.what, found.after, found.at) == ("configuration", ("tls.ca_file",), AT + 77)


def test_a_reload_that_attempts_survived_is_not_named() -> None:
    """Attempts went well with the new settings: the failure after them came with something else."""
    tracker = ChangeTracker()
    follow([(GOOD, True)] * 3, tracker)
    tracker.settings, tracker.settings_at = SettingsVersion(1, ("timeout",)), AT + 77
    assert follow([(GOOD, True)] * 3 + [(refused(), False)], tracker)[-1] == ()


@pytest.mark.parametrize("count", [5, 33, 200])
@pytest.mark.parametrize("place", [0, 4, -1])
def test_of_a_long_list_exactly_what_differs_is_named(count: int, place: int) -> None:
    """However many CAs, addresses and certificates there are, and wherever one is missing."""
    authorities = tuple(authority(f"CA {number:03}") for number in range(count))
    names = tuple(one.subject for one in authorities)
    addresses = tuple(f"192.0.2.{number}" for number in range(count))

    def make(evidence: Evidence, left_out: int) -> Evidence:
        def leave(all_of_them: tuple[Any, ...]) -> tuple[Any, ...]:
            gone = all_of_them[left_out]
            return tuple(one for one in all_of_them if one is not gone)

        held = msgspec.structs.replace(evidence.credentials, ca_bundle=leave(authorities))
        return msgspec.structs.replace(
            shaken(evidence, acceptable_cas=leave(names)),
            credentials=held,
            addresses=leave(addresses),
        )

    *_, found = follow([(make(GOOD, 1), True), (make(refused(), place), False)])
    assert whats(found) == ["addresses", "acceptable_cas", "ca_file"]
    assert [len(each.added) for each in found] == [len(each.removed) for each in found] == [1, 1, 1]
    assert found[1].removed == (names[place].text,)
    assert all(len(each.before) <= 32 for each in found)


def test_what_another_version_recorded_of_a_certificate_is_no_change() -> None:
    """`check --since`: a certificate is the same one, however much is known of it."""
    known = msgspec.structs.replace(GOOD, at=AT + STEP)
    less = msgspec.structs.replace(BACKEND, common_name="", key_type="")
    before = shaken(GOOD, server_chain=(less,))
    assert compare_attempts(before, shaken(known, server_chain=(BACKEND,))) == ()
    another = msgspec.structs.replace(BACKEND, sha256="of another")
    (change,) = compare_attempts(before, shaken(known, server_chain=(another,)))
    assert change.what == "server_chain"


def alternate(kind: str, number: int, choose: random.Random) -> bool:
    """Return which of two replicas answers."""
    return bool(number % 2) if kind == "in turn" else choose.random() < 0.5


@pytest.mark.parametrize("kind", ["in turn", "by chance"])
def test_replicas_behind_one_address_are_no_change(kind: str) -> None:
    """A thousand attempts at two that differ in everything a backend decides."""
    other = msgspec.structs.replace(
        shaken(
            server_chain=(RENEWED,),
            acceptable_cas=(OTHER_CA.subject,),
            cipher="TLS_AES_256_GCM_SHA384",
            group="secp256r1",
        ),
        answer=msgspec.structs.replace(TAKEN, server="nginx"),
        addresses=("192.0.2.11",),
    )
    choose, tracker = random.Random(19), ChangeTracker()
    attempts = [(other if alternate(kind, n, choose) else GOOD, True) for n in range(1000)]
    assert set(follow(attempts, tracker)) == {()}
    assert tracker.at_backend == {}


def test_a_replica_that_fails_is_named_once_and_then_known() -> None:
    """The first failure differs from what worked; every other attempt after it does not."""
    bad = refused(listed=(OTHER_CA,))
    found = follow([(GOOD, True)] * 3 + [(bad, False), (GOOD, True)] * 50)
    assert whats(found[3]) == ["acceptable_cas"]
    assert all(changes == () for changes in found[5:])


def test_what_stays_is_reported_before_it_hurts() -> None:
    """For a day, once it has stayed for long enough."""
    both = shaken(acceptable_cas=tuple(ca.subject for ca in BOTH))
    tracker = ChangeTracker()
    found = follow([(both, True)] * 3 + [(GOOD, True)] * (SETTLED + 2), tracker)
    assert found[: SETTLED + 2] == [()] * (SETTLED + 2)
    (change,) = found[-1]
    assert (change.what, change.removed, change.added) == (
        "acceptable_cas",
        ("CN=Another team's CA",),
        (),
    )
    assert change.at == AT + 3 * STEP == tracker.at_backend["acceptable_cas"]
    late = msgspec.structs.replace(GOOD, at=change.at + REPORTED_FOR)
    assert tracker.observe(late, good=True) == ()


def test_a_rolling_restart_is_a_change() -> None:
    """Old and new replicas alternate for a while; then the new ones remain."""
    rolling = [(GOOD, True), (shaken(server_chain=(RENEWED,)), True)] * 4
    stayed = [(shaken(server_chain=(RENEWED,)), True)] * (SETTLED + 1)
    found = follow([(GOOD, True)] * 30 + rolling + stayed)
    assert whats(found[-1]) == ["server_chain"]
    assert found[-1][0].at == AT + 31 * STEP
    assert "issuer" in found[-1][0].parts


def test_a_second_change_is_compared_with_the_first() -> None:
    """What was replaced for good is not what a later failure is compared with."""
    second = backend(CLIENT_CA)
    found = follow(
        [(GOOD, True)] * 3
        + [(shaken(server_chain=(RENEWED,)), True)] * 30
        + [(shaken(refused(), server_chain=(second,)), False)]
    )
    (change,) = found[-1]
    assert "Another team's CA" in change.before[0]


def test_offsets_that_wander_are_no_change() -> None:
    """NTP moves a clock by less than a second; a Date header has whole seconds."""
    wander = [
        (msgspec.structs.replace(GOOD, clock=clock_offset(second / 86400)), True)
        for second in (0, 1, -1, 2, 0.5, -2) * 20
    ]
    assert set(follow(wander)) == {()}


def test_any_order_of_values_keeps_bounds() -> None:
    """Whatever a backend does, a few values of each kind are kept, and nothing raises."""
    choose, tracker = random.Random(7), ChangeTracker()
    for number in range(3000):
        authorities = tuple(name(f"CA {choose.randrange(40)}") for _ in range(choose.randrange(4)))
        one = shaken(
            server_chain=tuple(
                choose.choices((BACKEND, RENEWED, CLIENT_CA), k=choose.randrange(3))
            ),
            acceptable_cas=authorities,
            client_certificate_requested=choose.random() < 0.8,
            complete=choose.random() < 0.8,
            version=choose.choice(("", "1.2", "1.3")),
        )
        one = msgspec.structs.replace(
            one,
            at=AT + number,
            clock=clock_offset(choose.choice((0, 0, 1))),
            addresses=tuple(f"192.0.2.{choose.randrange(5)}" for _ in range(choose.randrange(3))),
        )
        changes = tracker.observe(one, good=choose.random() < 0.6)
        assert len(changes) <= len(WHATS)
    assert all(len(aspect.seen) <= 8 for aspect in tracker._aspects.values())
    assert set(tracker.at_backend) <= OF_THE_BACKEND


def test_a_steady_target_costs_little() -> None:
    """What is kept besides the evidence's own objects is below 1 kB."""
    tracker = ChangeTracker()
    follow([(GOOD, True)] * 100, tracker)
    own = [tracker, tracker._usual, tracker._clock, tracker._failed, tracker._aspects]
    assert sum(map(sys.getsizeof, own)) < 700
