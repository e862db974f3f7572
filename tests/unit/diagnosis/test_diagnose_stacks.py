"""Each fault of a client certificate, as each TLS stack answers to it, gets its true cause.

Where a stack's answer does not tell, the diagnosis says so: `certain` is false and the true cause
is among what remains possible. A confident wrong answer is the one thing that never comes out.
"""

from collections.abc import Iterator
from typing import Literal

import msgspec.structs
import pytest

from probe.diagnosis.diagnose import diagnose
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Answer, Evidence
from tests.support.certificate_facts import CLIENT_CA, EXPORTER
from tests.support.client_faults import FAULTS, NAMES_NO_CAS, STACKS, ClientFault
from tests.support.every_row import every_row
from tests.support.evidence import (
    By,
    answered_attempt,
    complete_handshake,
    held_credentials,
    refused_attempt,
)

Version = Literal["1.2", "1.3"]
VERSIONS: tuple[Version, ...] = ("1.2", "1.3")
FORBIDDEN = Answer(over="h2", http_status=403, content_type="text/html", body_empty=False)


def seen(fault: ClientFault, stack: str, version: Version, cell: str) -> Evidence:
    """Return what an attempt sees of `fault` when `stack` answers as `cell` says."""
    listed = () if stack in NAMES_NO_CAS else fault.listed
    if cell in {"in", "403"}:
        evidence = answered_attempt(
            credentials=held_credentials(*fault.chain, at_hand=fault.at_hand),
            handshake=complete_handshake(
                version, acceptable_cas=tuple(ca.subject for ca in listed)
            ),
        )
        return evidence if cell == "in" else msgspec.structs.replace(evidence, answer=FORBIDDEN)
    by: By = "http_400" if cell == "400" else "close" if cell == "close" else int(cell)
    return refused_attempt(by, *fault.chain, at_hand=fault.at_hand, listed=listed, version=version)


def rows() -> Iterator[tuple[ClientFault, str, Version, str]]:
    """Yield each fault, stack and TLS version that the table knows, with the stack's answer."""
    for fault in FAULTS:
        for stack, cell in zip(STACKS, fault.cells.split(), strict=True):
            both = cell.split("/")
            for version, one in zip(VERSIONS, both if len(both) == 2 else both * 2, strict=True):
                if one != "-":
                    yield fault, stack, version, one


@every_row(row=rows())
def test_a_fault_gets_its_true_cause(row: tuple[ClientFault, str, Version, str]) -> None:
    """The true causes are all named; a certain primary cause is one of them."""
    fault, stack, version, cell = row
    found = diagnose(seen(fault, stack, version, cell))

    if cell == "in":
        assert (found.outcome, found.cause) == ("confirmed", None)
        return
    assert found.outcome == "failed"
    assert found.cause is not None
    named = {found.cause, *found.also}
    assert set(fault.truths) <= named
    assert found.cause in fault.truths or not found.certain
    if found.certain:
        assert named == set(fault.truths)


def _by(what: str, stack: str, version: Version = "1.3") -> Diagnosis:
    fault = next(fault for fault in FAULTS if fault.what == what)
    cell = fault.cells.split()[STACKS.index(stack)].split("/")[-1]
    return diagnose(seen(fault, stack, version, cell))


CERTAIN = [
    ("unknown client CA", "Go 1.25", "client_ca_untrusted"),
    ("unknown client CA", "JSSE", "client_ca_untrusted"),
    ("unknown client CA", "GnuTLS", "client_ca_untrusted"),
    ("unknown client CA", "Node", "client_ca_untrusted"),
    ("unknown client CA", "nginx", "client_ca_untrusted"),
    ("re-keyed CA", "Go 1.25", "client_ca_untrusted"),
    ("re-keyed CA", "rustls", "client_ca_untrusted"),
    ("re-keyed CA, no authorityKeyIdentifier", "OpenSSL", "client_ca_untrusted"),
    ("self-signed certificate", "OpenSSL", "client_ca_untrusted"),
    ("missing intermediate, available", "Go 1.25", "client_chain_incomplete"),
    ("missing intermediate, available", "JSSE", "client_chain_incomplete"),
    ("missing intermediate, available", "nginx", "client_chain_incomplete"),
    *(("expired certificate", stack, "client_cert_expired") for stack in STACKS),
    *(("expired intermediate, sent along", stack, "client_cert_expired") for stack in STACKS),
    *(("not yet valid", stack, "client_cert_not_yet_valid") for stack in STACKS),
    ("expired and unknown CA", "Go 1.25", "client_cert_expired"),
    ("expired and unknown CA", "rustls", "client_cert_expired"),
    ("expired and unknown CA", "OpenSSL", "client_ca_untrusted"),
    ("expired and unknown CA", "BoringSSL", "client_ca_untrusted"),
    ("expired and unknown CA", "JSSE", "client_cert_expired"),
    *(
        ("extendedKeyUsage serverAuth only", stack, "client_cert_wrong_usage")
        for stack in STACKS
        if stack != "GnuTLS"
    ),
    ("keyUsage without digitalSignature", "OpenSSL", "client_cert_wrong_usage"),
    ("revoked, and the backend has the list", "OpenSSL", "client_cert_revoked"),
    ("signed with SHA-1", "OpenSSL", "client_cert_weak"),
    *(("no certificate, and one is required", stack, "client_cert_not_sent") for stack in STACKS),
]


@every_row(row=CERTAIN)
def test_where_the_answer_tells_the_diagnosis_is_certain(row: tuple[str, str, str]) -> None:
    """Nothing is hedged where the alert, the list and our own files leave one cause."""
    what, stack, cause = row
    found = _by(what, stack)

    assert (found.cause, found.certain) == (cause, True)


@pytest.mark.parametrize("stack", STACKS)
def test_a_faultless_certificate_that_is_accepted_is_confirmed(stack: str) -> None:
    """The other direction: without the fault, no stack's success gets a cause."""
    healthy = ClientFault("nothing", (), "")

    found = diagnose(seen(healthy, stack, "1.3", "in"))

    assert (found.outcome, found.cause, found.certain, found.also, found.findings) == (
        "confirmed",
        None,
        True,
        (),
        (),
    )


@pytest.mark.parametrize(
    "cell", [40, 42, 43, 46, 47, 49, 50, 80, 114, "close", "reset", "http_400"]
)
def test_a_faultless_listed_certificate_is_never_blamed_with_certainty(cell: By) -> None:
    """No fault of the files, a listed CA, and an answer that names nothing: all stays open."""
    found = diagnose(refused_attempt(cell, EXPORTER, listed=(CLIENT_CA,)))

    assert found.cause in {"client_cert_rejected", "client_san_rejected"}
    assert not found.certain
    assert {"client_ca_untrusted", "client_cert_revoked"} <= {found.cause, *found.also}
