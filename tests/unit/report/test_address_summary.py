"""Several addresses of a name read as what they are: in the table, in JSON, in JUnit."""

import io
import json
from typing import Any
from xml.etree import ElementTree as ET

import msgspec.structs
import pytest

from probe.diagnosis.diagnose import diagnose
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import ConnectTry, Evidence
from probe.report.address_summary import (
    AddressResult,
    build_target_addresses,
    group_rows,
    summarize_addresses,
)
from probe.report.junit import render_junit
from probe.report.result import build_result, encode_results
from probe.report.terminal import print_table
from tests.support.evidence import answered_attempt, attempt, target

Rows = list[tuple[Evidence, Diagnosis]]


def refused(address: str, name: str = "eu") -> tuple[Evidence, Diagnosis]:
    """Return an attempt of one address at which nothing listens."""
    evidence = attempt(
        "connect",
        "refused",
        detail="ECONNREFUSED",
        target=target(name=name, address=address),
        connects=(ConnectTry(address=address, error="ECONNREFUSED"),),
        peer_address="",
    )
    return evidence, diagnose(evidence)


def healthy(address: str, name: str = "eu") -> tuple[Evidence, Diagnosis]:
    """Return an attempt of one address that accepts the exporter."""
    evidence = msgspec.structs.replace(
        answered_attempt(), target=target(name=name, address=address), peer_address=address
    )
    return evidence, diagnose(evidence)


def mixed() -> Rows:
    """Return a name with three addresses of which two refuse, and an ordinary target."""
    other = attempt("connect", "refused", detail="ECONNREFUSED", target=target(name="us"))
    return [
        refused("192.0.2.1"), refused("192.0.2.2"), healthy("192.0.2.3"), (other, diagnose(other)),
    ]  # fmt: skip  # one target's rows in one line


def results(*causes: str, outcome: str = "failed") -> list[AddressResult]:
    """Return addresses that ended for these causes; an empty one is as expected."""
    return [
        AddressResult(f"192.0.2.{last}", outcome if cause else "confirmed", cause, not cause)
        for last, cause in enumerate(causes, 1)
    ]


@pytest.mark.parametrize(
    ("addresses", "summary"),
    [
        (results("", ""), "all 2 addresses are as expected"),
        (results(""), "its only address is as expected"),
        (results("tcp_refused"), "1 of 1 address fails: 192.0.2.1 (tcp_refused)"),
        (
            results("tcp_refused", "tcp_refused", ""),
            "2 of 3 addresses fail: 192.0.2.1, 192.0.2.2 (tcp_refused)",
        ),
        (
            results("tls_timeout", "tcp_refused", "tcp_refused", ""),
            "3 of 4 addresses fail: 192.0.2.2, 192.0.2.3 (tcp_refused), 192.0.2.1 (tls_timeout)",
        ),
        (
            results(*["tcp_refused"] * 8),
            "8 of 8 addresses fail: 192.0.2.1, 192.0.2.2, 192.0.2.3, 192.0.2.4, 192.0.2.5, "
            "192.0.2.6 and 2 more (tcp_refused)",
        ),
        (
            [AddressResult("192.0.2.1", "unconfirmed", "", False), *results("")],
            "1 of 2 addresses is not as expected: 192.0.2.1 (unconfirmed)",
        ),
        (
            [AddressResult("", "failed", "dns_failure", False), *results("", "tcp_refused")],
            "the look-up of the name fails (dns_failure), and the addresses known before are tried; "
            "1 of 2 addresses fails: 192.0.2.2 (tcp_refused)",
        ),
        (
            [AddressResult("", "failed", "dns_failure", False)],
            "the look-up of the name fails (dns_failure)",
        ),
        ([], ""),
    ],
)
def test_a_summary_counts_and_names(addresses: list[AddressResult], summary: str) -> None:
    """How many of how many, which, and why; the cause of most addresses first."""
    assert summarize_addresses(addresses) == summary


def test_the_table_has_a_row_of_each_and_a_story_of_those_alike_once() -> None:
    """Whoever reads it sees how many refuse, and reads their fix once; targets are counted."""
    stream = io.StringIO()
    print_table(mixed(), stream)
    shown = stream.getvalue()
    rows = [line.split("  ")[0] for line in shown.splitlines()[1:5]]
    assert rows == ["eu (192.0.2.1)", "eu (192.0.2.2)", "eu (192.0.2.3)", "us"]
    assert "\neu: 2 of 3 addresses fail: 192.0.2.1, 192.0.2.2 (tcp_refused)\n" in shown
    assert "\n  and the same at 192.0.2.2\n" in shown
    assert shown.count("what happened") == 2
    assert shown.rstrip().endswith("2 of 2 targets are not as expected")


def test_json_has_a_result_of_each_and_the_target_as_a_whole() -> None:
    """`target` is the same in all of them; the address is a label."""
    rows = mixed()
    addresses = [build_target_addresses(*group) for group in group_rows(rows)]
    document: Any = json.loads(
        encode_results([build_result(*row) for row in rows], addresses=addresses)
    )
    found = [
        (one["target"], one["labels"].get("address"), one["peer_address"], one["expected"])
        for one in document["results"]
    ]
    assert found == [
        ("eu", "192.0.2.1", "", False),
        ("eu", "192.0.2.2", "", False),
        ("eu", "192.0.2.3", "192.0.2.3", True),
        ("us", None, "192.0.2.10", False),
    ]
    assert document["addresses"] == [
        {
            "target": "eu",
            "expected": False,
            "summary": "2 of 3 addresses fail: 192.0.2.1, 192.0.2.2 (tcp_refused)",
            "unexpected": 2,
            "addresses": [
                {"address": address, "outcome": outcome, "cause": cause, "expected": not cause}
                for address, outcome, cause in (
                    ("192.0.2.1", "failed", "tcp_refused"),
                    ("192.0.2.2", "failed", "tcp_refused"),
                    ("192.0.2.3", "confirmed", None),
                )
            ],
        }
    ]


def test_without_such_a_target_json_is_as_it_was() -> None:
    """The document has no further field."""
    evidence, diagnosis = healthy("")
    document = json.loads(encode_results([build_result(evidence, diagnosis)]))
    assert list(document) == ["schema", "results"]
    assert document["results"][0]["labels"] == {}


def test_junit_has_a_case_of_each_that_says_how_all_are() -> None:
    """A pipeline's reader sees at one failure how many addresses there are."""
    root = ET.fromstring(render_junit(mixed()))
    cases = {case.get("name"): case.find("failure") for case in root.iter("testcase")}
    assert list(cases) == ["eu (192.0.2.1)", "eu (192.0.2.2)", "eu (192.0.2.3)", "us"]
    failure = cases["eu (192.0.2.1)"]
    assert failure is not None
    assert "2 of 3 addresses fail" in (failure.get("message") or "")
    assert cases["eu (192.0.2.3)"] is None
    assert "addresses" not in str((cases["us"] is not None and cases["us"].get("message")) or "")
