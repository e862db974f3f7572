"""What rustls, webpki, tonic, hyper, h2, reqwest and the Rust SDK's exporters can print.

Cargo keeps the sources of crates that it has fetched; the highest version there is read. rustls
prints the variants of its errors by name, so that their names are texts, too.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from tools.messages.library_texts import LibraryTexts, choose_texts

_STRING: Final = r"\"((?:[^\"\\]|\\.)*)\""
_PRINTED: Final = re.compile(
    rf"(?:write(?:ln)?!\(\s*f(?:mt)?,\s*|write_str\(\s*|=> (?:\{{\s*)?|#\[error\(\s*|format!\(\s*|Status::\w+\(\s*"
    rf"|(?:message|reason)\s*=\s*|General\(\s*|Error::new\([^\"]{{0,60}})(?:{_STRING})"
)
_TESTS: Final = re.compile(r"#\[cfg\(test\)\]\s*mod .*", re.DOTALL)
_COMMENT: Final = re.compile(r"^\s*//.*$", re.MULTILINE)
_VARIANT: Final = re.compile(r"^    ([A-Z]\w+)[,({ ]", re.MULTILINE)

_RUSTLS: Final = {
    "InvalidMessage": ("received corrupt message of type", "InvalidMessage("),
    "PeerMisbehaved": ("peer misbehaved:", "PeerMisbehaved("),
    "PeerIncompatible": ("peer is incompatible:", "PeerIncompatible("),
    "CertificateError": ("invalid peer certificate:", "InvalidCertificate("),
    "CertRevocationListError": ("invalid certificate revocation list:",),
    "InconsistentKeys": ("keys may not be consistent:", "InconsistentKeys("),
    "EncryptedClientHelloError": ("encrypted client hello failure:",),
}
_WEBPKI: Final = {
    "Error": ("invalid peer certificate: Other(OtherError(", "invalid peer certificate:")
}


def find_crate(name: str) -> Path:
    """Return the folder of the highest version of a crate that cargo has fetched."""
    home = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    found = [
        path
        for path in home.glob(f"registry/src/*/{name}-*")
        if re.fullmatch(rf"{re.escape(name)}-\d+\.\d+\.\d+", path.name)
    ]
    return max(
        found, key=lambda path: [int(each) for each in path.name[len(name) + 1 :].split(".")]
    )


def list_sources(crate: Path) -> Iterator[str]:
    """Yield the sources of a crate without its tests and comments."""
    for path in sorted(crate.glob("src/**/*.rs")):
        if not re.search(r"tests?\.rs$|/tests?/|/server/|manual", str(path)):
            yield _COMMENT.sub("", _TESTS.sub("", path.read_text(encoding="utf-8")))


def list_variants(source: str, prefixes: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """Yield the variants of the enums in `prefixes`, each with what is printed before it."""
    for enum, before in prefixes.items():
        body = re.search(rf"pub enum {enum} \{{\n(.*?)\n\}}", source, re.DOTALL)
        for variant in _VARIANT.findall(body[1]) if body else ():
            yield from (f"{each} {variant}" for each in before)


def extract_crates(
    library: str, crates: str, prefixes: Mapping[str, tuple[str, ...]] | None = None
) -> LibraryTexts:
    """Return the texts of crates; the first one's version counts."""
    texts: list[str] = []
    for name in crates.split():
        for source in list_sources(find_crate(name)):
            texts += [re.sub(r"\\\n\s*", "", each) for each in _PRINTED.findall(source)]
            texts += list_variants(source, prefixes or {})
    first = crates.split(maxsplit=1)[0]
    return LibraryTexts(library, find_crate(first).name[len(first) + 1 :], choose_texts(texts))


EXTRACTORS: Final[dict[str, Callable[[], LibraryTexts]]] = {
    "rustls": partial(extract_crates, "rustls", "rustls tokio-rustls", _RUSTLS),
    "webpki": partial(extract_crates, "rustls-webpki", "rustls-webpki", _WEBPKI),
    "rust_files": partial(
        extract_crates, "rustls-pki-types", "rustls-pki-types rustls-native-certs native-tls"
    ),
    "tonic": partial(extract_crates, "tonic", "tonic"),
    "hyper": partial(extract_crates, "hyper", "hyper hyper-util h2 reqwest"),
    "rust_otlp": partial(
        extract_crates, "opentelemetry-otlp", "opentelemetry-otlp opentelemetry-http"
    ),
}
