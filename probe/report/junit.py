"""`check --output junit`: a report that pipelines show next to their tests.

One suite, one case for each target and each source, and nothing that the strictest reader refuses:
the schema of Jenkins' xUnit plugin (junit-10.xsd) has `skipped` on a suite alone and no properties
in a case. XML 1.0 §2.2 has no control characters and no surrogates: `safe_text` has removed them
before, and the library escapes the rest.
"""

import re
from collections.abc import Sequence
from typing import Final
from xml.etree import ElementTree as ET

from probe import __version__
from probe.ledger.target_runtime import is_expected
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence
from probe.model.target import SourceState
from probe.report.address_summary import read_rows, split_by_target, summarize_addresses
from probe.report.story import Row, format_story, name_target, summarize
from probe.text.safe_text import safe_text
from probe.text.time_format import rfc3339

_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
FAULT: Final = "probe_fault"


def render_junit(rows: Sequence[Row], sources: Sequence[SourceState] = ()) -> bytes:
    """Return the report on `rows`: not as expected is a failure, our own fault an error.

    Each of `sources` is a case of its own, and one that is down a failure; so is a round without
    any target, which would be a suite without failures otherwise.
    """
    cases = []
    for group in split_by_target(rows):
        of_all = summarize_addresses(read_rows(group))
        cases += [_case(evidence, diagnosis, of_all) for evidence, diagnosis in group]
    cases += map(_case_of_source, sources)
    if not rows:
        cases.append(_failing("targets", "nothing_to_probe", "there is nothing to probe"))
    counts = {
        "tests": str(len(cases)),
        "failures": str(sum(case.find("failure") is not None for case in cases)),
        "errors": str(sum(case.find("error") is not None for case in cases)),
        "time": _seconds(sum(sum(evidence.durations.values()) for evidence, _ in rows)),
    }
    root = ET.Element("testsuites", {"name": "mtls-probe", **counts})
    suite = ET.SubElement(root, "testsuite", {"name": "mtls-probe", **counts, "skipped": "0"})
    if rows:
        # Without fractions and without a zone, as Ant wrote it.
        suite.set("timestamp", rfc3339(min(each.at for each, _ in rows)).removesuffix("Z"))
    properties = ET.SubElement(suite, "properties")
    ET.SubElement(properties, "property", {"name": "mtls_probe.version", "value": __version__})
    suite.extend(cases)
    ET.indent(root)
    written: bytes = ET.tostring(root, "utf-8")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + written + b"\n"


def _case(evidence: Evidence, diagnosis: Diagnosis, of_all: str) -> ET.Element:
    """Return the case of one attempt; `of_all` says how all addresses of its target are."""
    target = evidence.target
    body = format_story(evidence, diagnosis)
    if of_all:
        body += f"  all addresses of {safe_text(target.name)}: {of_all}\n"
    body += "".join(
        f"  label {safe_text(name)}: {safe_text(value)}\n" for name, value in target.labels
    )
    case = _build_case(
        name_target(evidence),
        target.protocol.replace("/", "-"),
        sum(evidence.durations.values()),
    )
    if diagnosis.cause != FAULT and is_expected(evidence, diagnosis):
        ET.SubElement(case, "system-out").text = _text(body)
        return case
    kind = "error" if diagnosis.cause == FAULT else "failure"
    message = summarize(diagnosis) + (f"; {of_all}" if of_all else "")
    _add_problem(case, kind, diagnosis.cause or diagnosis.outcome, message, body)
    return case


def _case_of_source(state: SourceState) -> ET.Element:
    if not state.up:
        return _failing(state.source, "source_down", state.error or "it could not be read")
    case = _build_case(state.source)
    ET.SubElement(case, "system-out").text = f"targets: {state.targets}"
    return case


def _failing(name: str, type_: str, reason: str) -> ET.Element:
    case = _build_case(name)
    _add_problem(case, "failure", type_, reason.partition("\n")[0], reason)
    return case


def _build_case(name: str, group: str = "source", seconds: float = 0.0) -> ET.Element:
    named = {"classname": f"mtls-probe.{group}", "name": _text(name), "time": _seconds(seconds)}
    return ET.Element("testcase", named)


def _add_problem(case: ET.Element, kind: str, type_: str, message: str, body: str) -> None:
    problem = ET.SubElement(case, kind, {"type": _text(type_), "message": _text(message)})
    problem.text = _text(body)


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"


def _text(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)
