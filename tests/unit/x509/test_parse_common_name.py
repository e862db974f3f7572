"""The CN of a subject is read from the certificate, whatever RFC 4514 makes of it as text."""

import pytest
from cryptography import x509
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.inspection.file_report import Judgement
from probe.inspection.server_file import judge_name
from probe.text.safe_text import safe_text
from probe.x509.parse import read_facts
from tests.support.memory_peer import handshake, server_context, settings_of
from tests.support.pki import issue

_CN, _O = NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME


def _part(oid: x509.ObjectIdentifier, text: str) -> x509.NameAttribute[str]:
    return x509.NameAttribute(oid, text)


def _rdns(*parts: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([_part(oid, text) for oid, text in parts])


ODD = {
    "escaped comma": (_rdns((_CN, "Acme, Inc.")), "Acme, Inc."),
    "comma and CN= in another attribute": (_rdns((_CN, "right"), (_O, "x,CN=wrong")), "right"),
    "CN= after an escaped comma": (_rdns((_CN, "a,CN=b")), "a,CN=b"),
    "quotes, plus and backslash": (_rdns((_CN, 'a "b" + c\\d;e<f>')), 'a "b" + c\\d;e<f>'),
    "leading hash and spaces": (_rdns((_CN, "#04 x ")), "#04 x "),
    "a multi-valued RDN": (
        x509.Name([x509.RelativeDistinguishedName([_part(_O, "o"), _part(_CN, "in one")])]),
        "in one",
    ),
    "another string type": (
        x509.Name([x509.NameAttribute(_CN, "breit", _type=_ASN1Type.BMPString)]),
        "breit",
    ),
    "the most specific of several": (_rdns((_CN, "general"), (_O, "o"), (_CN, "own")), "own"),
    "none": (_rdns((_O, "CN=none")), ""),
    "an empty name": (x509.Name([]), ""),
}


@pytest.mark.parametrize("kind", ODD)
def test_the_common_name_is_that_of_the_certificate(kind: str) -> None:
    """Escapes, multi-valued parts, other string types and look-alikes change nothing."""
    subject, common_name = ODD[kind]

    facts = read_facts(issue("", subject=subject).certificate)

    assert facts.common_name == safe_text(common_name)


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_categories=("C",)), min_size=1, max_size=16))
def test_any_common_name_comes_back(common_name: str) -> None:
    """What was written into the CN is what is read out of it."""
    certificate = issue("", subject=_rdns((_O, "a, b"), (_CN, common_name))).certificate

    assert read_facts(certificate).common_name == safe_text(common_name)


def test_the_handshake_and_inspect_show_the_same_common_name() -> None:
    """Both rooms that compare names read the one field."""
    served = issue("", subject=_rdns((_CN, "Acme, Inc. backend"), (_O, "Acme, Inc.")))
    inspected = Judgement("cert", "tls.crt")
    judge_name(inspected, read_facts(served.certificate), "backend")
    seen = handshake(server_context(server=served), settings_of(reference="backend"))[0].handshake  # type: ignore[arg-type]  # it has a certificate and a key

    assert seen.name_check is not None
    assert seen.name_check.common_name == "Acme, Inc. backend"
    assert "only its CN Acme, Inc. backend" in inspected.faults[0].fact
