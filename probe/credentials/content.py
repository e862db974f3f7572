"""What one credential file holds for its role, and every fault that its bytes alone prove.

Pure and total: bytes in, certificates, key and faults out. Law 11: the key is in no repr, and no
fault quotes content.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_der_private_key
from msgspec.structs import replace
from OpenSSL import crypto

from probe.credentials import convert as conversion
from probe.credentials.file_settings import KEYS, FileSettings
from probe.credentials.fix_steps import begin_step
from probe.credentials.formats.pem import Block, Flaw, Scan, is_key_label, scan_pem
from probe.credentials.formats.recognise import PHRASES, Format, der_shortfall, first_der, recognise
from probe.credentials.formats.wrapped import particulars
from probe.model.finding import BYTE_ORDER_MARK, Finding, Role
from probe.text.description import describe_path
from probe.text.safe_text import safe_text
from probe.x509.parse import parse_certificate
from probe.x509.signature import LIBRARY_ERRORS

SIZE_LIMIT: Final = 1024 * 1024
"""Bytes read of one credential file."""

_FIX_LIMIT: Final = 1024
"""Characters of a step: a command with two long paths is longer than what safe_text() keeps."""

_NO_LINES: Final = frozenset({Format.ESCAPED_PEM, Format.CARRIAGE_RETURNS})
_TRUSTED_LABELS: Final = frozenset({"TRUSTED CERTIFICATE", "X509 CERTIFICATE"})
_OTHER_LABELS: Final = {
    "CERTIFICATE REQUEST": "a certificate signing request, which is no certificate yet",
    "NEW CERTIFICATE REQUEST": "a certificate signing request, which is no certificate yet",
    "PUBLIC KEY": "a public key",
    "RSA PUBLIC KEY": "a public key",
    "PKCS7": "a PKCS#7 bundle",
    "CMS": "a PKCS#7 bundle",
    "X509 CRL": "a certificate revocation list",
    "TRUSTED CERTIFICATE": "a certificate in OpenSSL's own trusted form",
    "X509 CERTIFICATE": "a certificate under an outdated label",
    "PGP PUBLIC KEY BLOCK": "a PGP key",
    "PGP PRIVATE KEY BLOCK": "a PGP key",
}
_WANTED: Final = {
    "cert": "a certificate is expected",
    "key": "a private key is expected",
    "ca": "a CA certificate is expected",
}


@dataclass(frozen=True, slots=True)
class Content:
    """One file's content, read for its role."""

    format: Format
    certificates: tuple[x509.Certificate, ...] = ()
    key: PrivateKeyTypes | None = field(default=None, repr=False)
    faults: tuple[Finding, ...] = ()
    remarks: tuple[Finding, ...] = ()


def malformed(role: Role) -> str:
    """Return the cause for content that is not what `role` needs."""
    return "server_ca_file_malformed" if role == "ca" else "client_file_malformed"


def make_fault(
    role: Role,
    path: str,
    fact: str,
    fix: tuple[str, ...] = (),
    cause: str = "",
    kind: str = "",
) -> Finding:
    """Return a fault of the file `path`; the cause is `malformed` where none is given.

    A step of `fix` is a sentence or a command, which begins as `begin_step` says.
    """
    return Finding(
        cause=cause or malformed(role),
        role=role,
        path=safe_text(describe_path(path)),
        fact=safe_text(f"{describe_path(path)} {fact}"),
        fix=tuple(safe_text(begin_step(step), _FIX_LIMIT) for step in fix),
        kind=kind,
    )


def read_content(
    raw: bytes, role: Role, path: str, *, go: bool = False, settings: FileSettings = KEYS
) -> Content:
    """Read `raw` as the file `path` for `role`.

    Args:
        raw: the file's bytes.
        role: what the file is configured as.
        path: the file's path, or `cert_pem`, `key_pem`, `ca_pem`; it stands in facts and fixes.
        go: whether the exporter is known to be a Collector, whose reader is Go's: a UTF-8 byte
            order mark hides the first block from it and not from OpenSSL.
        settings: what the settings are called, for steps.
    """
    scan = scan_pem(raw)
    kind = recognise(raw) if not scan.blocks else Format.PEM
    if kind in _NO_LINES or not (scan.blocks or scan.flaws):
        return _unarmoured(raw, kind, role, path)
    if role == "key":
        return _key_content(scan, path, settings, go=go)
    return _certificate_content(scan, role, path, settings, go=go)


def _unarmoured(raw: bytes, kind: Format, role: Role, path: str) -> Content:
    certificate = parse_certificate(first_der(raw)) if kind is Format.DER_CERTIFICATE else None
    held = () if certificate is None or role == "key" else (certificate,)
    if kind is Format.DER_ENCRYPTED_KEY and role == "key":
        cause = "client_key_encrypted"
    else:
        cause = malformed(role)
    fix = conversion.convert(kind, role, path, raw)
    fact = f"{PHRASES[kind]}{particulars(raw, kind)}; {_WANTED[role]}"
    fault = make_fault(role, path, fact, fix, cause)
    return Content(kind, held, faults=(fault,))


def _key_content(scan: Scan, path: str, settings: FileSettings, *, go: bool) -> Content:
    flaws = [flaw for flaw in scan.flaws if is_key_label(flaw.label)]
    if flaws:
        return Content(Format.PEM, faults=(_flaw_fault(flaws[0], "key", path),))
    block = next((block for block in scan.blocks if is_key_label(block.label)), None)
    if block is None:
        return Content(Format.PEM, faults=_misplaced(scan, "key", path, settings))
    if block.label == "OPENSSH PRIVATE KEY":
        fact = "is an OpenSSH private key, which TLS libraries do not read"
        return Content(
            Format.PEM, faults=(make_fault("key", path, fact, conversion.openssh(path)),)
        )
    if block.encrypted or block.label == "ENCRYPTED PRIVATE KEY":
        return Content(Format.PEM, faults=(_encrypted(block, path),))
    try:
        # The sign-and-verify test of the pair replaces the check of an RSA key's primes, which
        # costs 0.4 s for 4096 bits.
        key = load_der_private_key(block.der, None, unsafe_skip_rsa_key_validation=True)
    except TypeError:
        return Content(Format.PEM, faults=(_encrypted(block, path),))
    except LIBRARY_ERRORS:
        fix = conversion.copy_again("key", path)
        return Content(Format.PEM, faults=(make_fault("key", path, _not_parsed(block), fix),))
    faults, remarks = _byte_order_mark(scan, "key", path, go=go, hides=block is scan.blocks[0])
    return Content(Format.PEM, key=key, faults=faults, remarks=remarks)


def _certificate_content(
    scan: Scan, role: Role, path: str, settings: FileSettings, *, go: bool
) -> Content:
    blocks = [block for block in scan.blocks if block.label == "CERTIFICATE"]
    flaws = [flaw for flaw in scan.flaws if _concerns_certificates(flaw)]
    if not blocks and not flaws:
        return Content(Format.PEM, faults=_misplaced(scan, role, path, settings))
    held = [(block, _usable_certificate(block.der)) for block in blocks]
    certificates = tuple(certificate for _, certificate in held if certificate is not None)
    broken = [_flaw_fault(flaw, role, path) for flaw in flaws]
    broken += [
        make_fault(role, path, _not_parsed(block), conversion.copy_again(role, path))
        for block, certificate in held
        if certificate is None
    ]
    hides = bool(held) and held[0][0] is scan.blocks[0] and held[0][1] is not None
    only = len(certificates) == 1
    faults, remarks = _byte_order_mark(
        scan, role, path, go=go and (role == "cert" or only), hides=hides
    )
    if role == "ca":
        if go and hides and scan.byte_order_mark:
            certificates = certificates[1:]
        lenient = bool(certificates)
    else:
        # tls.X509KeyPair needs the first certificate whole; behind it, it skips or does not look.
        lenient = go and held[:1] != [] and held[0][1] is not None
        lenient = lenient and all(flaw.line > held[0][0].line for flaw in flaws)
    if broken and lenient:
        skipped = tuple(_skipped(fault) for fault in broken)
        return Content(Format.PEM, certificates, faults=faults, remarks=(*skipped, *remarks))
    return Content(Format.PEM, certificates, faults=(*broken, *faults), remarks=remarks)


def _concerns_certificates(flaw: Flaw) -> bool:
    return not is_key_label(flaw.label) and not flaw.label.startswith("PGP ")


def _skipped(fault: Finding) -> Finding:
    note = "; Go says nothing and uses the other certificates, OpenSSL reads none behind it"
    return replace(fault, fact=safe_text(fault.fact + note))


def _usable_certificate(der: bytes) -> x509.Certificate | None:
    """Parse with both parsers, since OpenSSL is the one that will send or trust it."""
    certificate = parse_certificate(der)
    if certificate is None:
        return None
    try:
        crypto.X509.from_cryptography(certificate)
    except crypto.Error:
        return None
    return certificate


def _byte_order_mark(
    scan: Scan, role: Role, path: str, *, go: bool, hides: bool
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    if not (scan.byte_order_mark and hides):
        return (), ()
    fact = (
        "begins with a UTF-8 byte order mark: OpenSSL reads past it, "
        "Go (a Collector) does not see the first block behind it"
    )
    fix = conversion.strip_byte_order_mark(role, path)
    finding = make_fault(role, path, fact, fix, kind=BYTE_ORDER_MARK)
    return ((finding,), ()) if go else ((), (finding,))


def _misplaced(scan: Scan, role: Role, path: str, settings: FileSettings) -> tuple[Finding, ...]:
    """Say what a file of whole blocks holds in place of what `role` needs."""
    labels = _distinct(block.label for block in scan.blocks) or _distinct(
        flaw.label for flaw in scan.flaws
    )
    label = labels[0]
    fact = f"holds {_OTHER_LABELS.get(label, f'a {label} block')} where {_WANTED[role]}"
    if any(map(is_key_label, labels)):
        fact = f"holds a private key where {_WANTED[role]}"
    elif "CERTIFICATE" in labels:
        fact = f"holds a certificate where {_WANTED[role]}"
    return (make_fault(role, path, fact, _misplaced_fix(labels, role, path, settings)),)


def _misplaced_fix(
    labels: list[str], role: Role, path: str, settings: FileSettings
) -> tuple[str, ...]:
    exchanged = f"perhaps {settings.cert} and {settings.key} are exchanged"
    if role == "key" and "CERTIFICATE" in labels:
        return (
            f"set {settings.key} to the private key; {exchanged}",
            conversion.expected(role),
        )
    if role == "cert" and any(map(is_key_label, labels)):
        return (
            f"set {settings.cert} to the certificate; {exchanged}",
            conversion.expected(role),
        )
    if role != "key" and {"PKCS7", "CMS"} & set(labels):
        return conversion.print_pkcs7(role, path)
    if role != "key" and _TRUSTED_LABELS & set(labels):
        return conversion.plain_certificate(role, path)
    if role != "key" and any("CERTIFICATE REQUEST" in label for label in labels):
        return (conversion.REQUEST,)
    return (conversion.expected(role),)


def _encrypted(block: Block, path: str) -> Finding:
    fact = f"holds a private key encrypted with a passphrase, in the block at line {block.line}"
    return make_fault("key", path, fact, conversion.decrypt(path), "client_key_encrypted")


def _flaw_fault(flaw: Flaw, role: Role, path: str) -> Finding:
    match flaw.kind:
        case "one_line":
            fix = conversion.split_line(role, path)
        case "indented":
            fix = conversion.unindent(role, path)
        case _:
            fix = conversion.copy_again(role, path)
    return make_fault(role, path, f"is not whole: {flaw.fact}", fix)


def _not_parsed(block: Block) -> str:
    what = "private key" if is_key_label(block.label) else "certificate"
    missing = der_shortfall(block.der)
    fact = f"holds a {block.label} block at line {block.line} that does not parse as a {what}"
    if missing > 0:
        return f"{fact}: {missing} of its bytes are missing"
    if missing < 0:
        return f"{fact}: it has {-missing} bytes too many"
    return fact


def _distinct(labels: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(labels))
