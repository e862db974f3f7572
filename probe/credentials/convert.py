"""The exact command that turns what a file is into what it should be, with its own path in it.

Pure. The steps are raw text: whoever makes a fault of them passes them through safe_text(). A
command writes to a new file beside the old one (`PATH.pem`) and never asks for a secret
on the command line.
"""

import json
import re
from typing import Final

from probe.credentials.formats.recognise import Format
from probe.credentials.formats.wrapped import Wrapped, find_wrapped, wanted
from probe.model.finding import Role
from probe.text.safe_text import quote_path

INLINE: Final = {"cert": "cert_pem", "key": "key_pem", "ca": "ca_pem"}
"""The configuration keys that hold what a file would; they stand where its path does."""

REQUEST: Final = "send the request to your CA, and put the certificate that it returns in the file"
_MANIFEST_KEY: Final = re.compile(r"[A-Za-z0-9._-]{1,253}")
"""Keys of a Kubernetes Secret (core/v1, `data`)."""
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KEY_OF_CERTIFICATE: Final = "use the private key that the certificate was requested with"


def convert(kind: Format, role: Role, path: str, raw: bytes = b"") -> tuple[str, ...]:
    """Return the steps that make PEM for `role` of the file `path`, which is `kind`.

    `raw` is its content, where the steps depend on what lies inside it.
    """
    match kind:
        case Format.PKCS12:
            steps = _from_pkcs12(role, path)
        case Format.JKS | Format.JCEKS:
            steps = _from_jks(kind, role, path, f"{path}.pem")
        case Format.DER_KEY | Format.DER_ENCRYPTED_KEY if role == "key":
            steps = (
                f"openssl pkey -inform DER -in {quote_path(path)} -out {quote_path(path)}.pem",
            )
        case Format.DER_CERTIFICATE if role != "key":
            steps = (
                f"openssl x509 -inform DER -in {quote_path(path)} -out {quote_path(path)}.pem",
            )
        case Format.DER_PKCS7 if role != "key":
            steps = (
                f"openssl pkcs7 -inform DER -print_certs -in {quote_path(path)} -out {quote_path(path)}.pem",
            )
        case Format.PUTTY_KEY if role == "key":
            steps = (
                f"puttygen {quote_path(path)} -O private-openssh -o {quote_path(path)}.pem",
                openssh(path)[0],
            )
        case Format.BASE64_PEM | Format.BASE64_DER | Format.BASE64_KEYSTORE:
            steps = _from_base64(role, path, find_wrapped(raw, kind))
        case Format.JSON | Format.MANIFEST:
            one = wanted(find_wrapped(raw, kind), role)
            taken = "" if one is None else _extract(kind, path, one)
            steps = (taken or expected(role),)
        case Format.DER_CSR if role == "cert":
            steps = (REQUEST,)
        case _:
            steps = _from_text(kind, path, raw) or (expected(role),)
    return _with_path(role, path, steps)


def openssh(path: str) -> tuple[str, ...]:
    """Return how an OpenSSH private key becomes PEM; ssh-keygen converts in place."""
    copy = quote_path(f"{path}.pem")
    return (
        f"cp -p {quote_path(path)} {copy} && ssh-keygen -p -m PEM -N '' -f {copy}",
        "an Ed25519 key stays in OpenSSH's own format: make a new one (openssl genpkey)",
    )


def decrypt(path: str) -> tuple[str, ...]:
    """Return how an encrypted PEM key loses its passphrase."""
    target = quote_path(f"{path}.pem")
    return _with_path(
        "key",
        path,
        (
            f"openssl pkey -in {quote_path(path)} -out {target} && chmod 600 {target}",
            "no exporter has a setting for a passphrase: protect the plain key by its file mode",
        ),
    )


def strip_byte_order_mark(role: Role, path: str) -> tuple[str, ...]:
    """Return how the three bytes of a UTF-8 byte order mark go."""
    return _with_path(role, path, (rf"sed -i '1s/^\xEF\xBB\xBF//' {quote_path(path)}",))


def split_line(role: Role, path: str) -> tuple[str, ...]:
    """Return how a PEM block on one line gets its line breaks."""
    script = r"s/-----BEGIN [A-Z0-9 ]*-----/&\n/g; s/-----END/\n&/g"
    return _with_path(role, path, (f"sed '{script}' {quote_path(path)} > {quote_path(path)}.pem",))


def unindent(role: Role, path: str) -> tuple[str, ...]:
    """Return how white space before the lines goes."""
    return _with_path(
        role, path, (rf"sed 's/^[ \t]*//' {quote_path(path)} > {quote_path(path)}.pem",)
    )


def print_pkcs7(role: Role, path: str) -> tuple[str, ...]:
    """Return how a PKCS#7 block becomes certificates."""
    command = f"openssl pkcs7 -print_certs -in {quote_path(path)} -out {quote_path(path)}.pem"
    return _with_path(role, path, (command,))


def plain_certificate(role: Role, path: str) -> tuple[str, ...]:
    """Return how OpenSSL's own trusted form becomes a plain certificate."""
    return _with_path(
        role, path, (f"openssl x509 -in {quote_path(path)} -out {quote_path(path)}.pem",)
    )


def copy_again(role: Role, path: str) -> tuple[str, ...]:
    """Return what helps a broken block: nothing but its source."""
    return (
        f"copy {quote_path(path)} again from where it was made, and compare: {_check(role, path)}",
    )


def expected(role: Role) -> str:
    """Return what a file of `role` must hold."""
    if role == "key":
        return f"{_KEY_OF_CERTIFICATE}, as a PEM block that ends in PRIVATE KEY"
    if role == "cert":
        return "use the certificate that the CA issued, as a PEM CERTIFICATE block, then its intermediates"
    return "use the CA's certificate, as a PEM CERTIFICATE block"


def compare_keys(cert: str, key: str) -> tuple[str, ...]:
    """Return how to see that two files are no pair, and what to do."""
    return (
        f"openssl x509 -noout -pubkey -in {quote_path(cert)} | openssl sha256",
        f"openssl pkey -pubout -in {quote_path(key)} | openssl sha256  # a pair prints the same twice",
        f"put the key that {quote_path(cert)} was requested with in {quote_path(key)}, or request a certificate for that key",
    )


def _check(role: Role, path: str) -> str:
    if role == "key":
        return f"openssl pkey -noout -in {quote_path(path)}"
    return f"openssl x509 -noout -subject -in {quote_path(path)}"


def _from_jks(kind: Format, role: Role, path: str, out: str) -> tuple[str, ...]:
    store = f"{path}.p12"
    command = (
        f"keytool -importkeystore -srckeystore {quote_path(path)} -srcstoretype {kind.value} "
        f"-destkeystore {quote_path(store)} -deststoretype PKCS12"
    )
    return (command, *_from_pkcs12(role, store, out))


def _from_pkcs12(role: Role, path: str, out: str = "") -> tuple[str, ...]:
    target = quote_path(out or f"{path}.pem")
    source = quote_path(path)
    if role == "key":
        return (
            f"openssl pkcs12 -in {source} -nocerts -nodes -out {target} && chmod 600 {target}",
            _LEGACY,
        )
    if role == "ca":
        return (f"openssl pkcs12 -in {source} -nokeys -out {target}", _LEGACY)
    return (
        f"openssl pkcs12 -in {source} -clcerts -nokeys -out {target}",
        f"openssl pkcs12 -in {source} -cacerts -nokeys >> {target}",
        _LEGACY,
    )


_LEGACY: Final = "add -legacy where OpenSSL 3 or newer finds RC2-40-CBC unsupported"


def _from_base64(role: Role, path: str, found: tuple[Wrapped, ...]) -> tuple[str, ...]:
    source, target = quote_path(path), quote_path(f"{path}.pem")
    if not found:
        return (expected(role),)
    decoded = f"base64 -d {source}" + " | base64 -d" * (found[0].layers - 1)
    match found[0].inner:
        case Format.DER_KEY if role == "key":
            return (f"{decoded} | openssl pkey -inform DER -out {target}",)
        case Format.DER_CERTIFICATE if role != "key":
            return (f"{decoded} | openssl x509 -inform DER -out {target}",)
        case Format.DER_PKCS7 if role != "key":
            return (f"{decoded} | openssl pkcs7 -inform DER -print_certs -out {target}",)
        case Format.PKCS12:
            store = f"{path}.p12"
            return (f"{decoded} > {quote_path(store)}", *_from_pkcs12(role, store, f"{path}.pem"))
        case Format.JKS | Format.JCEKS as kind:
            store = f"{path}.jks"
            return (
                f"{decoded} > {quote_path(store)}",
                *_from_jks(kind, role, store, f"{path}.pem"),
            )
        case Format.PEM:
            there = wanted(found, role) is not None
            return (f"{decoded} > {target}",) if there else (expected(role),)
        case _:
            return (expected(role),)


def _extract(kind: Format, path: str, one: Wrapped) -> str:
    """Return the command that takes `one` out of JSON, or out of a Secret's manifest.

    Empty where the manifest's key is no name of one: sed would take a part of it for commands.
    """
    if kind is Format.JSON:
        keys = "".join(
            f".{key}" if _IDENTIFIER.fullmatch(key) else f"[{json.dumps(key)}]" for key in one.place
        )
        taken = (
            f"jq -r {quote_path(keys if keys.startswith('.') else f'.{keys}')} {quote_path(path)}"
        )
    else:
        if not _MANIFEST_KEY.fullmatch(one.place[0]):
            return ""
        key = one.place[0].replace(".", r"\.")
        script = rf"s/^[[:space:]\"]*{key}\"?:[[:space:]]*//p"
        taken = f"sed -nE {quote_path(script)} {quote_path(path)}"
    return f"{taken}{' | base64 -d' * one.layers} > {quote_path(f'{path}.pem')}"


def _from_text(kind: Format, path: str, raw: bytes) -> tuple[str, ...]:
    source, target = quote_path(path), quote_path(f"{path}.pem")
    match kind:
        case Format.UTF16:
            return (f"iconv -f {_utf16(raw)} -t UTF-8 {source} > {target}",)
        case Format.GZIP:
            return (f"gzip -dc {source} > {target}",)
        case Format.ZIP:
            return (
                f"unzip {source} -d {quote_path(f'{path}.d')}",
                "use the file in it that is meant",
            )
        case Format.ESCAPED_PEM:
            return (rf"sed 's/\\n/\n/g' {source} > {target}",)
        case Format.CARRIAGE_RETURNS:
            return (rf"tr '\r' '\n' < {source} > {target}",)
        case _:
            return ()


def _utf16(raw: bytes) -> str:
    """Name the byte order where no byte order mark does."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")) or len(raw) < 2:
        return "UTF-16"
    return "UTF-16LE" if raw[1] == 0 else "UTF-16BE"


def _with_path(role: Role, path: str, steps: tuple[str, ...]) -> tuple[str, ...]:
    if path == INLINE[role]:
        first = f"write the value of {path} to a file of that name, then run the following on it"
        steps = (first, *steps)
    return steps
