"""Rules of RFC 5280 and of the runtimes, each broken or bent in one place: changes of a chain."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from probe.x509.der import encode
from tests.lab.exporters.generators.chain_builder import (
    ANY_USAGE,
    CLIENT_AUTH,
    NOW,
    NULL,
    SERVER_AUTH,
    Spec,
    algorithm_of,
    attribute,
    basic_constraints,
    bits,
    constraints,
    ec_key,
    ed448_key,
    ed25519_key,
    extension,
    integer,
    key_ids,
    key_usage,
    name,
    oid,
    policies,
    pss_algorithm,
    rsa_key,
    san,
    seq,
    spki_of,
    usages,
)
from tests.lab.exporters.generators.chain_case import HOST, INTERMEDIATE, LEAF, ROOT

Change = Callable[[Spec], Spec]


@dataclass(frozen=True)
class Setting:
    """The usual chain, changed."""

    leaf: Spec = LEAF
    intermediate: Spec = INTERMEDIATE
    root: Spec = ROOT
    name: str = HOST
    at: int = NOW

    def change(self, level: str, change: Change) -> "Setting":
        """Change one certificate."""
        return replace(self, **{level: change(getattr(self, level))})


LEVELS: Final = ("leaf", "intermediate", "root")


def utc(text: str) -> bytes:
    """A UTCTime."""
    return encode(0x17, text.encode())


def generalized(text: str) -> bytes:
    """A GeneralizedTime."""
    return encode(0x18, text.encode())


def _adding(*extensions: bytes) -> Change:
    return lambda spec: spec.adding(*extensions)


def _but(**parts: object) -> Change:
    return lambda spec: spec.but(**parts)


def list_changes() -> dict[str, Change]:
    """Return what can be changed of any certificate of a chain, by name."""
    found: dict[str, Change] = {
        "v1": _but(version=b"", wrap_extensions=False),
        "v1-with-extensions": _but(version=b""),
        "v2": _but(version=b"\xa0\x03\x02\x01\x01"),
        "v2-no-extensions": _but(version=b"\xa0\x03\x02\x01\x01", wrap_extensions=False),
        "v3-no-extensions": _but(wrap_extensions=False),
        "v1-explicit": _but(version=b"\xa0\x03\x02\x01\x00"),
        "v4": _but(version=b"\xa0\x03\x02\x01\x03"),
        "version-negative": _but(version=b"\xa0\x03\x02\x01\xff"),
        "version-long": _but(version=b"\xa0\x04\x02\x02\x00\x02"),
        "version-two-octets": _but(version=b"\xa0\x04\x02\x02\x01\x02"),
        "version-trailing": _but(version=b"\xa0\x05\x02\x01\x02\x05\x00"),
        "unique-ids": _but(unique_ids=b"\x81\x02\x00\x01\x82\x02\x00\x02"),
        "unique-id-broken": _but(unique_ids=b"\x81\x7f\x00\x01"),
        "serial-0": _but(serial=integer(0)),
        "serial-negative": _but(serial=integer(-5)),
        "serial-20": _but(serial=encode(2, b"\x7f" + b"\x01" * 19)),
        "serial-21": _but(serial=encode(2, b"\x7f" + b"\x01" * 20)),
        "serial-21-padded": _but(serial=encode(2, b"\x00\x80" + b"\x01" * 19)),
        "serial-100": _but(serial=encode(2, b"\x7f" + b"\x01" * 99)),
        "serial-not-minimal": _but(serial=encode(2, b"\x00\x01")),
        "serial-empty": _but(serial=b"\x02\x00"),
        "serial-no-integer": _but(serial=b"\x04\x01\x01"),
        "expired": _but(not_after=utc("261231235959Z")),
        "expired-long-ago": _but(not_before=utc("990101000000Z"), not_after=utc("991231235959Z")),
        "not-yet-valid": _but(not_before=utc("270201000000Z")),
        "begins-now": _but(not_before=utc("270115080000Z")),
        "begins-next-second": _but(not_before=utc("270115080001Z")),
        "ends-now": _but(not_after=utc("270115080000Z")),
        "ended-last-second": _but(not_after=utc("270115075959Z")),
        "period-reversed": _but(not_before=utc("291231235959Z"), not_after=utc("260101000000Z")),
        "until-1950": _but(not_after=utc("500101000000Z")),
        "until-2049": _but(not_after=utc("491231235959Z")),
        "until-2050": _but(not_after=generalized("20500101000000Z")),
        "until-9999": _but(not_after=generalized("99991231235959Z")),
        "from-year-0": _but(not_before=generalized("00000101000000Z")),
        "generalized-before-2050": _but(not_after=generalized("20291231235959Z")),
        "generalized-no-seconds": _but(not_after=generalized("202912312359Z")),
        "generalized-fraction": _but(not_after=generalized("20291231235959.5Z")),
        "generalized-offset": _but(not_after=generalized("20291231235959+0100")),
        "generalized-local": _but(not_after=generalized("20291231235959")),
        "time-no-seconds": _but(not_after=utc("2912312359Z")),
        "time-offset": _but(not_after=utc("291231235959+0100")),
        "time-offset-0": _but(not_after=utc("291231235959+0000")),
        "time-offset-minus-0": _but(not_after=utc("291231235959-0000")),
        "time-offset-24": _but(not_after=utc("291231235959+2400")),
        "time-offset-25": _but(not_after=utc("291231235959+2500")),
        "time-offset-60-minutes": _but(not_after=utc("291231235959+0060")),
        "time-offset-no-seconds": _but(not_after=utc("2912312359-0130")),
        "time-offset-decides": _but(not_after=utc("270115093000+0130")),
        "time-offset-decides-2": _but(not_after=utc("270115092900+0130")),
        "time-no-zone": _but(not_after=utc("291231235959")),
        "time-lower-z": _but(not_after=utc("291231235959z")),
        "time-letters": _but(not_after=utc("2912312359ABZ")),
        "time-space": _but(not_after=utc("29123123595 Z")),
        "time-empty": _but(not_after=b"\x17\x00"),
        "time-fraction": _but(not_after=utc("291231235959.5Z")),
        "time-month-13": _but(not_after=utc("291331235959Z")),
        "time-month-0": _but(not_after=utc("290031235959Z")),
        "time-day-31-june": _but(not_after=utc("290631235959Z")),
        "time-29-february": _but(not_after=utc("290229235959Z")),
        "time-29-february-leap": _but(not_after=utc("280229235959Z")),
        "time-hour-24": _but(not_after=utc("291231240000Z")),
        "time-second-60": _but(not_after=utc("291231235960Z")),
        "time-four-digit-year": _but(not_after=utc("20291231235959Z")),
        "time-is-string": _but(not_after=encode(0x0C, b"291231235959Z")),
        "validity-trailing": _but(after_validity=NULL),
        "issuer-other": _but(issuer=name("Somebody Else")),
        "issuer-printable": _but(issuer=name("Example Intermediate", 0x13, O="Example")),
        "issuer-upper": _but(issuer=name("EXAMPLE INTERMEDIATE", O="EXAMPLE")),
        "issuer-empty": _but(issuer=seq()),
        "subject-empty": _but(subject=seq()),
        "subject-no-cn": _but(subject=name(O="Example")),
        "trailing-in-tbs": _but(after_extensions=NULL),
        "trailing-in-certificate": _but(edit_signature=lambda der: der + NULL),
        "trailing-behind": _but(edit=lambda der: der + b"\0"),
        "signature-wrong": _but(edit_signature=lambda der: der[:-1] + bytes((der[-1] ^ 1,))),
        "signature-empty": _but(edit_signature=lambda _: bits(b"")),
        "signature-unused-bits": _but(edit_signature=lambda der: der[:2] + b"\x01" + der[3:]),
        "signature-no-bits": _but(edit_signature=lambda _: b"\x03\x00"),
        "signature-octets": _but(edit_signature=lambda der: b"\x04" + der[1:]),
        "signed-by-other-key": _but(signer=ec_key("stranger")),
        "signed-by-other-kind": _but(signer=rsa_key(2048)),
        "outer-other": _but(outer=seq(oid("1.2.840.10045.4.3.3"))),
        "outer-null": _but(outer=seq(oid("1.2.840.10045.4.3.2"), NULL)),
        "both-null": _but(
            inner=seq(oid("1.2.840.10045.4.3.2"), NULL), outer=seq(oid("1.2.840.10045.4.3.2"), NULL)
        ),
        "algorithm-unknown": _but(inner=seq(oid("1.2.3.4.5"))),
        "algorithm-empty": _but(inner=seq()),
        "algorithm-broken-oid": _but(inner=seq(b"\x06\x03\x80\x01\x01")),
        "algorithm-large-oid": _but(inner=seq(oid("1.2.4294967296"))),
        "extension-unknown": _adding(extension("1.2.3.4", b"\x05\x00")),
        "extension-unknown-critical": _adding(extension("1.2.3.4", b"\x05\x00", critical=True)),
        "extension-ce-critical": _adding(extension("2.5.29.99", b"\x05\x00", critical=True)),
        "extension-ct-poison": _adding(
            extension("1.3.6.1.4.1.11129.2.4.3", b"\x05\x00", critical=True)
        ),
        "extension-must-staple": _adding(
            extension("1.3.6.1.5.5.7.1.24", seq(integer(5)), critical=True)
        ),
        "extension-netscape": _adding(
            extension("2.16.840.1.113730.1.1", bits(b"\x40", 6), critical=True)
        ),
        "extension-doubled": lambda spec: spec.but(
            extensions=(*spec.extensions, spec.extensions[0])
        ),
        "extension-doubled-unknown": lambda spec: spec.but(
            extensions=(*spec.extensions, *(2 * (extension("1.2.3.4", NULL),)))
        ),
        "extension-critical-false": _adding(seq(oid("1.2.3.4"), b"\x01\x01\x00", encode(4, NULL))),
        "extension-critical-1": _adding(seq(oid("1.2.3.4"), b"\x01\x01\x01", encode(4, NULL))),
        "extension-critical-long": _adding(
            seq(oid("1.2.3.4"), b"\x01\x02\xff\xff", encode(4, NULL))
        ),
        "extension-no-value": _adding(seq(oid("1.2.3.4"))),
        "extension-value-string": _adding(seq(oid("1.2.3.4"), encode(0x0C, b"x"))),
        "extension-trailing": _adding(seq(oid("1.2.3.4"), encode(4, NULL), NULL)),
        "extension-oid-broken": _adding(seq(b"\x06\x02\x80\x01", encode(4, NULL))),
        "extension-oid-empty": _adding(seq(b"\x06\x00", encode(4, NULL))),
        "extension-oid-large": _adding(extension("1.2.2147483648", NULL)),
        "extension-oid-largest": _adding(extension("1.2.2147483647", NULL)),
        "extension-no-sequence": _adding(encode(0x31, oid("1.2.3.4"), encode(4, NULL))),
        "extensions-empty": _but(extensions=(), after_extensions=b"\xa3\x02\x30\x00"),
        "extensions-not-wrapped": _but(extensions=(), after_extensions=b"\xa3\x00"),
        "no-basic-constraints": lambda spec: spec.without("2.5.29.19"),
        "not-a-ca": _adding(basic_constraints(ca=False)),
        "is-a-ca": _adding(basic_constraints()),
        "basic-empty-not-critical": _adding(extension("2.5.29.19", seq())),
        "basic-not-critical": _adding(extension("2.5.29.19", seq(b"\x01\x01\xff"))),
        "basic-ca-1": _adding(extension("2.5.29.19", seq(b"\x01\x01\x01"))),
        "basic-ca-false": _adding(extension("2.5.29.19", seq(b"\x01\x01\x00"))),
        "basic-path-only": _adding(extension("2.5.29.19", seq(integer(0)))),
        "basic-trailing": _adding(extension("2.5.29.19", seq(b"\x01\x01\xff") + NULL)),
        "basic-trailing-within": _adding(extension("2.5.29.19", seq(b"\x01\x01\xff", NULL))),
        "basic-no-sequence": _adding(extension("2.5.29.19", b"\x01\x01\xff")),
        "path-0": _adding(basic_constraints(length=0)),
        "path-1": _adding(basic_constraints(length=1)),
        "path-negative": _adding(basic_constraints(length=-1)),
        "path-not-minimal": _adding(
            extension("2.5.29.19", seq(b"\x01\x01\xff", b"\x02\x02\x00\x00"))
        ),
        "path-large": _adding(basic_constraints(length=1 << 62)),
        "path-63-bits": _adding(basic_constraints(length=(1 << 63) - 1)),
        "path-64-bits": _adding(basic_constraints(length=1 << 63)),
        "path-65-bits": _adding(basic_constraints(length=1 << 64)),
        "usage-none": lambda spec: spec.without("2.5.29.15"),
        "usage-empty": _adding(extension("2.5.29.15", bits(b""), critical=True)),
        "usage-zero": _adding(extension("2.5.29.15", bits(b"\0", 0), critical=True)),
        "usage-signature": _adding(key_usage(0)),
        "usage-encipherment": _adding(key_usage(2)),
        "usage-agreement": _adding(key_usage(4)),
        "usage-crl-sign": _adding(key_usage(6)),
        "usage-cert-sign": _adding(key_usage(5)),
        "usage-all": _adding(key_usage(0, 1, 2, 3, 4, 5, 6, 7, 8)),
        "usage-decipher": _adding(key_usage(8)),
        "usage-not-critical": _adding(key_usage(0, 5, critical=False)),
        "usage-unused-set": _adding(extension("2.5.29.15", bits(b"\x86", 2))),
        "usage-unused-8": _adding(extension("2.5.29.15", bits(b"\x86", 8))),
        "usage-no-octets": _adding(extension("2.5.29.15", b"\x03\x00")),
        "usage-trailing": _adding(extension("2.5.29.15", bits(b"\x86", 1) + NULL)),
        "usage-integer": _adding(extension("2.5.29.15", integer(6))),
        "eku-none": lambda spec: spec.without("2.5.29.37"),
        "eku-server": _adding(usages(SERVER_AUTH)),
        "eku-client": _adding(usages(CLIENT_AUTH)),
        "eku-both": _adding(usages(CLIENT_AUTH, SERVER_AUTH)),
        "eku-any": _adding(usages(ANY_USAGE)),
        "eku-client-any": _adding(usages(CLIENT_AUTH, ANY_USAGE)),
        "eku-unknown": _adding(usages("1.2.3.4")),
        "eku-unknown-server": _adding(usages("1.2.3.4", SERVER_AUTH)),
        "eku-empty": _adding(usages()),
        "eku-critical": _adding(usages(SERVER_AUTH, critical=True)),
        "eku-client-critical": _adding(usages(CLIENT_AUTH, critical=True)),
        "eku-ocsp": _adding(usages("1.3.6.1.5.5.7.3.9")),
        "eku-ms-sgc": _adding(usages("1.3.6.1.4.1.311.10.3.3")),
        "eku-ns-sgc": _adding(usages("2.16.840.1.113730.4.1")),
        "eku-code": _adding(usages("1.3.6.1.5.5.7.3.3", "1.3.6.1.5.5.7.3.4")),
        "eku-trailing": _adding(extension("2.5.29.37", seq(oid(SERVER_AUTH)) + NULL)),
        "eku-null": _adding(extension("2.5.29.37", seq(oid(SERVER_AUTH), NULL))),
        "eku-large-oid": _adding(usages(SERVER_AUTH, "1.2.4294967296")),
        "eku-no-sequence": _adding(extension("2.5.29.37", oid(SERVER_AUTH))),
        "ski": _adding(*key_ids(b"own")),
        "ski-critical": _adding(extension("2.5.29.14", encode(4, b"own"), critical=True)),
        "ski-empty": _adding(extension("2.5.29.14", b"\x04\x00")),
        "ski-no-octets": _adding(extension("2.5.29.14", b"own")),
        "ski-trailing": _adding(extension("2.5.29.14", encode(4, b"own") + NULL)),
        "aki-other": _adding(*key_ids(issuer=b"other")),
        "aki-critical": _adding(extension("2.5.29.35", seq(encode(0x80, b"other")), critical=True)),
        "aki-empty": _adding(extension("2.5.29.35", seq())),
        "aki-no-sequence": _adding(extension("2.5.29.35", encode(0x80, b"other"))),
        "aki-broken": _adding(extension("2.5.29.35", seq(b"\x80\x09\x01"))),
        "aki-issuer-serial": _adding(
            extension(
                "2.5.29.35",
                seq(encode(0xA1, encode(0xA4, name("Somebody"))), encode(0x82, b"\x07")),
            )
        ),
        "aia": _adding(
            extension(
                "1.3.6.1.5.5.7.1.1",
                seq(seq(oid("1.3.6.1.5.5.7.48.1"), encode(0x86, b"http://ocsp.example"))),
            )
        ),
        "aia-critical": _adding(
            extension(
                "1.3.6.1.5.5.7.1.1",
                seq(seq(oid("1.3.6.1.5.5.7.48.1"), encode(0x86, b"http://ocsp.example"))),
                critical=True,
            )
        ),
        "aia-empty": _adding(extension("1.3.6.1.5.5.7.1.1", seq())),
        "aia-broken": _adding(extension("1.3.6.1.5.5.7.1.1", b"\x05\x00")),
        "aia-no-method": _adding(extension("1.3.6.1.5.5.7.1.1", seq(seq(NULL)))),
        "aia-directory": _adding(
            extension("1.3.6.1.5.5.7.1.1", seq(seq(oid("1.2.3"), encode(0xA4, name("x")))))
        ),
        "crl-points": _adding(
            extension(
                "2.5.29.31",
                seq(seq(encode(0xA0, encode(0xA0, encode(0x86, b"http://crl.example"))))),
            )
        ),
        "crl-points-critical": _adding(
            extension(
                "2.5.29.31",
                seq(seq(encode(0xA0, encode(0xA0, encode(0x86, b"http://crl.example"))))),
                critical=True,
            )
        ),
        "crl-points-broken": _adding(extension("2.5.29.31", b"\x04\x01\x01")),
        "crl-points-broken-2": _adding(extension("2.5.29.31", seq(NULL))),
        "crl-points-broken-3": _adding(extension("2.5.29.31", seq(seq(encode(0xA0, NULL))))),
        "crl-points-relative": _adding(
            extension("2.5.29.31", seq(seq(encode(0xA0, encode(0xA1, attribute("2.5.4.3", b"x"))))))
        ),
        "crl-points-issuer": _adding(
            extension("2.5.29.31", seq(seq(encode(0xA2, encode(0xA4, name("x"))))))
        ),
        "issuer-alt-name": _adding(extension("2.5.29.18", seq(encode(0x82, b"ca")))),
        "issuer-alt-name-critical": _adding(
            extension("2.5.29.18", seq(encode(0x82, b"ca")), critical=True)
        ),
        "private-period-critical": _adding(
            extension("2.5.29.16", seq(encode(0x80, b"20260101000000Z")), critical=True)
        ),
        "subject-directory-critical": _adding(extension("2.5.29.9", seq(), critical=True)),
        "freshest-crl": _adding(extension("2.5.29.46", seq())),
        "sct-list": _adding(extension("1.3.6.1.4.1.11129.2.4.2", encode(4, b"\0\0"))),
        "policy": _adding(policies("1.2.3.4.5")),
        "policy-any": _adding(policies("2.5.29.32.0")),
        "policy-critical": _adding(policies("1.2.3.4.5", critical=True)),
        "policy-twice": _adding(policies("1.2.3.4.5", "1.2.3.4.5")),
        "policy-empty": _adding(policies()),
        "policy-broken": _adding(extension("2.5.29.32", seq(NULL))),
        "policy-oid-broken": _adding(extension("2.5.29.32", seq(seq(b"\x06\x02\x80\x01")))),
        "policy-oid-large": _adding(policies("1.2.99999999999999999999")),
        "policy-qualifier": _adding(
            extension(
                "2.5.29.32",
                seq(
                    seq(
                        oid("1.2.3.4.5"),
                        seq(seq(oid("1.3.6.1.5.5.7.2.1"), encode(0x16, b"http://cps"))),
                    )
                ),
            )
        ),
        "constrain-0": _adding(extension("2.5.29.36", seq(b"\x80\x01\x00"), critical=True)),
        "constrain-1": _adding(extension("2.5.29.36", seq(b"\x80\x01\x01"), critical=True)),
        "constrain-mapping-0": _adding(extension("2.5.29.36", seq(b"\x81\x01\x00"), critical=True)),
        "constrain-both": _adding(
            extension("2.5.29.36", seq(b"\x80\x01\x00\x81\x01\x00"), critical=True)
        ),
        "constrain-empty": _adding(extension("2.5.29.36", seq(), critical=True)),
        "constrain-negative": _adding(extension("2.5.29.36", seq(b"\x80\x01\xff"), critical=True)),
        "constrain-broken": _adding(extension("2.5.29.36", seq(b"\x80\x00"), critical=True)),
        "constrain-large": _adding(
            extension("2.5.29.36", seq(encode(0x80, b"\x7f" + b"\xff" * 8)), critical=True)
        ),
        "inhibit-any-0": _adding(extension("2.5.29.54", integer(0), critical=True)),
        "inhibit-any-1": _adding(extension("2.5.29.54", integer(1), critical=True)),
        "inhibit-any-negative": _adding(extension("2.5.29.54", integer(-1), critical=True)),
        "inhibit-any-broken": _adding(extension("2.5.29.54", NULL, critical=True)),
        "mapping": _adding(
            extension("2.5.29.33", seq(seq(oid("1.2.3.4.5"), oid("1.2.3.4.6"))), critical=True)
        ),
        "mapping-any": _adding(
            extension("2.5.29.33", seq(seq(oid("2.5.29.32.0"), oid("1.2.3.4.6"))), critical=True)
        ),
        "mapping-empty": _adding(extension("2.5.29.33", seq(), critical=True)),
        "mapping-broken": _adding(
            extension("2.5.29.33", seq(seq(oid("1.2.3")))),
        ),
    }
    found.update(_list_constraint_changes())
    found.update(_list_key_changes())
    found.update(_list_string_changes())
    return found


def _list_constraint_changes() -> dict[str, Change]:
    lists: dict[str, tuple[list[str], list[str]]] = {
        "permitted": (["DNS:example.com"], []),
        "permitted-dot": (["DNS:.example.com"], []),
        "permitted-exact": ([f"DNS:{HOST}"], []),
        "permitted-dot-exact": ([f"DNS:.{HOST}"], []),
        "permitted-upper": (["DNS:EXAMPLE.COM"], []),
        "permitted-other": (["DNS:example.org"], []),
        "permitted-part": (["DNS:ample.com"], []),
        "permitted-tld": (["DNS:com"], []),
        "permitted-empty": (["DNS:"], []),
        "permitted-two": (["DNS:example.org", "DNS:example.com"], []),
        "permitted-wildcard": (["DNS:*.example.com"], []),
        "permitted-trailing-dot": (["DNS:example.com."], []),
        "permitted-two-dots": (["DNS:..example.com"], []),
        "permitted-space": (["DNS:exam ple.com"], []),
        "permitted-latin1": (["DNS:ex\xe4mple.com"], []),
        "permitted-ip-only": (["IP:7f000000ff000000"], []),
        "permitted-ip-other": (["DNS:example.com", "IP:0a000000ff000000"], []),
        "permitted-ip-both": (["DNS:example.com", "IP:7f000000ff000000"], []),
        "permitted-ip-v6": (["IP:" + "00" * 32], []),
        "permitted-ip-mapped": (["IP:" + "00" * 10 + "ffff7f000000" + "ff" * 13 + "000000"], []),
        "permitted-ip-mask": (["IP:7f000000ff00ff00"], []),
        "permitted-ip-short": (["IP:7f0000"], []),
        "permitted-ip-no-mask": (["IP:7f000001"], []),
        "permitted-email": (["email:example.com"], []),
        "permitted-email-box": (["email:ops@example.com"], []),
        "permitted-email-broken": (["email:@"], []),
        "permitted-uri": (["URI:example.com"], []),
        "permitted-uri-ip": (["URI:10.0.0.1"], []),
        "permitted-dir": (["dir:Example"], []),
        "permitted-rid": (["RID:*"], []),
        "excluded": ([], ["DNS:example.com"]),
        "excluded-dot": ([], ["DNS:.example.com"]),
        "excluded-other": ([], ["DNS:example.org"]),
        "excluded-exact": ([], [f"DNS:{HOST}"]),
        "excluded-below": ([], [f"DNS:a.{HOST}"]),
        "excluded-empty": ([], ["DNS:"]),
        "excluded-ip": ([], ["IP:7f000000ff000000"]),
        "excluded-ip-other": ([], ["IP:0a000000ff000000"]),
        "excluded-ip-all": ([], ["IP:0000000000000000"]),
        "excluded-email": ([], ["email:example.com"]),
        "excluded-dir": ([], ["dir:Example"]),
        "excluded-uri": ([], ["URI:example.com"]),
        "both-overlap": (["DNS:example.com"], [f"DNS:{HOST}"]),
        "both-apart": (["DNS:example.com"], ["DNS:internal.example.com"]),
        "empty": ([], []),
    }
    found: dict[str, Change] = {}
    for key, (permitted, excluded) in lists.items():
        found[f"nc-{key}"] = _adding(constraints(permitted, excluded))
    for key in ("permitted-dir", "excluded-dir", "permitted-other", "permitted"):
        found[f"nc-{key}-not-critical"] = _adding(constraints(*lists[key], critical=False))
    raw = {
        "trailing": seq(encode(0xA0, seq(encode(0x82, b"example.com")))) + NULL,
        "trailing-within": seq(encode(0xA0, seq(encode(0x82, b"example.com"))), NULL),
        "minimum": seq(encode(0xA0, seq(encode(0x82, b"example.com"), b"\x80\x01\x01"))),
        "lists-empty": seq(encode(0xA0), encode(0xA1)),
        "no-base": seq(encode(0xA0, seq())),
        "no-subtree": seq(encode(0xA0, NULL)),
        "order": seq(
            encode(0xA1, seq(encode(0x82, b"example.org"))),
            encode(0xA0, seq(encode(0x82, b"example.com"))),
        ),
        "no-sequence": b"\x05\x00",
        "primitive": seq(encode(0x80, seq(encode(0x82, b"example.com")))),
    }
    for key, value in raw.items():
        found[f"nc-raw-{key}"] = _adding(extension("2.5.29.30", value, critical=True))
    return found


def _rsa_spki(modulus: bytes, exponent: bytes, parameters: bytes = NULL) -> bytes:
    return seq(seq(oid("1.2.840.113549.1.1.1"), parameters), bits(seq(modulus, exponent)))


def _list_key_changes() -> dict[str, Change]:
    keys = {
        "p224": ec_key("key", "P-224"),
        "p384": ec_key("key", "P-384"),
        "p521": ec_key("key", "P-521"),
        "p192": ec_key("key", "P-192"),
        "secp256k1": ec_key("key", "secp256k1"),
        "brainpool": ec_key("key", "brainpoolP256r1"),
        "ed25519": ed25519_key("key"),
        "ed448": ed448_key("key"),
        "rsa-512": rsa_key(512),
        "rsa-768": rsa_key(768),
        "rsa-1016": rsa_key(1016),
        "rsa-1023": rsa_key(1023),
        "rsa-1024": rsa_key(1024),
        "rsa-1025": rsa_key(1025),
        "rsa-1536": rsa_key(1536),
        "rsa-2047": rsa_key(2047),
        "rsa-2048": rsa_key(2048),
        "rsa-e3": rsa_key(2048, "three", 3),
        "rsa-e-2-31": rsa_key(2048, "large", (1 << 31) - 1),
        "rsa-e-2-33": rsa_key(2048, "larger", (1 << 33) + 17),
    }
    found: dict[str, Change] = {f"key-{key}": _but(key=made) for key, made in keys.items()}
    number = integer(rsa_key(2048).public_key().public_numbers().n)
    e = integer(65537)
    p256 = oid("1.2.840.10045.3.1.7")
    ec = oid("1.2.840.10045.2.1")
    point = spki_of(ec_key("leaf"))[-65:]
    spkis = {
        "rsa-no-null": _rsa_spki(number, e, b""),
        "rsa-pss-oid": seq(seq(oid("1.2.840.113549.1.1.10")), bits(seq(number, e))),
        "rsa-e1": _rsa_spki(number, integer(1)),
        "rsa-e2": _rsa_spki(number, integer(2)),
        "rsa-e0": _rsa_spki(number, integer(0)),
        "rsa-e-negative": _rsa_spki(number, integer(-3)),
        "rsa-e-63": _rsa_spki(number, integer((1 << 63) - 1)),
        "rsa-e-64": _rsa_spki(number, integer((1 << 64) + 1)),
        "rsa-n-even": _rsa_spki(integer(1 << 2047), e),
        "rsa-n-negative": _rsa_spki(integer(-(1 << 2047)), e),
        "rsa-n-0": _rsa_spki(integer(0), e),
        "rsa-n-1": _rsa_spki(integer(1), e),
        "rsa-n-4096": _rsa_spki(integer((1 << 4095) | 1), e),
        "rsa-n-8192": _rsa_spki(integer((1 << 8191) | 1), e),
        "rsa-n-8193": _rsa_spki(integer((1 << 8192) | 1), e),
        "rsa-n-16384": _rsa_spki(integer((1 << 16383) | 1), e),
        "rsa-n-not-minimal": _rsa_spki(b"\x02\x82\x01\x02\0\0" + number[-256:], e),
        "rsa-trailing": seq(seq(oid("1.2.840.113549.1.1.1"), NULL), bits(seq(number, e) + NULL)),
        "rsa-no-sequence": seq(seq(oid("1.2.840.113549.1.1.1"), NULL), bits(number + e)),
        "ec-explicit": seq(seq(ec, seq(integer(1), NULL)), bits(point)),
        "ec-no-curve": seq(seq(ec), bits(point)),
        "ec-null": seq(seq(ec, NULL), bits(point)),
        "ec-unknown-curve": seq(seq(ec, oid("1.2.3")), bits(point)),
        "ec-compressed": seq(seq(ec, p256), bits(b"\x02" + point[1:33])),
        "ec-hybrid": seq(seq(ec, p256), bits(b"\x06" + point[1:])),
        "ec-off-curve": seq(seq(ec, p256), bits(b"\x04" + bytes(63) + b"\x01")),
        "ec-infinity": seq(seq(ec, p256), bits(b"\0")),
        "ec-short": seq(seq(ec, p256), bits(point[:-1])),
        "ec-empty": seq(seq(ec, p256), bits(b"")),
        "ec-trailing-parameters": seq(seq(ec, p256, NULL), bits(point)),
        "ed25519-null": seq(seq(oid("1.3.101.112"), NULL), bits(bytes(32))),
        "ed25519-short": seq(seq(oid("1.3.101.112")), bits(bytes(31))),
        "ed25519-any": seq(seq(oid("1.3.101.112")), bits(b"\xff" * 32)),
        "x25519": seq(seq(oid("1.3.101.110")), bits(bytes(range(32)))),
        "unknown": seq(seq(oid("1.2.3.4")), bits(b"key")),
        "ml-dsa": seq(seq(oid("2.16.840.1.101.3.4.3.17")), bits(bytes(1312))),
        "dsa": seq(
            seq(oid("1.2.840.10040.4.1"), seq(integer(23), integer(11), integer(4))),
            bits(integer(8)),
        ),
        "dsa-no-parameters": seq(seq(oid("1.2.840.10040.4.1")), bits(integer(8))),
        "dsa-zero": seq(
            seq(oid("1.2.840.10040.4.1"), seq(integer(0), integer(11), integer(4))),
            bits(integer(8)),
        ),
        "dsa-broken": seq(
            seq(oid("1.2.840.10040.4.1"), seq(integer(23), integer(11), integer(4))), bits(NULL)
        ),
        "no-bits": seq(seq(ec, p256), b"\x03\x00"),
        "octets": seq(seq(ec, p256), encode(4, point)),
        "unused-bits": seq(seq(ec, p256), bits(point[:-1] + b"\x80", 1)),
        "empty": seq(),
        "algorithm-empty": seq(seq(), bits(point)),
        "trailing": seq(seq(ec, p256), bits(point), NULL),
    }
    found.update({f"spki-{key}": _but(spki=value) for key, value in spkis.items()})
    return found


def _list_string_changes() -> dict[str, Change]:
    values = {
        "printable": (0x13, b"Example Server"),
        "printable-star": (0x13, b"*.example.com"),
        "printable-at": (0x13, b"ops@example.com"),
        "printable-underscore": (0x13, b"a_b"),
        "printable-and": (0x13, b"A & B"),
        "utf8-invalid": (0x0C, b"\xff\xfe"),
        "utf8-surrogate": (0x0C, b"\xed\xa0\x80"),
        "utf8-nul": (0x0C, b"a\0b"),
        "ia5": (0x16, b"ops@example.com"),
        "ia5-high": (0x16, b"\xe4"),
        "teletex": (0x14, b"\xe4\xf6"),
        "bmp": (0x1E, "Bär".encode("utf-16-be")),
        "bmp-odd": (0x1E, b"\0a\0"),
        "bmp-terminated": (0x1E, b"\0a\0\0"),
        "bmp-surrogate": (0x1E, b"\xd8\x00\xdc\x00"),
        "bmp-noncharacter": (0x1E, b"\xff\xfe"),
        "universal": (0x1C, b"\0\0\0a"),
        "numeric": (0x12, b"12 34"),
        "numeric-letters": (0x12, b"12a"),
        "visible": (0x1A, b"abc"),
        "bits": (0x03, b"\0abc"),
        "integer": (0x02, b"\x01"),
        "sequence": (0x30, b""),
        "empty": (0x0C, b""),
        "long-tag": (0x1F, b"\x01\x01a"),
    }
    found: dict[str, Change] = {
        f"string-{key}": _but(subject=seq(attribute("2.5.4.3", value, tag)))
        for key, (tag, value) in values.items()
    }
    raw = {
        "set-empty": seq(encode(0x31)),
        "no-set": seq(seq(oid("2.5.4.3"), encode(0x0C, b"a"))),
        "no-attribute": seq(encode(0x31, NULL)),
        "no-type": seq(encode(0x31, seq(NULL, NULL))),
        "no-value": seq(encode(0x31, seq(oid("2.5.4.3")))),
        "two-in-one": seq(
            encode(
                0x31,
                seq(oid("2.5.4.3"), encode(0x0C, b"a")),
                seq(oid("2.5.4.10"), encode(0x0C, b"b")),
            )
        ),
        "attribute-trailing": seq(encode(0x31, seq(oid("2.5.4.3"), encode(0x0C, b"a"), NULL))),
        "type-large": seq(attribute("2.5.4.4294967296", b"a")),
        "long": name("a" * 3000),
    }
    found.update({f"name-{key}": _but(subject=value) for key, value in raw.items()})
    return found


def list_signatures() -> Iterator[tuple[str, Setting]]:
    """Yield chains whose issuers sign in every way."""
    for key, made in {
        "rsa": rsa_key(2048),
        "rsa-1024": rsa_key(1024),
        "rsa-512": rsa_key(512),
        "rsa-1023": rsa_key(1023),
        "rsa-e3": rsa_key(2048, "three", 3),
        "rsa-e-2-31": rsa_key(2048, "large", (1 << 31) - 1),
        "rsa-e-2-33": rsa_key(2048, "larger", (1 << 33) + 17),
        "p224": ec_key("ca", "P-224"),
        "p384": ec_key("ca", "P-384"),
        "p521": ec_key("ca", "P-521"),
        "secp256k1": ec_key("ca", "secp256k1"),
        "p192": ec_key("ca", "P-192"),
        "brainpool": ec_key("ca", "brainpoolP256r1"),
    }.items():
        hashes = ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"]
        if key in {"rsa", "rsa-1024", "rsa-1023"}:
            hashes += ["pss-sha256", "pss-sha384", "pss-sha1"]
            hashes += ["pss-sha512"] if key == "rsa" else []
        if not key.startswith("rsa"):
            hashes = [*hashes[1:], "sha3-256"]
        if key == "rsa-512":
            hashes = ["sha1", "sha256"]
        for level, above in (("leaf", "intermediate"), ("intermediate", "root")):
            for hash_ in hashes:
                setting = Setting().change(above, _but(key=made))
                yield f"{key}-{hash_}-{level}", setting.change(level, _but(hash=hash_))
    for key, edwards in {"ed25519": ed25519_key("ca"), "ed448": ed448_key("ca")}.items():
        for above in ("intermediate", "root"):
            yield f"{key}-{above}", Setting().change(above, _but(key=edwards))
    ca = rsa_key(2048)
    for key, algorithm in {
        "pss-salt-20": pss_algorithm("sha256", salt=20),
        "pss-mask-other": pss_algorithm("sha256", mask="sha1"),
        "pss-no-null": pss_algorithm("sha256", null=False),
        "pss-trailer": pss_algorithm("sha256", trailer=True),
        "pss-no-parameters": seq(oid("1.2.840.113549.1.1.10")),
        "pss-null": seq(oid("1.2.840.113549.1.1.10"), NULL),
        "pss-empty": seq(oid("1.2.840.113549.1.1.10"), seq()),
        "pkcs1-no-null": seq(oid("1.2.840.113549.1.1.11")),
        "pkcs1-other-parameters": seq(oid("1.2.840.113549.1.1.11"), integer(1)),
        "sha1-iso": seq(oid("1.3.14.3.2.29"), NULL),
        "md2": seq(oid("1.2.840.113549.1.1.2"), NULL),
        "claims-sha512": algorithm_of(ca, "sha512"),
        "claims-ecdsa": algorithm_of(ec_key("ca")),
        "claims-dsa": seq(oid("2.16.840.1.101.3.4.3.2")),
        "claims-dsa-sha1": seq(oid("1.2.840.10040.4.3")),
        "claims-ed25519": seq(oid("1.3.101.112")),
        "claims-ed25519-null": seq(oid("1.3.101.112"), NULL),
    }.items():
        hash_ = "pss-sha256" if key.startswith("pss") else "sha256"
        for level, above in (("leaf", "intermediate"), ("intermediate", "root")):
            setting = Setting().change(above, _but(key=ca))
            yield f"{key}-{level}", setting.change(level, _but(hash=hash_, inner=algorithm))


def with_san(*names: str, critical: bool = False) -> Spec:
    """The usual end entity with other names."""
    return LEAF.adding(san(*names, critical=critical))
