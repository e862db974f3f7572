"""Every cause is staged in the lab with real servers, or the reason why not is here."""

import ast
import re
from pathlib import Path
from typing import Final

from probe.diagnosis.catalogue import CATALOGUE
from tests.contract.imports import ROOT
from tests.lab import scenarios
from tests.lab.scenario import SCENARIOS
from tests.support.every_row import every_row

assert scenarios.__all__

STAGED: Final = frozenset(cause for scenario in SCENARIOS.values() for cause in scenario.truth)

ELSEWHERE: Final = {
    "receiver_file_unusable": "test_receivers.py::test_a_file_with_which_it_does_not_start",
    "client_ca_too_broad": "test_receivers.py::test_a_bundle_of_public_cas",
    "client_hello_too_large": "test_large_client_hello.py::test_the_size_of_the_hello_is_named",
    "client_cert_by_renegotiation": (
        "test_renegotiation.py::test_an_exporter_of_go_does_not_renegotiate"
    ),
    "client_cert_rejected": "test_stacks.py::test_the_true_cause_is_named",
    "server_cert_revoked": "test_backends.py::test_a_stapled_answer_is_read",
    "server_name_unrecognized": "test_answers.py::test_a_name_that_is_not_served",
    "server_cert_unreadable": (
        "test_unreadable_certificates.py::test_a_certificate_that_go_does_not_read"
    ),
    "server_cert_weak": "test_go_backend.py::test_a_server_with_a_weak_certificate",
    "client_san_rejected": "test_answers.py::test_a_policy_on_client_names_above_tls",
    "no_shared_signature_algorithm": (
        "test_backends.py::test_a_backend_that_takes_no_signatures_of_our_key"
    ),
    "handshake_rejected": "test_backends.py::test_a_backend_that_shares_no_signature_algorithm",
    "alpn_mismatch": "test_backends.py::test_a_server_without_h2_is_an_alpn_mismatch",
    "not_tls": "test_backends.py::test_peers_without_tls_are_named",
    "otlp_protocol_mismatch": "test_collector.py::test_swapped_ports_are_a_protocol_mismatch",
    "backend_fault": "test_answers.py::test_a_backend_that_cannot_read_its_own_certificate",
    "tls_off": "test_plaintext_to_tls.py::test_a_tls_port_that_is_sent_plaintext",
    "dns_failure": "test_answers.py::test_a_name_that_does_not_resolve",
    "tcp_refused": "test_backends.py::test_nothing_listens",
    "tcp_timeout": "test_backends.py::test_an_address_that_does_not_answer",
    "connection_reset": "test_backends.py::test_peers_without_tls_are_named",
    "connection_closed": "test_backends.py::test_peers_without_tls_are_named",
    "tls_timeout": "test_backends.py::test_peers_without_tls_are_named",
    "backend_not_reloading": (
        "test_rotation.py::test_a_collector_that_does_not_read_its_certificate_again"
    ),
    "addresses_left_out": "test_replicas.py::test_more_addresses_than_are_probed",
    "backend_changed": "test_changes.py::test_a_list_that_lost_another_teams_ca",
    "addresses_differ": "test_replicas.py::test_a_first_address_that_stands_for_all",
    "client_cert_not_requested": (
        "test_open_backends.py::test_a_receiver_with_its_client_cas_in_the_wrong_key"
    ),
    "exporter_not_reloading": "test_rotation.py::test_an_sdk_that_was_not_restarted",
    "network_not_entered": (
        "test_process_networks.py::test_a_network_that_may_not_be_entered_is_a_finding"
    ),
    "proxy_failure": "test_answers.py::test_a_server_that_is_not_a_proxy_opens_no_tunnel",
    "otlp_permission_denied": ("test_answers.py::test_a_refused_token_with_a_good_certificate"),
    **dict.fromkeys(
        (
            "otlp_unauthenticated",
            "otlp_not_served",
            "otlp_throttled",
            "otlp_unavailable",
            "otlp_rejected",
            "otlp_storage_failure",
        ),
        "test_answers.py::test_an_answer_without_success_has_its_cause",
    ),
}
"""Causes that do not depend on the backend's TLS stack: which test of tests/lab shows each."""

UNSTAGED: Final = {
    "client_file_permission": "root, as which the lab runs in containers, reads every file; "
    "tests/unit/credentials/test_load.py::test_forbidden_files has it without that right",
    "server_ca_file_permission": "the same",
    "network_unreachable": "a route can be taken away only from a whole network namespace",
    "exporter_setting_ignored": "a reading of the exporter's settings; "
    "tests/unit/config/sources/sdk/test_traps.py and "
    "tests/unit/config/sources/collector/test_read_collector_traps.py have each trap",
    "exporter_configuration_invalid": "a reading of the exporter's settings, with which no "
    "connection is made; tests/unit/config/test_target_list.py has such settings",
    "unexplained": "by definition no known backend brings it",
    "probe_fault": "a bug of the probe's, which no backend may be able to cause",
}


@every_row(id_=CATALOGUE)
def test_every_cause_is_staged_or_the_reason_stands(id_: str) -> None:
    """Exactly one of the three: a scenario for every stack, a test of the lab, a reason."""
    assert (id_ in STAGED) + (id_ in ELSEWHERE) + (id_ in UNSTAGED) == 1


@every_row(id_=ELSEWHERE)
def test_the_test_that_shows_it_is_there_and_names_it(id_: str) -> None:
    """A renamed test would leave a cause unshown."""
    file, _, name = ELSEWHERE[id_].partition("::")
    source = read_test(Path("tests/lab", file), name)
    if file != "test_stacks.py":
        assert f'"{id_}"' in source


@every_row(id_=UNSTAGED)
def test_a_reason_names_only_tests_that_are_there(id_: str) -> None:
    """A reason may say which tests have the cause without a server."""
    for file, name in re.findall(r"(tests/[\w/]+\.py)(?:::(\w+))?", UNSTAGED[id_]):
        assert f'"{id_}"' in read_test(Path(file), name)


def read_test(file: Path, name: str) -> str:
    """Return the source of a file of tests, which has the test `name` where one is given."""
    source = (ROOT / file).read_text(encoding="utf-8")
    functions = {
        node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)
    }
    assert not name or name in functions
    return source


@every_row(scenario=SCENARIOS.values())
def test_a_scenario_says_in_words_what_is_wrong(scenario: object) -> None:
    """One sentence that a reader of the report understands without the code."""
    says = scenario.says  # type: ignore[attr-defined]
    assert says.strip().endswith(".")
    assert len(says.split()) >= 5
