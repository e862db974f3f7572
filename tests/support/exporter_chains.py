"""Compares what a model says of a generated chain with what the real exporter said."""

import re
from typing import Final

from probe.exporters.go_path import verify_for_go
from probe.exporters.path_verdict import PathRequest, PathVerdict
from probe.exporters.verifiers import VERIFIERS
from probe.model.path_fault import PathFaultKind
from probe.text.safe_text import safe_text
from probe.x509.anchors import AnchorPool
from tests.lab.exporters.case import Answer
from tests.lab.exporters.generators.chain_case import ChainCase

KINDS_BY_TEXT: Final[dict[str, tuple[PathFaultKind, ...]]] = {
    r"failed to parse certificate|unsupported type of public key": ("unreadable",),
    r"RSA key larger": ("weak_key",),
    r"unhandled critical extension": ("critical_extension",),
    r" is before": ("not_yet_valid",),
    r" is after": ("expired",),
    r"cannot sign this kind|not authorized to sign other": ("not_a_ca",),
    r"not authorized to sign for this name": ("name_constraint",),
    r"too many intermediates": ("path_length",),
    r"incompatible key usage": ("wrong_usage", "wrong_usage_above"),
    r"invalid policies": ("policy",),
    r"insecure algorithm|algorithm unimplemented": ("weak_signature",),
    r"verification (error|failure)|signature algorithm specifies": ("bad_signature",),
    r"keys are insecure|public exponent|public modulus": ("weak_key",),
    r"attempts limit|exceeds maximum": ("too_complex",),
    r"unknown authority": ("no_anchor",),
    r"certificate is (not )?valid for|IP SANs|legacy Common Name": ("name_mismatch",),
}
"""What Go's words mean; the first that fits."""


def make_request(case: ChainCase) -> PathRequest:
    """Return what a model is asked about a case."""
    return PathRequest(case.chain, AnchorPool(case.anchors), case.name, float(case.at))


def judge_by(runtime: str, case: ChainCase) -> PathVerdict:
    """Return the verdict of a runtime's model on a case."""
    return VERIFIERS[runtime](make_request(case))


def list_kinds(runtime: str, case: ChainCase) -> list[str]:
    """Return the kinds of a case's faults, the reported one first."""
    return [fault.kind for fault in judge_by(runtime, case).faults]


def judge_case(case: ChainCase) -> PathVerdict:
    """Return the model's verdict on a case."""
    return verify_for_go(make_request(case))


def compare_verdict(case: ChainCase, answer: Answer) -> str:
    """Say how the model differs from Go; empty where it does not."""
    faults = judge_case(case).faults
    if not faults:
        return "" if answer.outcome == "ok" else f"{case.id}: trusted; Go: {answer.text}"
    first = faults[0]
    if answer.outcome == "ok":
        return f"{case.id}: {first.kind}: {first.says}; Go trusts it"
    meant = next(
        (kinds for text, kinds in KINDS_BY_TEXT.items() if re.search(text, answer.text)), ()
    )
    if first.kind not in meant:
        return f"{case.id}: {first.kind}; Go: {answer.text}"
    if not safe_text(answer.text).startswith(first.says):
        return f"{case.id}: says {first.says}; Go: {answer.text}"
    return ""
