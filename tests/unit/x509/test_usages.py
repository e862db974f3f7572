"""What usages allow: an absent extension anything, a present one what it names."""

import pytest
from msgspec.structs import replace

from probe.x509.parse import read_facts
from probe.x509.usages import (
    allows_usage,
    describe_key_usage_fault,
    describe_usage_fault,
    is_only_for,
    may_issue,
)
from tests.support.pki import issue

PLAIN = read_facts(issue("plain").certificate)


@pytest.mark.parametrize(
    ("usages", "client", "only_client"),
    [
        (None, True, False),
        ((), False, False),
        (("clientAuth",), True, True),
        (("serverAuth",), False, False),
        (("serverAuth", "clientAuth"), True, False),
        (("clientAuth", "anyExtendedKeyUsage"), True, False),
        (("anyExtendedKeyUsage",), True, False),
    ],
)
def test_extended_key_usages(
    usages: tuple[str, ...] | None, client: bool, only_client: bool
) -> None:
    """RFC 5280 §4.2.1.12: the fault names what is there."""
    one = replace(PLAIN, extended_key_usage=usages)

    assert allows_usage(one, "clientAuth") is client
    assert is_only_for(one, "clientAuth") is only_client
    listed = ", ".join(usages or ()) or "empty"
    fault = "" if client else f"its extendedKeyUsage is {listed}, without clientAuth"
    assert describe_usage_fault(one, "clientAuth") == fault


@pytest.mark.parametrize(
    ("usages", "signs", "issues"),
    [
        (None, True, True),
        ((), False, False),
        (("digitalSignature",), True, False),
        (("keyCertSign", "cRLSign"), False, True),
    ],
)
def test_key_usages(usages: tuple[str, ...] | None, signs: bool, issues: bool) -> None:
    """RFC 5280 §4.2.1.3: the end entity signs handshakes, a CA signs certificates."""
    one = replace(PLAIN, key_usage=usages)

    assert (describe_key_usage_fault(one) == "") is signs
    assert may_issue(one) is issues
