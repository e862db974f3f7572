"""What of a target, a configuration and an environment is secret, and what is shown by design.

Pure but for the register that it fills. Header values are secret but for those of headers that
never hold a credential; of URLs user, password and query; keys given inline; passwords and tokens
within what is encoded.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from probe.model.collector_receiver import Receiver
from probe.model.target import Secret, Target
from probe.text.description import describe_url_path, find_url_tokens
from probe.text.secret_register import SecretRegister

PUBLIC_HEADERS: Final = frozenset({
    "accept", "accept-charset", "accept-encoding", "accept-language", "cache-control",
    "connection", "content-encoding", "content-length", "content-type", "date", "expect",
    "grpc-accept-encoding", "grpc-encoding", "grpc-timeout", "host", "keep-alive", "origin",
    "pragma", "te", "trailer", "transfer-encoding", "upgrade", "user-agent", "via",
    "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto", "x-scope-orgid",
})  # fmt: skip
"""Headers that say how to talk, or, as X-Scope-OrgID of Mimir, Loki and Tempo, for whom: a name
that authenticates nobody, which their own dashboards and logs show."""

MEDIA_TYPES: Final = (
    "application/grpc", "application/grpc+proto", "application/grpc-web", "application/json",
    "application/x-protobuf", "application/protobuf", "application/octet-stream", "text/html",
    "text/plain", "text/plain; charset=utf-8", "text/html; charset=utf-8",
)  # fmt: skip
"""What a header's value may be without being a secret, and what the diagnosis reads."""

_LONG_WORD: Final = 16
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9!#$%&'*+.^_`|~-]{0,31}[ ]+(?=\S)")
_AUTHORIZATION: Final = frozenset({"authorization", "proxy-authorization"})
_SCHEMES: Final = frozenset(
    {"apikey", "api-key", "api-token", "basic", "bearer", "digest", "key", "splunk", "token"}
)
# A name is looked for at its beginning alone: at each of its characters, a long value without `=`
# would take time that grows with the square of its length.
_PARAMETER: Final = re.compile(r'(?<![\w.-])[\w.-]+="?([^",;]{8,})"?')
_ARMOUR: Final = re.compile(r"-----(?:BEGIN|END)[^\n-]*-----|^[A-Za-z-]+: .*$", re.MULTILINE)
_EXPORTER_VARIABLE: Final = re.compile(
    r"OTEL_EXPORTER_OTLP_(?:[A-Z]+_)?(HEADERS|ENDPOINT|CLIENT_KEY)"
)
_SECRET_NAME: Final = re.compile(
    r"TOKEN|SECRET|PASSW(?:OR)?D|PASSPHRASE|CREDENTIAL|API_?KEY|PRIVATE_KEY|ACCESS_KEY",
    re.IGNORECASE,
)
_PROXY_VARIABLES: Final = frozenset({"HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "GRPC_PROXY"})


def register_targets(register: SecretRegister, targets: Iterable[Target]) -> None:
    """Register what is secret of each target, after what of all of them is shown."""
    targets = tuple(targets)
    register.add_public(text for target in targets for text in _public_texts(target))
    for target in targets:
        for value in target_secrets(target):
            register.add(value)


def register_environment(register: SecretRegister, environ: Mapping[str, str]) -> None:
    """Register what the variables of SDKs and proxies hold, whether or not they can be used."""
    for name, text in environ.items():
        for value in _variable_secrets(name, text):
            register.add(value)


def environment_secrets(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield what is secret of another process's variables, those of other programs included.

    Of others the name decides (`DB_PASSWORD`), unless the value is the path of a file.
    """
    for name, text in environ.items():
        yield from _variable_secrets(name, text)
        if _SECRET_NAME.search(name) and not text.startswith(("/", "./")):
            yield text


def register_receiver(register: SecretRegister, receiver: Receiver) -> None:
    """Register the key that a receiver has inline."""
    for value in _receiver_secrets(receiver):
        register.add(value)


def _receiver_secrets(receiver: Receiver | None) -> Iterator[str]:
    if receiver is not None and receiver.tls is not None and receiver.tls.key_pem is not None:
        yield from key_secrets(receiver.tls.key_pem.reveal())


def register_url(register: SecretRegister, url: str) -> None:
    """Register user, password and query of a URL, and the tokens of its path."""
    for value in url_secrets(url):
        register.add(value)


def target_secrets(target: Target) -> Iterator[str]:
    """Yield every secret that `target` holds."""
    for name, value in target.headers:
        yield from header_secrets(name, value)
    if target.tls.key_pem is not None:
        yield from key_secrets(target.tls.key_pem.reveal())
    yield from _receiver_secrets(target.receiver)
    if target.proxy_url is not None:
        yield from url_secrets(target.proxy_url.reveal())
    path, mark, query = target.endpoint.path.partition("?")
    yield from _path_secrets(path)
    if mark:
        yield from query_secrets(query)


def header_secrets(name: str, value: Secret) -> Iterator[str]:
    """Yield what is secret in a header: the value, or what follows its scheme (`Bearer …`).

    Of Basic also what it encodes, of parameters (RFC 9110 §11.2) each value; none of a public
    header.
    """
    if name.lower() in PUBLIC_HEADERS:
        return
    text = value.reveal().strip()
    scheme = _SCHEME.match(text)
    if scheme and not (name.lower() in _AUTHORIZATION or scheme[0].strip().lower() in _SCHEMES):
        scheme = None
    # A scheme is an ordinary word, which a backend may say of its own accord.
    rest = text[scheme.end() :] if scheme else text
    yield rest
    yield from _find_tokens(rest)
    yield from _PARAMETER.findall(rest)
    if unquote(rest) != rest:
        yield unquote(rest)
    if scheme and scheme[0].strip().lower() == "basic":
        yield from _basic_secrets(rest)


def url_secrets(url: str) -> Iterator[str]:
    """Yield `user:password`, the password, what of the path is a token, and the query's values."""
    try:
        parts = urlsplit(url)
    except ValueError:
        yield url
        return
    userinfo, mark, _ = parts.netloc.rpartition("@")
    if mark:
        user, colon, password = userinfo.partition(":")
        yield from (userinfo, unquote(userinfo))
        yield from (password, unquote(password)) if colon else (user, unquote(user))
    yield from _path_secrets(parts.path)
    yield from query_secrets(parts.query)


def query_secrets(query: str) -> Iterator[str]:
    """Yield a query's values, as they stand and decoded; one without `=` is a value itself."""
    for piece in re.split("[&;]", query):
        value = piece.partition("=")[2] if "=" in piece else piece
        yield from (value, unquote(value))
    yield from (value for _, value in parse_qsl(query))


def key_secrets(pem: str) -> Iterator[str]:
    """Yield a key's text without its armour, in one line, as base64 of DER is written elsewhere."""
    yield "".join(_ARMOUR.sub("", pem.replace("\\n", "\n")).split())


def _path_secrets(path: str) -> Iterator[str]:
    """Yield the tokens of a path: a backend that does not know it repeats it (`Cannot POST /…`)."""
    for token in find_url_tokens(path):
        yield from (token, unquote(token))


def _variable_secrets(name: str, text: str) -> Iterator[str]:
    found = _EXPORTER_VARIABLE.fullmatch(name)
    kind = found[1] if found else ""
    if kind == "HEADERS":
        for member in text.split(","):
            header, equals, value = member.partition("=")
            if equals:
                for written in (value, unquote(value)):
                    yield from header_secrets(unquote(header.strip()), Secret(written))
            else:
                yield member
    elif name.upper() in _PROXY_VARIABLES or kind == "ENDPOINT":
        yield from url_secrets(text if "://" in text else f"//{text}")
    elif kind == "CLIENT_KEY" and "-----BEGIN" in text:
        yield from key_secrets(text)


def _find_tokens(text: str) -> Iterator[str]:
    """Yield the long words of a text of several: a token that has another scheme before it."""
    words = text.split()
    if len(words) > 1:
        yield from (word for word in words if len(word) >= _LONG_WORD)


def _basic_secrets(encoded: str) -> Iterator[str]:
    """Yield what Basic credentials encode (RFC 7617 §2): `user:password` and the password."""
    try:
        pair = base64.b64decode(encoded, validate=True).decode("utf-8", "surrogateescape")
    except (binascii.Error, ValueError):
        return
    user, _, password = pair.partition(":")
    yield from (pair, user, password)
    yield from _find_tokens(pair)


def _public_texts(target: Target) -> Iterator[str]:
    """Yield what of a target every page shows: no part of it is a secret."""
    endpoint, tls = target.endpoint, target.tls
    yield from (target.name, endpoint.host, endpoint.authority, target.reference_identifier)
    yield from (target.authority, tls.server_name_override)
    yield from (tls.ca_file or "", tls.cert_file or "", tls.key_file or "")
    yield from (name for name, _ in target.headers)
    yield from (value for _, value in target.labels)
    yield from MEDIA_TYPES
    yield describe_url_path(endpoint.path.partition("?")[0])
