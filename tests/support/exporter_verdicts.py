"""What the exporters of each language would do with one attempt's evidence."""

import msgspec.structs

from probe.comparison.by_exporter import compare_exporters
from probe.comparison.verdict import Verdict
from probe.diagnosis.diagnose import diagnose
from probe.model.evidence import Evidence
from probe.report.message_table import load_refusal_texts
from tests.support.evidence import (
    http_target,
)


def verdicts(evidence: Evidence) -> dict[str, Verdict]:
    """Return the verdicts by runtime."""
    return {
        one.runtime: one
        for one in compare_exporters(evidence, diagnose(evidence), load_refusal_texts())
    }


def outcomes(evidence: Evidence) -> dict[str, str]:
    """Return only how each runtime ends."""
    return {runtime: one.outcome for runtime, one in verdicts(evidence).items()}


def over_http_instead(evidence: Evidence) -> Evidence:
    """Return the same attempt of an OTLP/HTTP target."""
    return msgspec.structs.replace(evidence, target=http_target())
