"""Names of versions, suites and curves: Go's are known, OpenSSL has them, others are reported."""

import re
import subprocess
from collections.abc import Collection

import pytest
from OpenSSL import SSL

from probe.model import tls_names
from probe.model.tls_names import OPENSSL_NAMES, name_suite


def test_every_go_suite_that_openssl_has_is_mapped_to_its_name() -> None:
    """The names exist in the library, except RC4 and 3DES, which current builds leave out."""
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_cipher_list(b"ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    known = set(SSL.Connection(context).get_cipher_list())
    mapped = OPENSSL_NAMES

    assert len(mapped) == 22
    assert len(set(mapped.values())) == 22
    absent = set(mapped.values()) - known
    assert all("RC4" in name or "DES-CBC3" in name for name in absent)
    assert known.issuperset(tls_names.TLS13_SUITES)


@pytest.mark.parametrize(
    ("allowed", "good", "bad", "hint"),
    [
        (tls_names.VERSIONS, "1.2", "1.4", "1.3"),
        (tls_names.CURVES, "P256", "P-256", "X25519MLKEM768"),
        (
            tls_names.SUITES,
            "TLS_RSA_WITH_AES_128_CBC_SHA",
            "TLS_RSA_WITH_AES_128_CBC_SHA1",
            "did you mean 'TLS_RSA_WITH_AES_128_CBC_SHA'",
        ),
    ],
    ids=["version", "curve", "suite"],
)
def test_unknown_names_are_reported(
    allowed: Collection[str], good: str, bad: str, hint: str
) -> None:
    """A wrong name is an error that holds the name and what is allowed."""
    tls_names.check_names("name", [good], allowed)
    with pytest.raises(ValueError, match="allowed: ") as error:
        tls_names.check_names("name", [good, bad], allowed)
    assert repr(bad) in str(error.value)
    assert hint in str(error.value)


@pytest.mark.slow
def test_a_suite_has_iana_s_name() -> None:
    """The rule that makes it of OpenSSL's agrees with the openssl command on every suite it has."""
    listed = subprocess.run(
        ["openssl", "ciphers", "-stdname", "-v", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"],
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    names = dict(re.findall(r"^(TLS_\S+) +- (\S+)", listed, re.MULTILINE))
    names = {iana: name for iana, name in names.items() if not re.search(r"PSK|SRP", name)}
    assert len(names) > 80
    assert {name_suite(openssl): openssl for openssl in names.values()} == names


def test_what_is_no_suite_keeps_its_name() -> None:
    """A peer may agree on something that the rule does not know."""
    assert [name_suite(name) for name in ("", "-", "GOST2012-KUZNYECHIK", "ECDHE", "TLS_X")] == [
        *("", "-", "GOST2012-KUZNYECHIK", "ECDHE", "TLS_X")
    ]
