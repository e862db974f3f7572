"""What one credential file holds for its role, and every fault that its bytes alone prove.

Pure and total: bytes in, certificates, key and findings out. The key is in no repr, and no finding
quotes content. Whether a fault stops an exporter is decided by the model of its reader (readers/).
"""

from dataclasses import dataclass, field
from typing import Final

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
from probe.credentials.readers.private_key import (
    CURVES,
    EXPLICIT,
    PrivateKey,
    is_consistent_rsa,
    load_private_key,
    read_private_key,
)
from probe.credentials.readers.reading import Stop
from probe.model.finding import Finding
from probe.x509.parse import parse_certificate
from probe.x509.raw_certificate import read_certificate

SIZE_LIMIT: Final = 4 * 1024 * 1024
"""Bytes read of one credential file."""

_NO_LINES: Final = frozenset({Format.ESCAPED_PEM, Format.CARRIAGE_RETURNS, Format.HIDDEN_PEM})
_MOST_FAULTS: Final = 5
"""Faults that are listed of one file."""
_STRONGER: Final = "with a key of RSA 2048 bits or more, or EC P-256, and signed with SHA-256"
_NEEDED: Final = {"cert": "certificate", "key": "private key", "ca": "CA certificate"}
_EXPECTED: Final = {
    "cert": "a certificate is expected",
    "key": "a private key is expected",
    "ca": "a CA certificate is expected",
}


@dataclass(frozen=True, slots=True)
class Content:
    """What one file holds for its role, whoever reads it.

    `faults` are what may keep a runtime from it: whether they do, the runtime's model decides.
    """

    format: Format
    certificates: tuple[bytes, ...] = ()
    """DER of the blocks of certificates that are whole."""
    key: PrivateKey | None = field(default=None, repr=False)
    faults: tuple[Finding, ...] = ()
    remarks: tuple[Finding, ...] = ()
    """What hides a whole block from some readers."""


def read_content(raw: bytes, file: NamedFile) -> Content:
    """Read `raw` as the content of `file` for its role, as leniently as can be."""
    scan = scan_pem(raw)
    kind = Format.PEM if scan.blocks else recognise_format(raw)
    if kind in _NO_LINES or not (scan.blocks or scan.flaws):
        return _read_without_pem(raw, kind, file)
    return _read_key(scan, file) if file.role == "key" else _read_certificates(scan, file)


def _read_without_pem(raw: bytes, kind: Format, file: NamedFile) -> Content:
    der = cut_first_der(raw) if kind is Format.DER_CERTIFICATE and file.role != "key" else b""
    encrypted = kind is Format.DER_ENCRYPTED_KEY and file.role == "key"
    fault = file.make_finding(
        f"{kind.phrase}{describe_particulars(raw, kind)}; {_EXPECTED[file.role]}",
        *conversion.convert(kind, file, raw),
        cause="client_key_encrypted" if encrypted else "",
    )
    return Content(kind, (der,) if der else (), faults=(fault,))


def _read_key(scan: Scan, file: NamedFile) -> Content:
    blocks = [block for block in scan.blocks if is_key_label(block.label)]
    flaws = [flaw for flaw in scan.flaws if is_key_label(flaw.label) or flaw.kind == "joined"]
    # A key that is commented out is one that somebody took out.
    flaws = [flaw for flaw in flaws if flaw.kind != "commented"] or ([] if blocks else flaws)
    faults = [_describe_flaw(flaw, file) for flaw in flaws[:_MOST_FAULTS]]
    usable: PrivateKey | None = None
    for block in blocks:
        key = None if _is_encrypted(block) else read_private_key(block.der)
        if key is not None and load_private_key(block.der) is not None:
            usable = usable or key
        elif len(faults) < _MOST_FAULTS:
            faults.append(_describe_useless_key(block, file))
    if not blocks and not faults:
        faults.append(_describe_misplaced(scan, file))
    return Content(
        Format.PEM, (), usable, tuple(faults[:_MOST_FAULTS]), _describe_oddities(scan, file)
    )


def _read_certificates(scan: Scan, file: NamedFile) -> Content:
    blocks = [block for block in scan.blocks if block.label == "CERTIFICATE"]
    flaws = [
        flaw
        for flaw in scan.flaws
        if not is_key_label(flaw.label) and not flaw.label.startswith("PGP ")
    ]
    # A certificate that is commented out is one that somebody took out.
    flaws = [flaw for flaw in flaws if flaw.kind != "commented"] or ([] if blocks else flaws)
    if not blocks and not flaws:
        return Content(Format.PEM, faults=(_describe_misplaced(scan, file),))
    broken = [_describe_flaw(flaw, file) for flaw in flaws[:_MOST_FAULTS]]
    whole = []
    for block in blocks:
        if parse_certificate(block.der) or read_certificate(block.der):
            whole.append(block.der)
        elif len(broken) < _MOST_FAULTS:
            broken.append(_describe_unparsed(block, file))
    return Content(Format.PEM, tuple(whole), None, tuple(broken), _describe_oddities(scan, file))


def _is_encrypted(block: Block) -> bool:
    return block.encrypted or block.label == "ENCRYPTED PRIVATE KEY"


def _describe_useless_key(block: Block, file: NamedFile) -> Finding:
    if block.label == "OPENSSH PRIVATE KEY":
        fact = "is an OpenSSH private key, which TLS libraries do not read"
        return file.make_finding(fact, *conversion.convert_openssh(file))
    key = read_private_key(block.der)
    if _is_encrypted(block) or (key is not None and key.form == "encrypted"):
        return _describe_encrypted(block, file)
    return _describe_unparsed(block, file)


def _describe_oddities(scan: Scan, file: NamedFile) -> tuple[Finding, ...]:
    """Describe what hides whole blocks from some readers; the steps correct it."""
    found = []
    for oddity in scan.oddities:
        if oddity.kind == "byte_order_mark" and scan.byte_order_mark:
            fact = (
                "begins with a UTF-8 byte order mark, which hides the first block from some readers"
            )
        else:
            fact = f"is not as every reader needs it: {oddity.fact}"
        fix = conversion.repair(oddity.kind, file)
        found.append(file.make_finding(fact, *fix, kind=oddity.kind))
    return tuple(found)


def describe_refusal(stop: Stop, raw: bytes, file: NamedFile, reader: str) -> Finding:
    """Say why `reader` refuses a file that others read."""
    line = raw.count(b"\n", 0, stop.at) + 1 if stop.at >= 0 else 0
    place = f" at line {line}" if line else ""
    said = stop.detail or stop.says
    says = f": {said}" if said else ""
    match stop.why:
        case "key":
            key = _find_key(raw)
            if key is not None and key.algorithm == "rsa" and not is_consistent_rsa(key.der):
                fact = "holds a damaged private key: its numbers do not belong together"
                return file.make_finding(fact, *conversion.copy_again(file))
            what = "a private key" if key is None else _name_form(key)
            fact = f"holds {what}{place}, which {reader} does not read{says}"
            return file.make_finding(fact, *_replace_key(key, file))
        case "certificate" if other := _name_other_block(raw, line):
            fact = f"holds a {other}{place}, which {reader} takes for a certificate{says}"
            return file.make_finding(fact, *conversion.take_blocks(file))
        case "certificate" if _is_ber(raw, line):
            fact = f"holds a certificate{place} in BER, of which {reader} reads DER alone{says}"
            return file.make_finding(fact, *conversion.repair("trusted_certificate", file))
        case "certificate":
            fact = f"holds a certificate{place} that {reader} does not parse{says}"
            return file.make_finding(fact, conversion.reissue(file, "without what is refused"))
        case "weak":
            fact = f"holds a certificate{place} that is too weak for {reader}{says}"
            cause = "client_cert_weak" if file.role != "ca" else ""
            return file.make_finding(fact, conversion.reissue(file, _STRONGER), cause=cause)
        case "order":
            fact = f"has its certificates in an order that {reader} refuses{says}"
            return file.make_finding(
                fact, conversion.sort_chain(file), cause="client_chain_misordered"
            )
        case _:
            fact = f"holds no {_NEEDED[file.role]} that {reader} reads{place}{says}"
            fix = conversion.take_blocks(file)
            return file.make_finding(fact, *fix)


def _name_other_block(raw: bytes, line: int) -> str:
    """Return what the block at that line is, where it is not a certificate."""
    label = next((block.label for block in scan_pem(raw).blocks if block.line == line), "")
    if label in {"", "CERTIFICATE"}:
        return ""
    return "private key" if is_key_label(label) else BLOCK_NAMES.get(label, f"{label} block")


def _is_ber(raw: bytes, line: int) -> bool:
    der = next((block.der for block in scan_pem(raw).blocks if block.line == line), b"")
    parts = read_certificate(der)
    return parts is not None and not parts.is_der


def _replace_key(key: PrivateKey | None, file: NamedFile) -> tuple[str, ...]:
    ordinary = key is None or (
        key.algorithm in {"rsa", "ec"} and key.curve in {"", *CURVES.values()}
    )
    if ordinary:
        return conversion.write_pkcs8(file)
    return ("make a new key of the kind RSA or EC P-256, and request a certificate for it",)


def _find_key(raw: bytes) -> PrivateKey | None:
    ders = [block.der for block in scan_pem(raw).blocks if is_key_label(block.label)] or [raw]
    return read_private_key(ders[0])


def _name_form(key: PrivateKey) -> str:
    named = {"rsa": "RSA", "rsa-pss": "RSASSA-PSS", "ec": "EC", "dsa": "DSA", "ed25519": "Ed25519"}
    kind = named.get(key.algorithm, key.algorithm.capitalize())
    if key.curve == EXPLICIT:
        kind += " (explicit curve parameters)"
    elif key.curve:
        kind += f" ({key.curve})"
    form = {"pkcs1": "PKCS#1", "sec1": "SEC1", "pkcs8": "PKCS#8", "dsa": "OpenSSL's own"}
    second = " version 2" if key.form == "pkcs8" and key.has_public else ""
    return f"a key of the kind {kind} in {form.get(key.form, 'an encrypted')} form{second}"


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
        case "one_line" | "indented" | "joined" | "invisible" as damage:
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
