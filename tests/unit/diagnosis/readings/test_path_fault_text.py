"""A fault of a path in words: the certificate, the rule, and the values that broke it."""

from typing import get_args

import pytest

from probe.diagnosis.readings.path_fault_text import describe_fault, name_faulty
from probe.model.path_fault import PathFault, PathFaultKind
from tests.support.certificate_facts import BACKEND, SERVER_CA
from tests.support.every_row import every_row
from tests.support.evidence import make_fault, unverified_attempt

SEEN = unverified_attempt(BACKEND, SERVER_CA)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (
            PathFault(kind="path_length", position=1, value="2", limit="0", rule="RFC 5280 §6.1.4"),
            "allows 0 CAs below it, and has 2 there (RFC 5280 §6.1.4)",
        ),
        (
            PathFault(kind="name_constraint", position=1, value="DNS name a.b", limit="excluded b"),
            "does not allow the DNS name a.b: its name constraints say excluded b",
        ),
        (
            PathFault(kind="name_constraint", position=0, value="a.b"),
            "has the name a.b, which a name constraint above it does not allow",
        ),
        (
            PathFault(kind="weak_key", value="RSA 512 bits", limit="1024 bits"),
            "has a key of RSA 512 bits, and the exporter wants at least 1024 bits",
        ),
        (
            PathFault(kind="weak_key", value="RSA 8193 bits", limit="at most 8192 bits"),
            "has a key of RSA 8193 bits, and the exporter wants at most 8192 bits",
        ),
        (
            PathFault(kind="unreadable", says="tls: failed to parse: x509: negative serial number"),
            "cannot be read by the exporter: negative serial number",
        ),
        (
            PathFault(kind="unreadable", value="DSA", limit="RSA, ECDSA, Ed25519"),
            "has a key of a kind that the exporter does not use: DSA (it uses RSA, ECDSA, Ed25519)",
        ),
        (
            PathFault(kind="bad_signature", value="issuer's key RSA", limit="ab" * 32),
            "was not signed by the key of the issuer that is available under that name",
        ),
    ],
)
def test_the_values_are_said_with_the_rule(fault: PathFault, said: str) -> None:
    """No value stands where a reader cannot tell what it is of."""
    assert describe_fault(fault) == said


@every_row(kind=get_args(PathFaultKind))
def test_every_kind_has_words_with_values_and_without(kind: PathFaultKind) -> None:
    """A model may know no more than the kind."""
    for value, limit in (("", ""), ("5", ""), ("", "7"), ("5", "7")):
        text = describe_fault(PathFault(kind=kind, value=value, limit=limit))
        assert text
        assert not text.endswith((":", ",", " "))


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        (make_fault("expired", 0, (BACKEND,)), "the backend's certificate CN=backend"),
        (
            make_fault("not_a_ca", 1, (BACKEND, SERVER_CA)),
            f"certificate 2 that the backend sends ({SERVER_CA.subject.text})",
        ),
        (
            PathFault(kind="not_a_ca", subject="CN=root", sha256="ab"),
            "the anchor CN=root",
        ),
        (PathFault(kind="unreadable"), "a certificate of the path"),
        (PathFault(kind="expired"), "an anchor"),
    ],
)
def test_the_certificate_is_named_with_its_place(fault: PathFault, named: str) -> None:
    """Who holds it follows from where it stands."""
    assert name_faulty(SEEN, fault).startswith(named[:20])
    assert name_faulty(SEEN, fault) == named or fault.position == 0
