"""The report for pipelines: what GitLab, Jenkins and GitHub read, whatever a peer calls itself."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from probe import __version__
from probe.diagnosis.diagnose import diagnose
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence
from probe.model.target import SourceState
from probe.report.junit import render_junit
from tests.stories.all_stories import BY_NAME, STORIES
from tests.stories.story import Story
from tests.support.every_row import every_row

SCHEMA = {
    "testsuites": ("name time tests failures errors", "testsuite"),
    "testsuite": (
        "name tests failures errors time skipped timestamp hostname id package group file log url",
        "testsuite properties testcase system-out system-err",
    ),
    "properties": ("", "property"),
    "property": ("name value", ""),
    "testcase": ("name time classname group", "skipped error failure system-out system-err"),
    "failure": ("type message", ""),
    "error": ("type message", ""),
    "system-out": ("", ""),
}
"""Attributes and children in junit-10.xsd of Jenkins' xUnit plugin, which refuses any other."""
TIME = re.compile(r"(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]*)?")
"""SUREFIRE_TIME of the same schema."""


def row_of(name: str) -> tuple[Evidence, Diagnosis]:
    """Return the evidence of a story with its diagnosis."""
    evidence = BY_NAME[name].evidence
    return evidence, diagnose(evidence)


def read(*rows: tuple[Evidence, Diagnosis]) -> ET.Element:
    """Return the report as a strict reader reads it."""
    return ET.fromstring(render_junit(rows))


def renamed(row: tuple[Evidence, Diagnosis], name: str) -> tuple[Evidence, Diagnosis]:
    """Return the same of a target that is called `name`."""
    evidence, diagnosis = row
    target = msgspec.structs.replace(evidence.target, name=name, labels=((name, name),))
    return msgspec.structs.replace(evidence, target=target), diagnosis


def test_each_target_is_a_case_and_each_failure_has_its_story() -> None:
    """The counts agree, the type is the cause, the message says it in a sentence."""
    good, refused = row_of("confirmed--http"), row_of("client_ca_untrusted")
    silent = row_of("unconfirmed")
    fault = row_of("probe_fault")

    report = read(good, refused, silent, fault)
    (suite,) = report

    assert (report.get("tests"), report.get("failures"), report.get("errors")) == ("4", "2", "1")
    counts = {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "4", "failures": "2", "errors": "1", "skipped": "0"}
    ok, failed, unproven, own = suite.findall("testcase")
    assert ok.find("failure") is None
    failure = failed.find("failure")
    assert failure is not None
    assert failure.get("type") == "client_ca_untrusted"
    assert "client_ca_untrusted" in (failure.get("message") or "")
    assert "fix: " in (failure.text or "")
    assert "seen: " in (failure.text or "")
    reported = unproven.find("failure")
    assert reported is not None
    assert reported.get("type") == "unconfirmed"
    assert own.find("failure") is None
    assert own.find("error") is not None
    assert {one.get("name"): one.get("value") for one in suite.iter("property")} == {
        "mtls_probe.version": __version__
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp") or "")


def test_the_labels_of_a_target_stand_in_its_story() -> None:
    """The schema has no place for properties of a case."""
    (suite,) = read(renamed(row_of("client_ca_untrusted"), "payments"))
    assert "\n  label payments: payments\n" in (suite.findtext("testcase/failure") or "")


def test_a_target_that_must_fail_and_does_is_no_failure() -> None:
    """And one that got in is."""
    evidence, diagnosis = row_of("client_ca_untrusted")
    wanted = msgspec.structs.replace(evidence.target, expect_cause="client_ca_untrusted")
    (suite,) = read((msgspec.structs.replace(evidence, target=wanted), diagnosis))
    assert suite.get("failures") == "0"
    evidence, diagnosis = row_of("confirmed--http")
    wanted = msgspec.structs.replace(evidence.target, expect_cause="client_cert_not_sent")
    (suite,) = read((msgspec.structs.replace(evidence, target=wanted), diagnosis))
    assert suite.get("failures") == "1"


@every_row(story=STORIES)
def test_nothing_stands_in_it_that_the_schemas_do_not_know(story: Story) -> None:
    """The attempt of every story, element by element."""
    evidence = story.evidence
    for element in read((evidence, diagnose(evidence))).iter():
        attributes, children = SCHEMA[element.tag]
        assert set(element.attrib) <= set(attributes.split()), element.tag
        assert {child.tag for child in element} <= set(children.split()), element.tag
        assert TIME.fullmatch(element.get("time", "0")), element.tag


@given(st.text(st.characters(), max_size=60))
@settings(max_examples=150, deadline=None)
def test_no_text_breaks_it(name: str) -> None:
    """XML 1.0 knows no control characters: markup, escape sequences and surrogates are text."""
    (suite,) = read(renamed(row_of("client_ca_untrusted"), name))
    assert len(suite.findall("testcase")) == 1


def test_markup_in_a_name_stays_a_name() -> None:
    """`<script>` is read back as it was."""
    (suite,) = read(renamed(row_of("confirmed--http"), "<script>alert(1)</script>"))
    case = suite.find("testcase")
    assert case is not None
    assert case.get("name") == "<script>alert(1)</script>"


def test_no_target_is_a_failure(tmp_path: Path) -> None:
    """A suite without a case would be green: the lack of targets is a case that fails."""
    file = tmp_path / "report.xml"
    file.write_bytes(render_junit([]))
    suite = ET.parse(file).getroot()[0]
    assert (suite.get("tests"), suite.get("failures")) == ("1", "1")
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.get("type") == "nothing_to_probe"


def test_each_source_is_a_case() -> None:
    """One that is down is a failure, whose message is the first line of what is wrong."""
    down = SourceState("file_sd:/t/*.yaml", False, 0, "no file matches\nsecond line")
    root = ET.fromstring(render_junit([], [SourceState("environment", True, 2), down]))
    cases = {case.get("name"): case for case in root.iter("testcase")}
    assert cases["environment"].find("failure") is None
    failure = cases["file_sd:/t/*.yaml"].find("failure")
    assert failure is not None
    assert (failure.get("type"), failure.get("message")) == ("source_down", "no file matches")
    assert failure.text == "no file matches\nsecond line"
