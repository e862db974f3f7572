"""The catalogue of causes is the contract: its ids, families, numbers, and evidence for each."""

import sys
from typing import Final, get_args

import msgspec.structs
import pytest

from probe.diagnosis.catalogue import CATALOGUE, Catalogue
from probe.diagnosis.cause import Cause, Family, Match, Rank, Severity, Strength
from probe.model.diagnosis import Party
from probe.model.evidence import EndingKind
from tests.contract.imports import ROOT
from tests.stories.all_stories import STORIES
from tests.support.causes import build_cause
from tests.support.every_row import every_row

CONTRACT: Final[dict[str, tuple[Family, int]]] = {
    "client_ca_untrusted": ("backend_ca_trust", 1),
    "client_cert_not_sent": ("client_identity", 2),
    "client_cert_key_mismatch": ("client_identity", 2),
    "client_cert_wrong_usage": ("client_identity", 2),
    "client_cert_rejected": ("client_identity", 2),
    "client_cert_revoked": ("client_identity", 2),
    "client_cert_weak": ("client_identity", 2),
    "client_cert_expired": ("client_expiry", 3),
    "server_name_mismatch": ("san_mismatch", 4),
    "client_san_rejected": ("san_mismatch", 4),
    "server_name_unrecognized": ("san_mismatch", 4),
    "client_file_missing": ("file_format", 5),
    "client_file_permission": ("file_format", 5),
    "client_file_malformed": ("file_format", 5),
    "client_key_encrypted": ("file_format", 5),
    "server_ca_file_missing": ("file_format", 5),
    "server_ca_file_permission": ("file_format", 5),
    "server_ca_file_malformed": ("file_format", 5),
    "exporter_configuration_invalid": ("file_format", 0),
    "client_chain_incomplete": ("file_format", 5),
    "client_chain_misordered": ("file_format", 5),
    "clock_skew": ("clock_skew", 6),
    "client_cert_not_yet_valid": ("clock_skew", 6),
    "server_cert_not_yet_valid": ("clock_skew", 6),
    "server_ca_untrusted": ("server_identity", 0),
    "server_chain_incomplete": ("server_identity", 0),
    "server_cert_expired": ("server_identity", 0),
    "server_cert_wrong_usage": ("server_identity", 0),
    "server_cert_weak": ("server_identity", 0),
    "server_chain_invalid": ("server_identity", 0),
    "server_cert_unreadable": ("server_identity", 0),
    "server_cert_revoked": ("server_identity", 0),
    "client_hello_too_large": ("negotiation", 0),
    "client_cert_by_renegotiation": ("negotiation", 0),
    "no_shared_cipher": ("negotiation", 0),
    "protocol_version_mismatch": ("negotiation", 0),
    "no_shared_group": ("negotiation", 0),
    "no_shared_signature_algorithm": ("negotiation", 0),
    "alpn_mismatch": ("negotiation", 0),
    "handshake_rejected": ("negotiation", 0),
    "not_tls": ("negotiation", 0),
    "otlp_protocol_mismatch": ("negotiation", 0),
    "backend_fault": ("negotiation", 0),
    "tls_off": ("negotiation", 0),
    "exporter_setting_ignored": ("negotiation", 0),
    "dns_failure": ("network", 0),
    "tcp_refused": ("network", 0),
    "tcp_timeout": ("network", 0),
    "network_unreachable": ("network", 0),
    "connection_reset": ("network", 0),
    "connection_closed": ("network", 0),
    "tls_timeout": ("network", 0),
    "network_not_entered": ("network", 0),
    "proxy_failure": ("network", 0),
    "otlp_unauthenticated": ("otlp", 0),
    "otlp_permission_denied": ("otlp", 0),
    "otlp_not_served": ("otlp", 0),
    "otlp_throttled": ("otlp", 0),
    "otlp_unavailable": ("otlp", 0),
    "otlp_rejected": ("otlp", 0),
    "otlp_storage_failure": ("otlp", 0),
    "exporter_not_reloading": ("client_expiry", 0),
    "backend_not_reloading": ("server_identity", 0),
    "unexplained": ("internal", 0),
    "probe_fault": ("internal", 0),
}
"""Released ids, which never change or go: metric labels, URLs and alerting rules rest on them.

A new cause joins with the release that brings it.
"""

KINDS: Final[tuple[EndingKind, ...]] = get_args(EndingKind)


def test_ids_families_and_documented_causes_are_the_contract() -> None:
    """Names that dashboards and alerting rules elsewhere join on neither change nor disappear."""
    found = {id_: (cause.family, cause.documented_cause) for id_, cause in CATALOGUE.items()}

    assert {id_: found.get(id_) for id_ in CONTRACT} == CONTRACT


@every_row(cause=CATALOGUE.values())
def test_every_cause_has_a_story(cause: Cause) -> None:
    """A cause that no evidence ever produced is an idea: it is primary once, or always a finding."""
    own = [story.expected for story in STORIES if story.name.partition("--")[0] == cause.id]

    assert own, f"no story is named {cause.id}"
    if cause.finding_only:
        assert all(expected.cause != cause.id for expected in own)
        assert all(cause.id in (*expected.also, *expected.findings) for expected in own)
    else:
        assert any(expected.cause == cause.id for expected in own)


def test_each_story_is_named_after_what_it_shows() -> None:
    """A story is named after a cause that its diagnosis names, or after the other outcomes."""
    astray = [
        story.name
        for story in STORIES
        if (named := story.name.partition("--")[0]) not in {"confirmed", "unconfirmed"}
        and named not in (story.expected.cause, *story.expected.also, *story.expected.findings)
    ]

    assert astray == []


@every_row(cause=CATALOGUE.values())
def test_a_cause_names_only_what_exists(cause: Cause) -> None:
    """Party, severity and `explained_by` have known values."""
    assert cause.family in get_args(Family)
    assert cause.party in get_args(Party)
    assert cause.severity in get_args(Severity)
    assert set(cause.explained_by) <= CATALOGUE.keys() - {cause.id}
    assert cause.applies <= set(KINDS)
    assert cause.applies or cause.id == "unexplained"


def test_no_cause_explains_itself_away_in_a_circle() -> None:
    """Two causes that explain each other would leave none to be primary."""
    for id_ in CATALOGUE:
        seen = {id_}
        above = set(CATALOGUE[id_].explained_by)
        while above:
            assert id_ not in above
            seen |= above
            above = {by for one in above for by in CATALOGUE[one].explained_by} - seen


def test_an_ending_asks_exactly_the_causes_that_apply_to_it() -> None:
    """The match functions that run are exactly those of the causes that apply."""
    for kind in KINDS:
        applying = [cause for cause in CATALOGUE.values() if kind in cause.applies]
        assert list(CATALOGUE.select_by_ending(kind)) == applying


@every_row(cause=CATALOGUE.values())
def test_a_match_function_is_total(cause: Cause) -> None:
    """No evidence makes it raise, not even with an ending that it was not written for.

    What it names as possible exists, and its facts are there and one line each.
    """
    for story in STORIES:
        for kind in KINDS:
            ending = msgspec.structs.replace(story.evidence.ending, kind=kind)
            match = cause.match(msgspec.structs.replace(story.evidence, ending=ending))
            if match is not None:
                _check(cause, match)


def test_causes_of_one_rank_stand_in_one_module() -> None:
    """Their order is that of its CAUSES; two modules have no order."""
    modules: dict[Rank, set[str]] = {}
    for name, module in sys.modules.items():
        if name.startswith("probe.diagnosis.families."):
            for cause in module.CAUSES:
                modules.setdefault(cause.rank, set()).add(name)

    assert {rank: names for rank, names in modules.items() if len(names) > 1} == {}


def test_no_cause_is_a_skeleton() -> None:
    """`make new-cause` leaves a TODO wherever something has to be filled in."""
    unfinished = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in ("probe/diagnosis/families", "tests/stories", "tests/lab/scenarios")
        for path in sorted((ROOT / folder).glob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if "TODO" in line
    ]

    assert unfinished == []


def test_two_causes_cannot_have_one_id() -> None:
    """The second would replace the first in every label and page."""
    with pytest.raises(ValueError, match="same id"):
        Catalogue([build_cause(), build_cause()])


def _check(cause: Cause, match: Match) -> None:
    assert isinstance(match.strength, Strength)
    assert match.strength is Strength.FINDING or not cause.finding_only
    assert match.facts
    assert all("\n" not in fact for fact in match.facts)
    assert set(match.possible) <= CATALOGUE.keys()
