"""Names as the JDK and OkHttp compare them.

JDK 17, sun.security.x509 (X500Name, AVA) and sun.security.util.HostnameChecker; OkHttp 5,
okhttp3.internal.tls.OkHostnameVerifier.
"""

import re
import unicodedata
from functools import lru_cache
from ipaddress import ip_address
from typing import Final

from probe.x509 import der as asn1
from probe.x509.der import Reader, decode_oid

_KEYWORDS: Final = {
    "2.5.4.3": "cn",
    "2.5.4.6": "c",
    "2.5.4.7": "l",
    "2.5.4.8": "st",
    "2.5.4.10": "o",
    "2.5.4.11": "ou",
    "2.5.4.9": "street",
    "0.9.2342.19200300.100.1.25": "dc",
    "0.9.2342.19200300.100.1.1": "uid",
}
"""Of RFC 2253; values of other attributes are compared as they are encoded."""
_ESCAPED: Final = frozenset(',+<>;"\\')
Rdn = frozenset[str]


@lru_cache(maxsize=1024)
def canonicalize_for_java(name: bytes) -> tuple[Rdn, ...] | None:
    """Return what X500Name.equals compares (toRFC2253CanonicalString); None where unreadable."""
    sets = Reader(Reader(name).read(asn1.SEQUENCE) or b"", strict=False)
    found = []
    while not sets.is_empty:
        attributes = sets.read(asn1.SET)
        if attributes is None:
            return None
        reader = Reader(attributes, strict=False)
        values = set()
        while not reader.is_empty:
            text = _canonicalize_attribute(reader)
            if text is None:
                return None
            values.add(text)
        found.append(frozenset(values))
    return tuple(found)


def _canonicalize_attribute(reader: Reader) -> str | None:
    fields = Reader(reader.read(asn1.SEQUENCE) or b"", strict=False)
    oid, value = fields.read(asn1.OBJECT_IDENTIFIER), fields.read_any()
    if not oid or value is None or not fields.is_empty:
        return None
    if value.tag == asn1.BMP_STRING and any(0xD8 <= each <= 0xDF for each in value.content[::2]):
        return None
    dotted = decode_oid(oid)
    keyword = _KEYWORDS.get(dotted)
    if keyword is None or value.tag not in {asn1.UTF8_STRING, asn1.PRINTABLE_STRING}:
        return f"{keyword or dotted}=#{value.whole.hex()}"
    text = value.content.decode("utf-8", "replace")
    escaped = "".join("\\" + c if c in _ESCAPED else c for c in text)
    words = re.sub(r"(\s)\s+", r"\1", escaped).strip()
    return unicodedata.normalize("NFKD", f"{keyword}={words.upper().lower()}")


def find_common_name(subject: bytes) -> str | None:
    """Return the most specific common name: the last one."""
    found = None
    sets = Reader(Reader(subject).read(asn1.SEQUENCE) or b"", strict=False)
    while (attributes := sets.read(asn1.SET)) is not None:
        reader = Reader(attributes, strict=False)
        while (attribute := reader.read(asn1.SEQUENCE)) is not None:
            fields = Reader(attribute, strict=False)
            oid, value = fields.read(asn1.OBJECT_IDENTIFIER), fields.read_any()
            if oid is not None and value is not None and decode_oid(oid) == "2.5.4.3":
                encoding = {asn1.UTF8_STRING: "utf-8", asn1.BMP_STRING: "utf-16-be"}
                found = value.content.decode(encoding.get(value.tag, "latin-1"), "replace")
    return found


def parse_octets(reference: str) -> bytes:
    """Return the octets of an IP address; empty for a name."""
    try:
        return ip_address(reference).packed
    except ValueError:
        return b""


_IDN_LABEL: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


def is_sni_name(name: str) -> bool:
    """Return whether SNIHostName takes a name (IDN.toASCII with UseSTD3ASCIIRules)."""
    labels = name.split(".")
    if not name or name.endswith(".") or len(name) > 255:
        return False
    return all(_IDN_LABEL.fullmatch(label) for label in labels)


def is_matched_by_jdk(name: str, template: str) -> bool:
    """As HostnameChecker.isMatched: `*` may stand in any label, before a dot."""
    if name.startswith(".") or not template.isascii() or not _is_wildcard_legal(template):
        return False
    if not is_sni_name(template.replace("*", "z")):
        return False
    name, template = _decode_idn(name), _decode_idn(template)
    names = [label for label in name.lower().split(".") if label]
    templates = [label for label in template.lower().split(".") if label]
    return len(names) == len(templates) and all(
        _match_label(label, wanted) for label, wanted in zip(names, templates, strict=True)
    )


def _decode_idn(name: str) -> str:
    """As IDN.toUnicode: a label that is not a valid A-label stays as it is."""
    labels = []
    for label in name.split("."):
        try:
            labels.append(label.encode("ascii").decode("idna") if "xn--" in label else label)
        except UnicodeError:
            labels.append(label)
    return ".".join(labels)


def _is_wildcard_legal(template: str) -> bool:
    if template in {"*", "*."}:
        return False
    last = template.rfind("*")
    return last < 0 or "." in template[last:]


def _match_label(name: str, template: str) -> bool:
    pattern = ".*".join(re.escape(part) for part in template.split("*"))
    return re.fullmatch(pattern, name, re.DOTALL) is not None


def is_matched_by_okhttp(host: str, pattern: str) -> bool:
    """As OkHostnameVerifier.verifyHostname: a whole first label may be `*`."""
    if not host or host.startswith(".") or host.endswith(".."):
        return False
    if not pattern or pattern.startswith(".") or pattern.endswith(".."):
        return False
    wanted = host.lower().removesuffix(".") + "."
    shown = pattern.removesuffix(".") + "."
    if not shown.isascii():
        return False
    shown = shown.lower()
    if "*" not in shown:
        return wanted == shown
    if not shown.startswith("*.") or "*" in shown[1:] or shown == "*.":
        return False
    suffix = shown[1:]
    if len(wanted) < len(shown) or not wanted.endswith(suffix):
        return False
    return "." not in wanted[: len(wanted) - len(suffix)]
