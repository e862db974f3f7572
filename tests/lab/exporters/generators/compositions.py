"""Files of several blocks: order, what stands between them, what is commented out, bundles."""

from collections.abc import Iterator
from functools import cache
from typing import Final

from tests.lab.exporters.generators import formats as f
from tests.lab.exporters.generators.certificates import (
    CA_EXTENSIONS,
    INTERMEDIATE,
    OTHER_ROOT,
    ROOT,
)
from tests.lab.exporters.generators.credential_set import (
    CA,
    EC_CERT,
    EC_KEY,
    INTERMEDIATE_CERT,
    INTERMEDIATE_LEAF,
    OTHER_CA,
    RSA_CERT,
    RSA_KEY,
    SERVER_LEAF,
    CredentialFiles,
    certificate_pem,
    changed,
)
from tests.lab.exporters.generators.keys import P256, ec_key, rsa_key
from tests.lab.exporters.generators.wrappings import BOM, WRAPPINGS, armour

_PKCS1: Final = armour("RSA PRIVATE KEY", rsa_key().traditional)
_SEC1: Final = armour("EC PRIVATE KEY", ec_key(name="client").traditional)
_OTHER_KEY: Final = armour("PRIVATE KEY", rsa_key("2048-other").pkcs8)
_OTHER_EC_KEY: Final = armour("EC PRIVATE KEY", ec_key(name="other").traditional)
_OTHER_CERT: Final = certificate_pem(OTHER_ROOT.client(rsa_key("2048-other")))
_PARAMETERS: Final = armour("EC PARAMETERS", P256)
_EXPIRED: Final = certificate_pem(f.expired_authority())
_BAD_BASE64: Final = b"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n"
_BAD_DER: Final = armour("CERTIFICATE", b"not a certificate")
_CRL: Final = armour("X509 CRL", f.revocation_list())
_LEAF_BY_INTERMEDIATE: Final = certificate_pem(INTERMEDIATE.client(rsa_key()))

BETWEEN: Final[dict[str, tuple[str, bytes]]] = {
    "nothing": ("nothing", b""),
    "blank": ("an empty line", b"\n"),
    "text": ("text", b"the next one\n"),
    "utf8": ("UTF-8 text", "nächstes\n".encode()),
    "latin1": ("Latin-1 text", "nächstes\n".encode("latin-1")),
    "bom": ("a BOM", BOM),
    "spaces": ("two spaces", b"  "),
    "nul": ("a NUL byte", b"\0"),
    "ctrl-z": ("a Ctrl-Z", b"\x1a"),
    "hash": ("a comment", b"# next\n"),
    "dashes": ("five dashes", b"-----\n"),
    "many-dashes": ("a line of dashes", b"-" * 40 + b"\n"),
    "begin-word": ("the word BEGIN", b"BEGIN next\n"),
    "begin-dashes": ("dashes and BEGIN", b"-----BEGIN next\n"),
    "bag": ("Bag Attributes", b"Bag Attributes\n    localKeyID: 01 \nsubject=CN = lab\n"),
    "crlf": ("CR LF", b"\r\n"),
    "separator": ("---", b"---\n"),
    "crl": ("a revocation list", _CRL),
    "bad-base64": ("a block that is not base64", _BAD_BASE64),
    "bad-der": ("a block that is not a certificate", _BAD_DER),
    "unknown": ("a block of another kind", armour("LAB DATA", b"lab")),
    "dh": ("DH PARAMETERS", armour("DH PARAMETERS", b"0\0")),
    "public": ("a public key", armour("PUBLIC KEY", rsa_key().spki)),
    "no-end": ("a BEGIN without END", b"-----BEGIN CERTIFICATE-----\nMIIB\n"),
    "no-begin": ("an END without BEGIN", b"MIIB\n-----END CERTIFICATE-----\n"),
    "empty-block": ("an empty block", b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"),
}
"""What may stand between two blocks of a file."""


def composed() -> Iterator[CredentialFiles]:
    """Yield all cases of this module."""
    yield from _between()
    yield from _joined()
    yield from _commented()
    yield from _key_and_certificate()
    yield from _several_keys()
    yield from _chains()
    yield from _authorities()
    yield from _bundles()


def _between() -> Iterator[CredentialFiles]:
    for case, (what, text) in BETWEEN.items():
        yield changed(f"between-{case}-chain", f"{what} between leaf and intermediate", "cert", _LEAF_BY_INTERMEDIATE + text + INTERMEDIATE_CERT)  # fmt: skip
        yield changed(f"between-{case}-ca", f"another CA, {what}, ours", "ca", OTHER_CA + text + CA)
        yield changed(f"between-{case}-ca-first", f"our CA, {what}, another", "ca", CA + text + OTHER_CA)  # fmt: skip
        yield changed(
            f"before-{case}-cert", f"{what} before the certificate", "cert", text + RSA_CERT
        )
        yield changed(
            f"after-{case}-cert", f"{what} behind the certificate", "cert", RSA_CERT + text
        )
        yield changed(f"before-{case}-ca", f"{what} before the CA", "ca", text + CA)
        yield changed(f"after-{case}-ca", f"{what} behind the CA", "ca", CA + text)
        yield changed(f"before-{case}-key", f"{what} before the key", "key", text + RSA_KEY)
        yield changed(f"after-{case}-key", f"{what} behind the key", "key", RSA_KEY + text)
        yield changed(f"before-{case}-sec1", f"{what} before a SEC1 key", "key", text + _SEC1, cert=EC_CERT)  # fmt: skip


def _joined() -> Iterator[CredentialFiles]:
    """Yield files whose END and BEGIN are joined, as `cat` does where a newline is missing."""
    for mark, glue in (("", b""), ("-space", b" "), ("-text", b" # "), ("-cr", b"\r")):

        def join(*blocks: bytes, glue: bytes = glue) -> bytes:
            return glue.join(block.rstrip(b"\n") for block in blocks) + b"\n"

        yield changed(f"joined{mark}-chain", "END and BEGIN on one line", "cert", join(_LEAF_BY_INTERMEDIATE, INTERMEDIATE_CERT))  # fmt: skip
        yield changed(f"joined{mark}-ca", "our CA joined to another", "ca", join(CA, OTHER_CA))
        yield changed(
            f"joined{mark}-ca-second", "another CA joined to ours", "ca", join(OTHER_CA, CA)
        )
        yield changed(f"joined{mark}-ca-third", "two joined, ours behind them", "ca", join(OTHER_CA, _EXPIRED) + CA)  # fmt: skip
        both = join(RSA_KEY, RSA_CERT)
        yield changed(f"joined{mark}-key-cert", "key joined to certificate", "cert", both, key=both)
        both = join(RSA_CERT, RSA_KEY)
        yield changed(f"joined{mark}-cert-key", "certificate joined to key", "cert", both, key=both)
        yield changed(
            f"joined{mark}-keys", "our key joined to another", "key", join(RSA_KEY, _OTHER_KEY)
        )


def _commented() -> Iterator[CredentialFiles]:
    """Yield an old key or certificate that is commented out next to the good one."""
    for case in ("commented-hash", "commented-slashes", "commented-semicolon", "indent-all-4",
                 "arrow-prefix", "diff-added", "one-line", "escaped-n", "utf16-nobom"):  # fmt: skip
        _, comment = WRAPPINGS[case]
        old, old_sec1 = comment(_OTHER_KEY), comment(_OTHER_EC_KEY)
        yield changed(f"old-{case}-before-key", f"old key ({case}) first", "key", old + RSA_KEY)
        yield changed(f"old-{case}-after-key", f"old key ({case}) last", "key", RSA_KEY + old)
        yield changed(f"old-{case}-before-sec1", f"old SEC1 key ({case}) first", "key", old_sec1 + _SEC1, cert=EC_CERT)  # fmt: skip
        old = comment(_OTHER_CERT)
        yield changed(f"old-{case}-before-cert", f"old certificate ({case}) first", "cert", old + RSA_CERT)  # fmt: skip
        yield changed(f"old-{case}-after-cert", f"old certificate ({case}) last", "cert", RSA_CERT + old)  # fmt: skip
        old = comment(OTHER_CA)
        yield changed(f"old-{case}-before-ca", f"old CA ({case}) first", "ca", old + CA)
        yield changed(f"old-{case}-after-ca", f"old CA ({case}) last", "ca", CA + old)
        yield changed(f"old-{case}-mid-chain", f"old certificate ({case}) within the chain", "cert", _LEAF_BY_INTERMEDIATE + comment(_OTHER_CERT) + INTERMEDIATE_CERT)  # fmt: skip


def _key_and_certificate() -> Iterator[CredentialFiles]:
    """Yield one file for both settings, and parts of it in the wrong one."""
    pairs = {"pkcs8": (RSA_KEY, RSA_CERT), "pkcs1": (_PKCS1, RSA_CERT), "sec1": (_SEC1, EC_CERT)}
    for form, (key, certificate) in pairs.items():
        both = {"key-first": key + certificate, "cert-first": certificate + key}
        for order, content in both.items():
            what = f"{form}: {order}, one file"
            yield changed(f"one-file-{form}-{order}", what, "cert", content, key=content)
            yield changed(f"one-file-{form}-{order}-cert", f"{what}, as certificate", "cert", content, key=key)  # fmt: skip
            yield changed(f"one-file-{form}-{order}-key", f"{what}, as key", "key", content, cert=certificate)  # fmt: skip
    everything = RSA_KEY + RSA_CERT + CA
    yield changed("one-file-all", "one file for all three", "cert", everything, key=everything, ca=everything)  # fmt: skip
    yield changed("one-file-all-ca", "key, certificate and CA as CA", "ca", everything)
    everything = CA + RSA_CERT + RSA_KEY
    yield changed("one-file-ca-first", "CA, certificate, key in one file", "cert", everything, key=everything, ca=everything)  # fmt: skip
    _, bag = WRAPPINGS["bag-attributes"]
    everything = bag(RSA_KEY) + bag(RSA_CERT) + bag(CA)
    yield changed("one-file-bags", "openssl pkcs12 -nodes, all of it", "cert", everything, key=everything)  # fmt: skip
    yield changed("one-file-bags-cert", "the same, as certificate", "cert", everything)
    yield changed("one-file-bags-key", "the same, as key", "key", everything)


def _several_keys() -> Iterator[CredentialFiles]:
    yield changed("two-keys", "our key, then another", "key", RSA_KEY + _OTHER_KEY)
    yield changed("two-keys-reversed", "another key, then ours", "key", _OTHER_KEY + RSA_KEY)
    yield changed(
        "two-keys-pkcs1-first", "our key as PKCS#1, then as PKCS#8", "key", _PKCS1 + RSA_KEY
    )
    yield changed(
        "two-keys-pkcs8-first", "our key as PKCS#8, then as PKCS#1", "key", RSA_KEY + _PKCS1
    )
    yield changed("two-keys-kinds", "an EC key, then our RSA key", "key", EC_KEY + RSA_KEY)
    yield changed("two-keys-same", "our key twice", "key", RSA_KEY + RSA_KEY)
    yield changed("parameters-sec1", "EC PARAMETERS, then SEC1", "key", _PARAMETERS + _SEC1, cert=EC_CERT)  # fmt: skip
    yield changed("parameters-pkcs8", "EC PARAMETERS, then PKCS#8", "key", _PARAMETERS + EC_KEY, cert=EC_CERT)  # fmt: skip
    yield changed("sec1-parameters", "SEC1, then EC PARAMETERS", "key", _SEC1 + _PARAMETERS, cert=EC_CERT)  # fmt: skip
    yield changed("cert-then-key", "the certificate before the key", "key", RSA_CERT + RSA_KEY)
    yield changed("key-then-cert", "the certificate behind the key", "key", RSA_KEY + RSA_CERT)
    yield changed("damaged-then-key", "a damaged key, then ours", "key", WRAPPINGS["lines-lost"][1](_OTHER_KEY) + RSA_KEY)  # fmt: skip
    yield changed("key-then-damaged", "our key, then a damaged one", "key", RSA_KEY + WRAPPINGS["lines-lost"][1](_OTHER_KEY))  # fmt: skip
    yield changed("cut-then-key", "a key that is cut, then ours", "key", WRAPPINGS["cut-half"][1](_OTHER_KEY) + b"\n" + RSA_KEY)  # fmt: skip
    yield changed("public-then-key", "the public key, then the private one", "key", armour("PUBLIC KEY", rsa_key().spki) + RSA_KEY)  # fmt: skip


def _chains() -> Iterator[CredentialFiles]:
    """Yield the certificates of the client's file in every order."""
    leaf, mid = _LEAF_BY_INTERMEDIATE, INTERMEDIATE_CERT
    damaged = WRAPPINGS["lines-lost"][1]
    cases: dict[str, tuple[str, bytes]] = {
        "leaf-only": ("the leaf without its intermediate", leaf),
        "intermediate-only": ("the intermediate without the leaf", mid),
        "reversed": ("the intermediate first", mid + leaf),
        "with-root": ("leaf, intermediate, root", leaf + mid + CA),
        "root-first": ("root, intermediate, leaf", CA + mid + leaf),
        "root-between": ("leaf, root, intermediate", leaf + CA + mid),
        "leaf-twice": ("the leaf twice, then the intermediate", leaf + leaf + mid),
        "intermediate-twice": ("the intermediate twice", leaf + mid + mid),
        "other-between": ("another certificate in between", leaf + OTHER_CA + mid),
        "other-leaf-second": ("another leaf behind it", leaf + _OTHER_CERT + mid),
        "other-leaf-first": ("another leaf first", _OTHER_CERT + leaf + mid),
        "expired-between": ("an expired root in between", leaf + _EXPIRED + mid),
        "second-damaged": ("the second block damaged", leaf + damaged(mid)),
        "third-damaged": ("the third block damaged", leaf + mid + damaged(CA)),
        "first-damaged": ("the first block damaged", damaged(leaf) + mid),
        "first-damaged-good": ("a damaged block, then leaf and intermediate", damaged(_OTHER_CERT) + leaf + mid),
        "second-not-certificate": ("a second block that is not a certificate", leaf + _BAD_DER + mid),
        "second-bad-base64": ("a second block that is not base64", leaf + _BAD_BASE64 + mid),
        "second-key": ("the key between leaf and intermediate", leaf + RSA_KEY + mid),
        "second-cut": ("the second block cut", leaf + mid[:300]),
        "root-leaf-only": ("leaf signed by the root, intermediate behind it", RSA_CERT + mid),
        "ten": ("ten further certificates", leaf + mid + OTHER_CA * 10),
    }  # fmt: skip
    for case, (what, content) in cases.items():
        yield changed(f"chain-{case}", what, "cert", content)


def _authorities() -> Iterator[CredentialFiles]:
    """Yield what people take for the CA, against a backend that sends its intermediate or not."""
    damaged = WRAPPINGS["lines-lost"][1]
    files: dict[str, tuple[str, bytes]] = {
        "root": ("the root", CA),
        "intermediate": ("the intermediate alone", INTERMEDIATE_CERT),
        "both": ("root and intermediate", CA + INTERMEDIATE_CERT),
        "intermediate-first": ("intermediate and root", INTERMEDIATE_CERT + CA),
        "leaf": ("the server's own certificate", INTERMEDIATE_LEAF),
        "leaf-by-root": ("another certificate of the server", SERVER_LEAF),
        "leaf-and-root": ("the server's certificate and the root", INTERMEDIATE_LEAF + CA),
        "full-chain": ("the server's whole chain", INTERMEDIATE_LEAF + INTERMEDIATE_CERT + CA),
        "other": ("another root", OTHER_CA),
        "client": ("the client's certificate", RSA_CERT),
    }
    for backend, sends in (
        ("root", "leaf of the root"), ("intermediate", "leaf and intermediate"), ("incomplete", "leaf alone"),
    ):  # fmt: skip
        for case, (what, content) in files.items():
            files_ = changed(f"anchor-{case}-{backend}", f"{what}; the server sends {sends}", "ca", content)  # fmt: skip
            yield CredentialFiles(files_.id, files_.what, "ca", files_.cert, files_.key, files_.ca, backend)  # fmt: skip
    bundles: dict[str, tuple[str, bytes]] = {
        "twice": ("our CA twice", CA + CA),
        "expired-first": ("an expired root, then ours", _EXPIRED + CA),
        "damaged-first": ("a damaged CA, then ours", damaged(OTHER_CA) + CA),
        "damaged-second": ("our CA, then a damaged one", CA + damaged(OTHER_CA)),
        "not-certificate-first": ("a block that is not a certificate, then ours", _BAD_DER + CA),
        "not-certificate-second": ("our CA, then a block that is not a certificate", CA + _BAD_DER),
        "bad-base64-first": ("a block that is not base64, then ours", _BAD_BASE64 + CA),
        "bad-base64-second": ("our CA, then a block that is not base64", CA + _BAD_BASE64),
        "cut-second": ("our CA, then one that is cut", CA + OTHER_CA[:200]),
        "key-first": ("a key, then our CA", RSA_KEY + CA),
        "crl-second": ("our CA, then its revocation list", CA + _CRL),
        "trusted-first": ("a TRUSTED CERTIFICATE, then ours", armour("TRUSTED CERTIFICATE", f.trusted(OTHER_ROOT.own_certificate())) + CA),
        "trusted-second": ("our CA, then a TRUSTED CERTIFICATE", CA + armour("TRUSTED CERTIFICATE", f.trusted(OTHER_ROOT.own_certificate()))),
        "pkcs7-first": ("PKCS#7, then our CA", armour("PKCS7", f.pkcs7(OTHER_ROOT.own_certificate())) + CA),
        "der-then-pem": ("DER, then PEM", OTHER_ROOT.own_certificate() + b"\n" + CA),
        "pem-then-der": ("PEM, then DER", CA + OTHER_ROOT.own_certificate()),
        "same-name": ("another CA of the same name, then ours", certificate_pem(_namesake()) + CA),
        "same-name-second": ("our CA, then another of the same name", CA + certificate_pem(_namesake())),
    }  # fmt: skip
    for case, (what, content) in bundles.items():
        yield changed(f"anchors-{case}", what, "ca", content)


def _namesake() -> bytes:
    return OTHER_ROOT.certificate(
        ROOT.subject, OTHER_ROOT.key.spki, CA_EXTENSIONS, issuer=ROOT.subject
    )


@cache
def _fillers(count: int) -> bytes:
    return certificate_pem(*(f.filler_certificate(number) for number in range(count)))


def _bundles() -> Iterator[CredentialFiles]:
    """Yield bundles as systems have them, and larger ones."""
    system, large = _fillers(140), _fillers(3500)
    with_text = b"".join(
        b"\n# filler\n# =====\n" + armour("CERTIFICATE", f.filler_certificate(number))
        for number in range(140)
    )
    cases: dict[str, tuple[str, bytes]] = {
        "140-last": ("140 roots, then ours", system + CA),
        "140-first": ("ours, then 140 roots", CA + system),
        "140-text": ("140 roots with comments, then ours", with_text + CA),
        "140-without": ("140 roots without ours", system),
        "140-damaged-mid": ("a damaged block among 140 roots, then ours", system + _BAD_DER + system + CA),
        "140-base64-mid": ("a block that is not base64 among 140, then ours", system + _BAD_BASE64 + system + CA),
        "140-expired-mid": ("an expired root among 140, then ours", system + _EXPIRED + system + CA),
        "3500-last": ("3,500 roots (1.7 MB), then ours", large + CA),
        "3500-first": ("ours, then 3,500 roots", CA + large),
        "1000-same": ("our CA 1,000 times", CA * 1000),
        "text-1mb": ("a megabyte of text, then ours", b"# filler\n" * 120000 + CA),
    }  # fmt: skip
    for case, (what, content) in cases.items():
        yield changed(f"bundle-{case}", what, "ca", content)
