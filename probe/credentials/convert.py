"""The exact command that turns what a file is into what it should be, with its own path in it.

Pure. The steps are raw text: whoever makes a finding of them passes them through safe_text(). A
command writes to a new file next to the old one (`PATH.pem`) and never asks for a secret
on the command line.
"""

import json
import re
from typing import Final, Literal

from probe.credentials.formats.recognise import Format, name_utf16
from probe.credentials.formats.wrapped import Wrapped, choose_wrapped, find_wrapped
from probe.credentials.named_file import INLINE
from probe.model.finding import Role
from probe.text.safe_text import quote_path

Damage = Literal[
    "byte_order_mark", "one_line", "indented", "pkcs7", "trusted_certificate", "encrypted"
]
"""What keeps a PEM block from being used, and one command corrects."""

REQUEST: Final = "send the request to your CA, and put the certificate that it returns in the file"
_LEGACY: Final = "add -legacy where OpenSSL 3 or newer finds RC2-40-CBC unsupported"
_MANIFEST_KEY: Final = re.compile(r"[A-Za-z0-9._-]{1,253}")
"""Keys of a Kubernetes Secret (core/v1, `data`)."""
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KEY_OF_CERTIFICATE: Final = "use the private key that the certificate was requested with"

_OF_DAMAGE: Final[dict[Damage, str]] = {
    "byte_order_mark": r"sed -i '1s/^\xEF\xBB\xBF//' {source}",
    "one_line": r"sed 's/-----BEGIN [A-Z0-9 ]*-----/&\n/g; s/-----END/\n&/g' {source} > {target}",
    "indented": r"sed 's/^[ \t]*//' {source} > {target}",
    "pkcs7": "openssl pkcs7 -print_certs -in {source} -out {target}",
    "trusted_certificate": "openssl x509 -in {source} -out {target}",
    "encrypted": "openssl pkey -in {source} -out {target} && chmod 600 {target}",
}
_OF_DER: Final = {
    Format.DER_KEY: "openssl pkey -inform DER {input}-out {target}",
    Format.DER_ENCRYPTED_KEY: "openssl pkey -inform DER {input}-out {target}",
    Format.DER_CERTIFICATE: "openssl x509 -inform DER {input}-out {target}",
    Format.DER_PKCS7: "openssl pkcs7 -inform DER -print_certs {input}-out {target}",
}
_KEYS: Final = frozenset({Format.DER_KEY, Format.DER_ENCRYPTED_KEY})
_OF_TEXT: Final = {
    Format.GZIP: "gzip -dc {source} > {target}",
    Format.ESCAPED_PEM: r"sed 's/\\n/\n/g' {source} > {target}",
    Format.CARRIAGE_RETURNS: r"tr '\r' '\n' < {source} > {target}",
}


def convert(kind: Format, role: Role, path: str, raw: bytes) -> tuple[str, ...]:
    """Return the steps that make PEM for `role` of the file `path`, which is `kind`.

    `raw` is its content, where the steps depend on what is inside it.
    """
    return _with_path(role, path, _convert(kind, role, path, raw) or (describe_expected(role),))


def _convert(kind: Format, role: Role, path: str, raw: bytes) -> tuple[str, ...]:
    source, target = quote_path(path), quote_path(f"{path}.pem")
    match kind:
        case Format.PKCS12:
            return _from_pkcs12(role, path, f"{path}.pem")
        case Format.JKS | Format.JCEKS:
            return _from_jks(kind, role, path, f"{path}.pem")
        case Format.PUTTY_KEY if role == "key":
            make = f"puttygen {source} -O private-openssh -o {target}"
            return (make, convert_openssh(path)[0])
        case Format.BASE64_PEM | Format.BASE64_DER | Format.BASE64_KEYSTORE:
            return _from_base64(role, path, find_wrapped(raw, kind))
        case Format.JSON | Format.MANIFEST:
            one = choose_wrapped(find_wrapped(raw, kind), role)
            command = "" if one is None else _extract(kind, path, one)
            return (command,) if command else ()
        case Format.DER_CSR if role == "cert":
            return (REQUEST,)
        case Format.UTF16:
            return (f"iconv -f {name_utf16(raw)} -t UTF-8 {source} > {target}",)
        case Format.ZIP:
            folder = quote_path(f"{path}.d")
            return (f"unzip {source} -d {folder}", "use the file in it that is meant")
        case _ if kind in _OF_TEXT:
            return (_OF_TEXT[kind].format(source=source, target=target),)
        case _:
            return _from_der(kind, role, target, f"-in {source} ")


def convert_openssh(path: str) -> tuple[str, ...]:
    """Return how an OpenSSH private key becomes PEM; ssh-keygen converts in place."""
    copy = quote_path(f"{path}.pem")
    return (
        f"cp -p {quote_path(path)} {copy} && ssh-keygen -p -m PEM -N '' -f {copy}",
        "an Ed25519 key stays in OpenSSH's own format: make a new one (openssl genpkey)",
    )


def repair(damage: Damage, role: Role, path: str) -> tuple[str, ...]:
    """Return how PEM that is damaged in this way becomes what `role` needs."""
    command = _OF_DAMAGE[damage].format(source=quote_path(path), target=quote_path(f"{path}.pem"))
    steps: tuple[str, ...] = (command,)
    if damage == "encrypted":
        plain = "no exporter has a setting for a passphrase: protect the plain key by its file mode"
        steps = (command, plain)
    return _with_path(role, path, steps)


def copy_again(role: Role, path: str) -> tuple[str, ...]:
    """Return what helps a broken block: nothing but its source."""
    command = "openssl pkey -noout" if role == "key" else "openssl x509 -noout -subject"
    source = quote_path(path)
    return (f"copy {source} again from where it was made, and compare: {command} -in {source}",)


def describe_expected(role: Role) -> str:
    """Return what a file of `role` must hold."""
    if role == "key":
        return f"{_KEY_OF_CERTIFICATE}, as a PEM block that ends in PRIVATE KEY"
    if role == "cert":
        return "use the certificate that the CA issued, as a PEM CERTIFICATE block, then its intermediates"
    return "use the CA's certificate, as a PEM CERTIFICATE block"


def compare_keys(cert: str, key: str) -> tuple[str, ...]:
    """Return how to see that two files are not a pair, and what to do."""
    return (
        f"openssl x509 -noout -pubkey -in {quote_path(cert)} | openssl sha256",
        f"openssl pkey -pubout -in {quote_path(key)} | openssl sha256  # a pair prints the same twice",
        f"put the key that {quote_path(cert)} was requested with in {quote_path(key)}, or request a certificate for that key",
    )


def _from_der(kind: Format, role: Role, target: str, source: str = "") -> tuple[str, ...]:
    """Return the command for DER, where it is of the kind that `role` needs."""
    if kind not in _OF_DER or (kind in _KEYS) != (role == "key"):
        return ()
    return (_OF_DER[kind].format(input=source, target=target),)


def _from_jks(kind: Format, role: Role, path: str, out: str) -> tuple[str, ...]:
    store = f"{path}.p12"
    command = (
        f"keytool -importkeystore -srckeystore {quote_path(path)} -srcstoretype {kind.value} "
        f"-destkeystore {quote_path(store)} -deststoretype PKCS12"
    )
    return (command, *_from_pkcs12(role, store, out))


def _from_pkcs12(role: Role, path: str, out: str) -> tuple[str, ...]:
    target = quote_path(out)
    read = f"openssl pkcs12 -in {quote_path(path)}"
    if role == "key":
        return (f"{read} -nocerts -nodes -out {target} && chmod 600 {target}", _LEGACY)
    if role == "ca":
        return (f"{read} -nokeys -out {target}", _LEGACY)
    return (
        f"{read} -clcerts -nokeys -out {target}",
        f"{read} -cacerts -nokeys >> {target}",
        _LEGACY,
    )


def _from_base64(role: Role, path: str, found: tuple[Wrapped, ...]) -> tuple[str, ...]:
    if not found:
        return ()
    target = quote_path(f"{path}.pem")
    decoded = f"base64 -d {quote_path(path)}" + " | base64 -d" * (found[0].layers - 1)
    match found[0].inner:
        case Format.PKCS12:
            store = f"{path}.p12"
            return (f"{decoded} > {quote_path(store)}", *_from_pkcs12(role, store, f"{path}.pem"))
        case Format.JKS | Format.JCEKS as kind:
            store = f"{path}.jks"
            steps = _from_jks(kind, role, store, f"{path}.pem")
            return (f"{decoded} > {quote_path(store)}", *steps)
        case Format.PEM:
            return (f"{decoded} > {target}",) if choose_wrapped(found, role) else ()
        case Format.DER_ENCRYPTED_KEY:
            return ()
        case kind:
            return tuple(f"{decoded} | {step}" for step in _from_der(kind, role, target))


def _extract(kind: Format, path: str, one: Wrapped) -> str:
    """Return the command that takes `one` out of JSON, or out of a Secret's manifest.

    Empty where the manifest's key is not a valid name: sed would take a part of it for commands.
    """
    if kind is Format.JSON:
        keys = "".join(
            f".{key}" if _IDENTIFIER.fullmatch(key) else f"[{json.dumps(key)}]" for key in one.place
        )
        place = quote_path(keys if keys.startswith(".") else f".{keys}")
        command = f"jq -r {place} {quote_path(path)}"
    else:
        if not _MANIFEST_KEY.fullmatch(one.place[0]):
            return ""
        key = one.place[0].replace(".", r"\.")
        script = rf"s/^[[:space:]\"]*{key}\"?:[[:space:]]*//p"
        command = f"sed -nE {quote_path(script)} {quote_path(path)}"
    return f"{command}{' | base64 -d' * one.layers} > {quote_path(f'{path}.pem')}"


def _with_path(role: Role, path: str, steps: tuple[str, ...]) -> tuple[str, ...]:
    if path == INLINE[role]:
        first = f"write the value of {path} to a file of that name, then run the following on it"
        steps = (first, *steps)
    return steps
