"""What one credential file holds for its role, and every fault that its bytes alone prove.

Pure and total: bytes in, certificates, key and findings out. The key is in no repr, and no finding
quotes content.
"""

from dataclasses import dataclass, field
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_der_private_key
from msgspec.structs import replace
from OpenSSL import crypto

from probe.credentials import convert as conversion
from probe.credentials.formats.pem import BLOCK_NAMES, Block, Flaw, Scan, is_key_label, scan_pem
from probe.credentials.formats.recognise import (
    Format,
    count_missing_bytes,
    cut_first_der,
    recognise_format,
)
from probe.credentials.formats.wrapped import describe_particulars
from probe.credentials.named_file import NamedFile
from probe.model.finding import BYTE_ORDER_MARK, Finding
from probe.text.safe_text import safe_text
from probe.x509.library_errors import LIBRARY_ERRORS
from probe.x509.parse import parse_certificate

SIZE_LIMIT: Final = 1024 * 1024
"""Bytes read of one credential file."""

_NO_LINES: Final = frozenset({Format.ESCAPED_PEM, Format.CARRIAGE_RETURNS})
_EXPECTED: Final = {
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


def read_content(raw: bytes, file: NamedFile) -> Content:
    """Read `raw` as the content of `file` for its role.

    Where the exporter is a Collector, Go's reader is the measure: a UTF-8 byte order mark hides
    the first block from it, and not from OpenSSL.
    """
    scan = scan_pem(raw)
    kind = Format.PEM if scan.blocks else recognise_format(raw)
    if kind in _NO_LINES or not (scan.blocks or scan.flaws):
        return _read_without_pem(raw, kind, file)
    return _read_key(scan, file) if file.role == "key" else _read_certificates(scan, file)


def _read_without_pem(raw: bytes, kind: Format, file: NamedFile) -> Content:
    certificate = parse_certificate(cut_first_der(raw)) if kind is Format.DER_CERTIFICATE else None
    held = () if certificate is None or file.role == "key" else (certificate,)
    encrypted = kind is Format.DER_ENCRYPTED_KEY and file.role == "key"
    fault = file.make_finding(
        f"{kind.phrase}{describe_particulars(raw, kind)}; {_EXPECTED[file.role]}",
        *conversion.convert(kind, file, raw),
        cause="client_key_encrypted" if encrypted else "",
    )
    return Content(kind, held, faults=(fault,))


def _read_key(scan: Scan, file: NamedFile) -> Content:
    flaw = next((flaw for flaw in scan.flaws if is_key_label(flaw.label)), None)
    block = next((block for block in scan.blocks if is_key_label(block.label)), None)
    if flaw is not None:
        return _faulty(_describe_flaw(flaw, file))
    if block is None:
        return _faulty(_describe_misplaced(scan, file))
    if block.label == "OPENSSH PRIVATE KEY":
        fact = "is an OpenSSH private key, which TLS libraries do not read"
        return _faulty(file.make_finding(fact, *conversion.convert_openssh(file)))
    if block.encrypted or block.label == "ENCRYPTED PRIVATE KEY":
        return _faulty(_describe_encrypted(block, file))
    try:
        # The sign-and-verify test of the pair replaces the check of an RSA key's primes, which
        # costs 0.4 s for 4096 bits.
        key = load_der_private_key(block.der, None, unsafe_skip_rsa_key_validation=True)
    except TypeError:
        return _faulty(_describe_encrypted(block, file))
    except LIBRARY_ERRORS:
        return _faulty(_describe_unparsed(block, file))
    mark = _find_byte_order_mark(scan, file, hides=block is scan.blocks[0])
    return Content(
        Format.PEM, key=key, faults=mark if file.go else (), remarks=() if file.go else mark
    )


def _faulty(fault: Finding) -> Content:
    return Content(Format.PEM, faults=(fault,))


def _read_certificates(scan: Scan, file: NamedFile) -> Content:
    blocks = [block for block in scan.blocks if block.label == "CERTIFICATE"]
    flaws = [
        flaw
        for flaw in scan.flaws
        if not is_key_label(flaw.label) and not flaw.label.startswith("PGP ")
    ]
    if not blocks and not flaws:
        return _faulty(_describe_misplaced(scan, file))
    parsed = [_parse_for_both(block.der) for block in blocks]
    certificates = tuple(one for one in parsed if one is not None)
    broken = [_describe_flaw(flaw, file) for flaw in flaws]
    broken += [
        _describe_unparsed(block, file)
        for block, certificate in zip(blocks, parsed, strict=True)
        if certificate is None
    ]
    begins_whole = bool(parsed) and parsed[0] is not None
    mark = _find_byte_order_mark(scan, file, hides=begins_whole and blocks[0] is scan.blocks[0])
    stops = file.go and (file.role == "cert" or len(certificates) == 1)
    if file.role == "ca":
        if file.go and mark:
            certificates = certificates[1:]
        lenient = bool(certificates)
    else:
        # tls.X509KeyPair needs the first certificate whole; behind it, it skips or does not look.
        lenient = file.go and begins_whole and all(flaw.line > blocks[0].line for flaw in flaws)
    faults, remarks = (mark, ()) if stops else ((), mark)
    if broken and lenient:
        note = "; Go uses the other certificates without a message, OpenSSL reads none behind it"
        skipped = (replace(one, fact=safe_text(one.fact + note)) for one in broken)
        return Content(Format.PEM, certificates, faults=faults, remarks=(*skipped, *remarks))
    return Content(Format.PEM, certificates, faults=(*broken, *faults), remarks=remarks)


def _parse_for_both(der: bytes) -> x509.Certificate | None:
    """Parse with both parsers, since OpenSSL is the one that will send or trust it."""
    certificate = parse_certificate(der)
    if certificate is None:
        return None
    try:
        crypto.X509.from_cryptography(certificate)
    except crypto.Error:
        return None
    return certificate


def _find_byte_order_mark(scan: Scan, file: NamedFile, *, hides: bool) -> tuple[Finding, ...]:
    if not (scan.byte_order_mark and hides):
        return ()
    fact = (
        "begins with a UTF-8 byte order mark: OpenSSL reads past it, "
        "Go (a Collector) does not see the first block behind it"
    )
    fix = conversion.repair("byte_order_mark", file)
    return (file.make_finding(fact, *fix, kind=BYTE_ORDER_MARK),)


def _describe_misplaced(scan: Scan, file: NamedFile) -> Finding:
    """Say what a file of whole blocks holds in place of what its role needs."""
    labels = [one.label for one in scan.blocks or scan.flaws]
    label = labels[0]
    what = f"a {BLOCK_NAMES.get(label, f'{label} block')}"
    if any(map(is_key_label, labels)):
        what = "a private key"
    elif "CERTIFICATE" in labels:
        what = "a certificate"
    fix = _correct_misplaced(scan, file)
    return file.make_finding(f"holds {what} where {_EXPECTED[file.role]}", *fix)


def _correct_misplaced(scan: Scan, file: NamedFile) -> tuple[str, ...]:
    role, labels = file.role, [one.label for one in scan.blocks or scan.flaws]
    other = ("CERTIFICATE" in labels) if role == "key" else any(map(is_key_label, labels))
    if role != "ca" and other:
        return conversion.correct_exchanged(file)
    if role == "key":
        return conversion.describe_expected(file)
    bundle = next((each.der for each in scan.blocks if each.label in {"PKCS7", "CMS"}), b"")
    if bundle:
        return conversion.unpack_bundle(file, bundle)
    if {"TRUSTED CERTIFICATE", "X509 CERTIFICATE"} & set(labels):
        return conversion.repair("trusted_certificate", file)
    if any("CERTIFICATE REQUEST" in label for label in labels):
        return conversion.send_request(file)
    return conversion.describe_expected(file)


def _describe_encrypted(block: Block, file: NamedFile) -> Finding:
    fact = f"holds a private key encrypted with a passphrase, in the block at line {block.line}"
    fix = conversion.repair("encrypted", file)
    return file.make_finding(fact, *fix, cause="client_key_encrypted")


def _describe_flaw(flaw: Flaw, file: NamedFile) -> Finding:
    match flaw.kind:
        case "one_line" | "indented" as damage:
            fix = conversion.repair(damage, file)
        case _:
            fix = conversion.copy_again(file)
    return file.make_finding(f"is not whole: {flaw.fact}", *fix)


def _describe_unparsed(block: Block, file: NamedFile) -> Finding:
    what = "private key" if is_key_label(block.label) else "certificate"
    missing = count_missing_bytes(block.der)
    fact = f"holds a {block.label} block at line {block.line} that does not parse as a {what}"
    if missing > 0:
        fact += f": {missing} of its bytes are missing"
    elif missing < 0:
        fact += f": it has {-missing} bytes too many"
    return file.make_finding(fact, *conversion.copy_again(file))
