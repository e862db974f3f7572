"""Where exporters differ before anything is sent: how each reads the credential files.

What each makes of them is a fact of the evidence (`CredentialFacts.readings`), which the models of
the readers in credentials/readers/ have found; here it becomes a verdict with its reason.
"""

from collections.abc import Iterator
from typing import Final

from probe.comparison.verdict import Verdict
from probe.model.certificate import FileReading
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence
from probe.model.runtime import CURL, GO, PYTHON_HTTP, RUNTIMES_BY_ID

_GO_SDK: Final = frozenset(one.id for one in GO)
_NEEDED: Final = {"cert": "certificate", "key": "private key", "ca": "CA certificate"}
_OWN_WAY: Final = frozenset({"missing", "half"})
"""What some runtimes go on without, where the target's exporter stops."""
_STOPPED_AS_WELL: Final = frozenset({PYTHON_HTTP.id, CURL.id})
"""They report the same at each connection."""


def judge_files(evidence: Evidence, _: Diagnosis) -> Iterator[Verdict]:
    """Every runtime that reads the files otherwise than the target's exporter does."""
    stopped = evidence.ending.kind == "credentials"
    if evidence.handshake is None and not stopped:
        return
    for reading in evidence.credentials.readings:
        if reading.runtime in RUNTIMES_BY_ID:
            yield from _judge_stopped(evidence, reading) if stopped else _judge(evidence, reading)


def _judge_stopped(evidence: Evidence, reading: FileReading) -> Iterator[Verdict]:
    """Judge one runtime where a file has stopped the target's exporter."""
    if not reading.stage:
        if reading.ordinary:
            roles = {fault.role for fault in evidence.credentials.faults}
            files = " and ".join(
                path for role, path in _name_files(evidence).items() if role in roles and path
            )
            yield Verdict(
                reading.runtime, "works", "", f"its reader takes {files or 'the files'} as is"
            )
    elif reading.why in _OWN_WAY and reading.runtime not in _STOPPED_AS_WELL:
        yield Verdict(reading.runtime, "fails", reading.says, _explain(evidence, reading))
    elif reading.why == "encrypted" and reading.runtime == CURL.id:
        because = "it asks for the passphrase on the terminal, and fails without one"
        yield Verdict(CURL.id, "same", "Enter PEM pass phrase:", because)


def _judge(evidence: Evidence, reading: FileReading) -> Iterator[Verdict]:
    """Judge one runtime where the target's exporter uses the files."""
    unverified = reading.role == "ca" and reading.stage == "connect"
    if not reading.stage or (unverified and evidence.target.insecure_skip_verify):
        return
    yield Verdict(reading.runtime, "fails", reading.says, _explain(evidence, reading))


def _name_files(evidence: Evidence) -> dict[str, str]:
    target = evidence.target
    return {"cert": target.cert_file, "key": target.key_file, "ca": target.ca_file}


def _explain(evidence: Evidence, reading: FileReading) -> str:
    """Return why a file stops a runtime, and what it does then."""
    paths = _name_files(evidence)
    path = paths.get(reading.role) or "the file"
    at = f"at line {reading.line} of {path}" if reading.line else f"in {path}"
    needed = _NEEDED.get(reading.role, "block")
    because = {
        "no_block": f"its reader finds no {needed} in {path}",
        "block": f"its reader cannot decode the block {at}",
        "certificate": f"it does not parse the certificate {at}",
        "key": f"it does not read a private key of the kind or form {at}",
        "encrypted": f"it has no passphrase for the private key {at}",
        "pair": f"it finds no pair of certificate and key in {paths['cert']} and {paths['key']}",
        "order": f"it refuses the order of the certificates in {path}",
        "weak": f"its security level refuses the certificate {at}",
        "half": "only one of certificate and key is set",
        "missing": f"it reports {path} as unreadable",
    }.get(reading.why, f"it does not use {path}")
    return because + _say_what_follows(reading)


def _say_what_follows(reading: FileReading) -> str:
    if reading.stage == "abort":
        return ": the whole process aborts"
    goes_on = reading.why in _OWN_WAY or reading.runtime in _GO_SDK
    if reading.stage != "connect" or not goes_on:
        return ""
    if reading.role == "ca":
        return ", and goes on without it: a private CA is not among the roots that it then has"
    return ", and goes on without a client certificate: a backend that demands one refuses it"
