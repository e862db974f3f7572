"""The exact commands that turn what a file is into what it should be, with its own path in them.

Pure. The steps are raw text: whoever makes a finding of them passes them through safe_text(). A
command writes to a new file next to the old one, never over it nor over what an earlier step made,
and never asks for a secret on the command line; the last step names the new file in the setting.
"""

import json
import re
from typing import Final, Literal

from probe.credentials.formats.keystore import read_pkcs7
from probe.credentials.formats.recognise import Format, cut_first_der, name_utf16
from probe.credentials.formats.wrapped import Wrapped, choose_wrapped, find_wrapped
from probe.credentials.named_file import INLINE, NamedFile
from probe.model.finding import Role
from probe.text.safe_text import quote_path
from probe.x509.path import find_wrong_link

Damage = Literal[
    "byte_order_mark",
    "returns",
    "header",
    "blank",
    "joined",
    "invisible",
    "one_line",
    "indented",
    "trusted_certificate",
    "encrypted",
]
"""What keeps a PEM block from being used, and one command corrects."""

_MAY_BE_LEGACY: Final = "if OpenSSL finds the keystore's encryption (RC2-40-CBC, say) unsupported, add -legacy after pkcs12"
_OF_LEGACY: Final = tuple(
    bytes.fromhex(f"2a864886f70d010c01{last}") for last in ("01", "02", "05", "06")
)
"""What only OpenSSL 3's legacy provider decrypts: RC4 and RC2 of PKCS#12 (RFC 7292, appendix C)."""
_MANIFEST_KEY: Final = re.compile(r"[A-Za-z0-9._-]{1,253}")
"""Keys of a Kubernetes Secret (core/v1, `data`)."""
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ED25519: Final = (
    "if the key is Ed25519, which keeps OpenSSH's own format, make a new one (openssl genpkey) and "
    "request a certificate for it"
)
_SUFFIXES: Final[dict[Role, str]] = {"cert": ".cert.pem", "key": ".key.pem", "ca": ".ca.pem"}
"""Of what is taken out of a file that may hold several: each setting gets a file of its own."""

_OF_DAMAGE: Final[dict[Damage, str]] = {
    "byte_order_mark": r"sed 's/^\xEF\xBB\xBF//' {source} > {target}",
    "returns": r"tr -d '\r' < {source} > {target}",
    "header": r"sed -E '/^[A-Za-z0-9-]+:/d; /^[ \t\r]*$/d' {source} > {target}",
    "blank": r"sed '/^[ \t\r]*$/d' {source} > {target}",
    "joined": r"sed -E 's/(-----END [A-Z0-9 ]+-----)[ \t]*-----BEGIN/\1\n-----BEGIN/g' {source} > {target}",
    "invisible": r"sed 's/^\xE2\x80\x8B//; s/^\xC2\xA0//; s/^\xEF\xBB\xBF//' {source} > {target}",
    "one_line": r"sed 's/-----BEGIN [A-Z0-9 ]*-----/\n&\n/g; s/-----END/\n&/g' {source} > {target}",
    "indented": r"sed 's/^[ \t]*//' {source} > {target}",
    "trusted_certificate": "openssl x509 -in {source} -out {target}",
    "encrypted": "openssl pkey -in {source} -out {target}",
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
    Format.HIDDEN_PEM: r"sed -E 's/^.*(-----BEGIN )/\1/; s/(-----END [A-Z0-9 ]+-----).*/\1/' {source} > {target}",
    Format.CARRIAGE_RETURNS: r"tr '\r' '\n' < {source} > {target}",
}


def convert(kind: Format, file: NamedFile, raw: bytes) -> tuple[str, ...]:
    """Return the steps that make PEM for the role of `file`, which is `kind` and holds `raw`."""
    return _convert(kind, file, raw) or describe_expected(file)


def _convert(kind: Format, file: NamedFile, raw: bytes) -> tuple[str, ...]:
    source, target = quote_path(file.path), quote_path(f"{file.path}.pem")
    match kind:
        case Format.PKCS12:
            legacy = _needs_legacy(raw)
            return _take_out(file, *_from_pkcs12(file, file.path, legacy=legacy), legacy=legacy)
        case Format.JKS | Format.JCEKS:
            return _take_out(file, *_from_jks(kind, file, file.path))
        case Format.PUTTY_KEY if file.role == "key":
            make = f"puttygen {source} -O private-openssh -o {target}"
            return _write(file, make, notes=(_ED25519,))
        case Format.BASE64_PEM | Format.BASE64_DER | Format.BASE64_KEYSTORE:
            return _from_base64(file, find_wrapped(raw, kind))
        case Format.JSON | Format.MANIFEST:
            one = choose_wrapped(find_wrapped(raw, kind), file.role)
            command = "" if one is None else _extract(kind, file, one)
            return _write(file, command, suffix=_SUFFIXES[file.role]) if command else ()
        case Format.DER_CSR if file.role == "cert":
            return send_request(file)
        case Format.UTF16:
            return _write(file, f"iconv -f {name_utf16(raw)} -t UTF-8 {source} > {target}")
        case Format.ZIP:
            folder = quote_path(f"{file.path}.d")
            meant = _name_content(file.role)
            return (
                f"unzip {source} -d {folder}",
                f"set {file.settings.name(file.role)} to the file in {folder} that holds {meant}",
            )
        case _ if kind in _OF_TEXT:
            return _write(file, _OF_TEXT[kind].format(source=source, target=target))
        case _:
            commands = _from_der(kind, file.role, target, f"-in {source} ")
            notes = _sort_bundle(file, cut_first_der(raw)) if kind is Format.DER_PKCS7 else ()
            return _write(file, *commands, notes=notes) if commands else ()


def convert_openssh(file: NamedFile) -> tuple[str, ...]:
    """Return how an OpenSSH private key becomes PEM; ssh-keygen converts in place."""
    copy = quote_path(f"{file.path}.pem")
    make = f"cp -p {quote_path(file.path)} {copy} && ssh-keygen -p -m PEM -N '' -f {copy}"
    return _write(file, make, notes=(_ED25519,))


def repair(damage: Damage, file: NamedFile) -> tuple[str, ...]:
    """Return how PEM that is damaged in this way becomes what the role of `file` needs."""
    source, target = quote_path(file.path), quote_path(f"{file.path}.pem")
    return _write(file, _OF_DAMAGE[damage].format(source=source, target=target))


def write_pkcs8(file: NamedFile) -> tuple[str, ...]:
    """Return how a key becomes one block of unencrypted PKCS#8, which every exporter reads."""
    source, target = quote_path(file.path), quote_path(f"{file.path}.pem")
    return _write(file, f"openssl pkey -in {source} -out {target}")


def take_blocks(file: NamedFile) -> tuple[str, ...]:
    """Return how the blocks that a role needs are taken out of a file that holds more."""
    source, target = quote_path(file.path), quote_path(f"{file.path}{_SUFFIXES[file.role]}")
    if file.role == "key":
        command = f"openssl pkey -in {source} -out {target}"
    else:
        bundle = f"openssl crl2pkcs7 -nocrl -certfile {source}"
        command = f"{bundle} | openssl pkcs7 -print_certs -out {target}"
    return _write(file, command, suffix=_SUFFIXES[file.role])


def unpack_bundle(file: NamedFile, der: bytes) -> tuple[str, ...]:
    """Return how the certificates come out of the PKCS#7 block whose content is `der`."""
    source, target = quote_path(file.path), quote_path(f"{file.path}.pem")
    command = f"openssl pkcs7 -print_certs -in {source} -out {target}"
    return _write(file, command, notes=_sort_bundle(file, der))


def _sort_bundle(file: NamedFile, der: bytes) -> tuple[str, ...]:
    """Return the step that puts a bundle's certificates in order: PKCS#7 holds them as a set."""
    if file.role != "cert" or not find_wrong_link(read_pkcs7(der)):
        return ()
    target = quote_path(f"{file.path}.pem")
    return (
        f"in {target}, move the exporter's own certificate to the top, and each one's issuer after it",
    )


def copy_again(file: NamedFile) -> tuple[str, ...]:
    """Return what helps a broken block: nothing but its source."""
    command = "openssl pkey -noout" if file.role == "key" else "openssl x509 -noout -subject"
    source = quote_path(file.path)
    return (f"copy {source} again from where it was made, and compare: {command} -in {source}",)


def describe_expected(file: NamedFile) -> tuple[str, ...]:
    """Return what the file must hold."""
    block = (
        "PEM block whose label ends in PRIVATE KEY"
        if file.role == "key"
        else "PEM CERTIFICATE block"
    )
    more = ", and its intermediates after it" if file.role == "cert" else ""
    return (f"put {_name_content(file.role)} in {quote_path(file.path)}, as a {block}{more}",)


def correct_exchanged(file: NamedFile) -> tuple[str, ...]:
    """Return what helps where a key is in the certificate's place, or the reverse: one step of both."""
    cert, key = file.settings.cert, file.settings.key
    return (
        f"set {cert} to the file with the certificate and {key} to the file with its private key: "
        "perhaps the two are exchanged",
    )


def send_request(file: NamedFile) -> tuple[str, ...]:
    """Return what makes a certificate of a signing request."""
    return (
        f"send the request to your CA, and put the certificate that it returns in "
        f"{quote_path(file.path)}, and its intermediates after it",
    )


def reissue(file: NamedFile, how: str) -> str:
    """Return the step for a certificate that has to be issued again, `how` as a clause."""
    path = quote_path(file.path)
    if file.role == "ca":
        return (
            f"have the CA's certificate issued again {how}, and put it in place of the present one in "
            f"{path}"
        )
    return (
        f"have the CA issue the certificate again {how}, and put it, followed by its intermediates, in "
        f"{path}, and its key in the file of {file.settings.key}"
    )


def sort_chain(file: NamedFile) -> str:
    """Return the step for certificates that are not in their order."""
    return (
        f"in {quote_path(file.path)}, put the end entity first, then each certificate's issuer, each of "
        "them once"
    )


def compare_keys(cert: str, key: str) -> tuple[str, ...]:
    """Return how to see that two files are not a pair, and what to do."""
    return (
        f"openssl x509 -noout -pubkey -in {quote_path(cert)} | openssl sha256",
        f"openssl pkey -pubout -in {quote_path(key)} | openssl sha256  # a pair prints the same twice",
        f"put the key that {quote_path(cert)} was requested with in {quote_path(key)}, or request a certificate for that key",
    )


def _write(
    file: NamedFile, *commands: str, notes: tuple[str, ...] = (), suffix: str = ".pem"
) -> tuple[str, ...]:
    """Return the commands that write PATH and `suffix`, and the step that names that file.

    A key is its owner's alone; what stands in the settings themselves goes into a file first.
    """
    target, setting = quote_path(f"{file.path}{suffix}"), file.settings.name(file.role)
    if file.role == "key":
        commands = (*commands[:-1], f"{commands[-1]} && chmod 600 {target}")
    if file.path != INLINE[file.role]:
        return (*commands, *notes, f"set {setting} to {target}")
    return (
        f"write the value of {file.path} to a file of that name, then run the following on it",
        *commands,
        *notes,
        f"set {setting} to {target}, and remove {file.path}",
    )


def _take_out(file: NamedFile, *commands: str, legacy: bool | None = None) -> tuple[str, ...]:
    """Return the steps that take the part of `file`'s role out of a keystore."""
    notes = (_MAY_BE_LEGACY,) if legacy is None else ()
    return _write(file, *commands, notes=notes, suffix=_SUFFIXES[file.role])


def _name_content(role: Role) -> str:
    if role == "key":
        return "the private key that the certificate was requested with"
    return "the certificate that the CA issued" if role == "cert" else "the CA's certificate"


def _from_der(kind: Format, role: Role, target: str, source: str = "") -> tuple[str, ...]:
    """Return the command for DER, where it is of the kind that `role` needs."""
    if kind not in _OF_DER or (kind in _KEYS) != (role == "key"):
        return ()
    return (_OF_DER[kind].format(input=source, target=target),)


def _from_jks(kind: Format, file: NamedFile, path: str) -> tuple[str, ...]:
    """Return the commands that take the part of `file`'s role out of the Java keystore `path`."""
    store = f"{path}.p12"
    command = (
        f"keytool -importkeystore -srckeystore {quote_path(path)} -srcstoretype {kind.value} "
        f"-destkeystore {quote_path(store)} -deststoretype PKCS12"
    )
    return (command, *_from_pkcs12(file, store))


def _from_pkcs12(file: NamedFile, path: str, *, legacy: bool = False) -> tuple[str, ...]:
    """Return the commands that take the part of `file`'s role out of the keystore `path`.

    The key goes through `openssl pkey`, which leaves out the Bag Attributes before it: Java reads
    no key behind other text.
    """
    target = quote_path(f"{file.path}{_SUFFIXES[file.role]}")
    read = f"openssl pkcs12{' -legacy' if legacy else ''} -in {quote_path(path)}"
    if file.role == "key":
        return (f"{read} -nocerts -nodes | openssl pkey -out {target}",)
    if file.role == "ca":
        return (f"{read} -nokeys -out {target}",)
    return (f"{read} -clcerts -nokeys -out {target}", f"{read} -cacerts -nokeys >> {target}")


def _needs_legacy(raw: bytes) -> bool:
    """Whether OpenSSL 3 decrypts a keystore with its legacy provider only."""
    return any(each in raw for each in _OF_LEGACY)


def _from_base64(file: NamedFile, found: tuple[Wrapped, ...]) -> tuple[str, ...]:
    if not found:
        return ()
    target = quote_path(f"{file.path}.pem")
    decoded = f"base64 -d {quote_path(file.path)}" + " | base64 -d" * (found[0].layers - 1)
    match found[0].inner:
        case Format.PKCS12:
            store = f"{file.path}.p12"
            first = f"{decoded} > {quote_path(store)}"
            return _take_out(file, first, *_from_pkcs12(file, store))
        case Format.JKS | Format.JCEKS as kind:
            store = f"{file.path}.jks"
            first = f"{decoded} > {quote_path(store)}"
            return _take_out(file, first, *_from_jks(kind, file, store))
        case Format.PEM:
            return _write(file, f"{decoded} > {target}") if choose_wrapped(found, file.role) else ()
        case Format.DER_ENCRYPTED_KEY:
            return ()
        case kind:
            commands = _from_der(kind, file.role, target)
            return _write(file, *(f"{decoded} | {each}" for each in commands)) if commands else ()


def _extract(kind: Format, file: NamedFile, one: Wrapped) -> str:
    """Return the command that takes `one` out of JSON, or out of a Secret's manifest.

    Empty where the manifest's key is not a valid name: sed would take a part of it for commands.
    """
    if kind is Format.JSON:
        keys = "".join(
            f".{key}" if _IDENTIFIER.fullmatch(key) else f"[{json.dumps(key)}]" for key in one.place
        )
        place = quote_path(keys if keys.startswith(".") else f".{keys}")
        command = f"jq -r {place} {quote_path(file.path)}"
    else:
        if not _MANIFEST_KEY.fullmatch(one.place[0]):
            return ""
        key = one.place[0].replace(".", r"\.")
        script = rf"s/^[[:space:]\"]*{key}\"?:[[:space:]]*//p"
        command = f"sed -nE {quote_path(script)} {quote_path(file.path)}"
    target = quote_path(f"{file.path}{_SUFFIXES[file.role]}")
    return f"{command}{' | base64 -d' * one.layers} > {target}"
