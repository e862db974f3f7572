"""How a Collector's exporter authenticates above TLS: its `auth:` extension becomes headers.

Pure but for `CollectorFiles.read`. Follows contrib's bearertokenauth, basicauth and headers_setter
extensions; what the probe cannot do is a warning. No token, password or header value is
part of a warning or an error.
"""

from base64 import b64encode
from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct, field

from probe.config.errors import explain_unreadable
from probe.config.sources.collector.merge import CollectorFiles, component_id, component_type
from probe.text.description import describe_key, describe_path

Warn = Callable[[str], None]

_SETTER: Final = "headers_setter"


class _Bearer(Struct, frozen=True):
    token: str = ""
    tokens: list[str] = field(default_factory=list)
    filename: str = ""
    scheme: str = "Bearer"
    header: str = "Authorization"


class _ClientAuth(Struct, frozen=True):
    username: str = ""
    username_file: str = ""
    password: str = ""
    password_file: str = ""
    aws_secrets_manager: Any = None


class _Basic(Struct, frozen=True):
    client_auth: _ClientAuth | None = None


class _Header(Struct, frozen=True):
    key: str = ""
    action: str = "upsert"
    value: str | None = None
    value_file: str | None = None
    default_value: str | None = None


class _HeadersSetter(Struct, frozen=True):
    headers: list[_Header] = field(default_factory=list)
    additional_auth: str | None = None


class Headers:
    """The headers of one exporter, in the order in which they came; names ignore case."""

    def __init__(self, *, grpc: bool) -> None:
        """Hold none."""
        self.grpc = grpc
        self._held: dict[str, tuple[str, str]] = {}

    def set(self, name: str, value: str) -> None:
        """Set `name`, in place of one that is there."""
        self._held[name.lower()] = (name.lower() if self.grpc else name, value)

    def delete(self, name: str) -> None:
        """Forget `name`."""
        self._held.pop(name.lower(), None)

    def get(self, name: str) -> str:
        """Return the value of `name`, or an empty text."""
        return self._held.get(name.lower(), ("", ""))[1]

    def items(self) -> tuple[tuple[str, str], ...]:
        """Return names and values."""
        return tuple(self._held.values())


def authenticate(
    authenticator: str, headers: Headers, files: CollectorFiles, warn: Warn, *, plaintext: bool
) -> None:
    """Add to `headers` what the extension `authenticator` adds to each request.

    Args:
        authenticator: The extension's id.
        headers: What the exporter's own settings send.
        files: The Collector's configuration.
        warn: Receives what cannot be done as the exporter does it.
        plaintext: Whether the exporter speaks gRPC without TLS, where such secrets are never sent.

    Raises:
        ConfigurationError: An extension whose settings are of a wrong type, or that needs TLS where
            there is none (grpc-go, errTransportCredentialsMissing).
    """
    chain = _list_authenticators(component_id(authenticator), files, warn)
    held = files.components("extensions")
    secret = next((each for each in chain if component_type(each) != _SETTER), None)
    if plaintext and secret:
        reason = "needs TLS over gRPC: an exporter without TLS that names it does not start"
        raise files.at["extensions"][held[secret]].error(reason)
    if not headers.grpc:
        for extension in chain:
            _apply(extension, held[extension], headers, files, warn)
        return
    # Credentials of a call are made apart from `headers`, the last of the chain first.
    added = Headers(grpc=True)
    for extension in reversed(chain):
        _apply(extension, held[extension], added, files, warn)
    for name, value in added.items():
        headers.set(name, value)


def _list_authenticators(extension: str, files: CollectorFiles, warn: Warn) -> list[str]:
    """Return `extension` and, after a headers_setter, what its `additional_auth` names, and so on.

    An HTTP request passes through them in this order: the last is the closest to the wire.
    """
    chain: list[str] = []
    extensions = files.components("extensions")
    while extension:
        kind = component_type(extension)
        if extension not in extensions:
            shown = describe_key(extension)
            warn(f"its authenticator {shown} is not among the extensions; it is probed without")
            break
        if kind not in {"bearertokenauth", "basicauth", _SETTER}:
            warn(
                f"it authenticates by {describe_key(extension)}, which the probe cannot do; it is probed without"
            )
            break
        if extension in chain:
            warn(
                f"{describe_key(extension)} adds what it adds itself, with which the Collector does not start"
            )
            break
        chain.append(extension)
        if kind != _SETTER:
            break
        settings = files.component("extensions", extensions[extension], _HeadersSetter)
        extension = component_id(settings.additional_auth or "")
    return chain


def _apply(extension: str, key: str, headers: Headers, files: CollectorFiles, warn: Warn) -> None:
    match component_type(extension):
        case "bearertokenauth":
            _apply_bearer(files.component("extensions", key, _Bearer), headers, files, warn)
        case "basicauth":
            _apply_basic(files.component("extensions", key, _Basic), headers, files, warn)
        case _:
            _apply_setter(files.component("extensions", key, _HeadersSetter), headers, files, warn)


def _apply_bearer(settings: _Bearer, headers: Headers, files: CollectorFiles, warn: Warn) -> None:
    token = next(iter(settings.tokens), "") or settings.token
    if settings.filename:
        # The file comes before the other keys; its first line is what clients send.
        held = _read_file(settings.filename, files, warn)
        token = token if held is None else held.partition("\n")[0].strip()
    if not token:
        warn("its bearer token is empty; it is probed without")
        return
    headers.set(settings.header, f"{settings.scheme} {token}" if settings.scheme else token)


def _apply_basic(settings: _Basic, headers: Headers, files: CollectorFiles, warn: Warn) -> None:
    client = settings.client_auth
    if client is None or client.aws_secrets_manager is not None:
        warn("its user name and password are not in the configuration; it is probed without")
        return
    user, password = client.username, client.password
    if client.username_file:
        user = (_read_file(client.username_file, files, warn) or "").strip()
    if client.password_file:
        password = (_read_file(client.password_file, files, warn) or "").strip()
    if ":" in user:
        warn("its user name holds a colon, with which the Collector does not start")
        return
    headers.set("Authorization", basic_authorization(f"{user}:{password}"))


def basic_authorization(credentials: str) -> str:
    """Return the value of an `Authorization` header for `user:password` (RFC 7617 §2)."""
    return f"Basic {b64encode(credentials.encode()).decode('ascii')}"


def _apply_setter(
    settings: _HeadersSetter, headers: Headers, files: CollectorFiles, warn: Warn
) -> None:
    for header in settings.headers:
        if header.action == "delete":
            headers.delete(header.key)
            continue
        value = header.value
        if value is None and header.value_file:
            held = _read_file(header.value_file, files, warn)
            value = None if held is None else held.strip()
        value = header.default_value if value is None else value
        if value is None:
            warn(
                f"its header {describe_key(header.key)} comes with each request; it is probed without"
            )
        elif header.action not in {"insert", "update"} or (
            bool(headers.get(header.key)) == (header.action == "update")
        ):
            headers.set(header.key, value)


def _read_file(path: str, files: CollectorFiles, warn: Warn) -> str | None:
    try:
        return files.read(path)
    except (OSError, ValueError) as error:
        warn(f"{describe_path(path)} cannot be read: {explain_unreadable(error)}")
        return None
