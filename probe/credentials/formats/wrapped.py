"""PEM inside other text: JSON, a Kubernetes Secret's manifest, layers of base64.

Pure and total. What is found is named by its place, its content is only looked at.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from probe.credentials.formats.pem import is_key_label, scan_pem
from probe.credentials.formats.recognise import (
    Format,
    count_missing_bytes,
    recognise_format,
    unwrap_base64,
)

_ENTRY: Final = re.compile(
    rb"^[ \t]*[\"']?([A-Za-z0-9_.-]{1,253})[\"']?:[ \t]*([A-Za-z0-9+/]{40,}={0,2})[ \t\r]*$",
    re.MULTILINE,
)
_DER: Final = frozenset(kind for kind in Format if kind.value.startswith("DER")) | {Format.PKCS12}
_SHOWN: Final = 4
_DEEPEST: Final = 32
_MOST: Final = 1000
"""Strings looked at in one JSON document."""


@dataclass(frozen=True, slots=True)
class Wrapped:
    """PEM or a keystore found inside: where, and under how many layers of base64."""

    place: tuple[str, ...]
    layers: int
    inner: Format
    holds_key: bool = False
    holds_certificate: bool = False
    names_ca: bool = False
    """Whether the last key of its place names a CA or an issuer."""


def find_wrapped(raw: bytes, kind: Format) -> tuple[Wrapped, ...]:
    """Return what is inside `raw`, which is `kind`, in its order."""
    match kind:
        case Format.JSON:
            return tuple(_find_in_json(raw))
        case Format.MANIFEST:
            entries = list(_ENTRY.finditer(raw))[:_MOST]
            found = (_unwrap_text((e[1].decode("ascii"),), e[2]) for e in entries)
            return tuple(one for one in found if one is not None)
        case Format.BASE64_PEM | Format.BASE64_DER | Format.BASE64_KEYSTORE:
            one = _unwrap_text((), raw)
            return () if one is None else (one,)
        case _:
            return ()


def choose_wrapped(found: tuple[Wrapped, ...], role: str) -> Wrapped | None:
    """Return the one of `found` that a file of `role` is most likely to be made from."""
    if role == "key":
        return next((one for one in found if one.holds_key), None)
    fitting = [one for one in found if one.holds_certificate]
    by_name = [one for one in fitting if one.names_ca == (role == "ca")]
    return next(iter(by_name or fitting), None)


def _find_in_json(raw: bytes) -> Iterator[Wrapped]:
    try:
        value = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return
    for place, text in list(_list_strings(value, ()))[:_MOST]:
        one = _unwrap_text(place, text.encode("utf-8", "replace"))
        if one is not None:
            yield one


def _list_strings(value: Any, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the strings of a JSON value that objects alone lead to; lists have no names."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict) and len(place) < _DEEPEST:
        for key, inner in value.items():
            yield from _list_strings(inner, (*place, key))


def _unwrap_text(place: tuple[str, ...], text: bytes) -> Wrapped | None:
    layers, inner = unwrap_base64(text.strip())
    scan = scan_pem(inner)
    labels = [block.label for block in scan.blocks]
    kind = Format.PEM if labels else recognise_format(inner)
    if not labels and not layers:
        return None
    last = place[-1].lower() if place else ""
    return Wrapped(
        place=place,
        layers=layers,
        inner=kind,
        holds_key=any(map(is_key_label, labels)) or kind is Format.DER_KEY,
        holds_certificate="CERTIFICATE" in labels or kind is Format.DER_CERTIFICATE,
        names_ca=last.startswith(("ca.", "ca_", "ca-")) or last == "ca" or "issuing" in last,
    )


def describe_particulars(raw: bytes, kind: Format) -> str:
    """Return what else is to be said of `raw` behind the phrase for `kind`; often nothing."""
    if kind is Format.DER_TRUNCATED:
        missing = count_missing_bytes(raw)
        return f", {missing} of its {len(raw) + missing} bytes are missing"
    if kind in _DER and (over := -count_missing_bytes(raw)) > 0:
        return f", and {over} bytes follow that do not belong to it"
    found = find_wrapped(raw, kind)
    if not found:
        return ""
    if not found[0].place:
        times = found[0].layers
        return f" ({times} times over)" if times > 1 else ""
    listed = ", ".join(
        f"{_name_content(one)} under {'.'.join(one.place)}" for one in found[:_SHOWN]
    )
    return f", with {listed}"


def _name_content(one: Wrapped) -> str:
    both = "a private key" if one.holds_key else str(one.inner)
    return "a certificate" if one.holds_certificate else both
