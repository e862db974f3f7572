"""What guards every page: the rate limit, the client's names, the password; then headers.

The order is exporter-toolkit's, and so is what is guarded: every path, health included. A credential
is compared and forgotten, and no answer or log has one.
"""

import base64
import binascii
import ipaddress
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler
from cryptography import x509

from probe.system.fault_log import TokenBucket
from probe.web.server.passwords import BusyError, Passwords
from probe.web.server.web_file import RateLimit, ServerSettings

_TEXT_NAMES: Final = (x509.DNSName, x509.RFC822Name, x509.UniformResourceIdentifier)
_ADDRESSES: Final = (ipaddress.IPv4Address, ipaddress.IPv6Address)
_CHALLENGE: Final = 'Basic realm="mtls-probe", charset="UTF-8"'


class Guard:
    """Passes a request on or answers it itself, by the settings that are in force."""

    def __init__(
        self,
        settings: Callable[[], ServerSettings],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read the settings from `settings` at each request; `clock` (seconds) fills the rate limit."""
        self._settings = settings
        self._passwords = Passwords()
        self._clock = clock
        self._limit: RateLimit | None = None
        self._bucket: TokenBucket | None = None

    def install(self, application: web.Application) -> None:
        """Guard every page of `application`, which is not running yet."""

        # aiohttp marks a middleware by an attribute, which a method cannot have.
        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self.answer(request, handler)

        application.middlewares.insert(0, guard)
        application.on_response_prepare.append(self.headers)
        application.on_cleanup.append(self._close)

    async def answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Pass `request` on to `handler`, or say why not."""
        settings = self._settings()
        if not self._allows(settings.rate_limit):
            return web.Response(status=429, text="too many requests\n")
        if settings.tls is not None and settings.tls.client_allowed_sans is not None:
            allowed = settings.tls.client_allowed_sans
            if allowed.isdisjoint(_names_of_client(request)):
                return web.Response(status=403, text="not a client of this server\n")
        if settings.users:
            refused = await self._without_password(request, settings)
            if refused is not None:
                return refused
        return await handler(request)

    async def headers(self, _: web.Request, response: web.StreamResponse) -> None:
        """Set the headers of the file, also in place of a page's own."""
        response.headers.update(self._settings().headers)

    def _allows(self, limit: RateLimit | None) -> bool:
        if limit is None:
            self._bucket = None
            return True
        if self._bucket is None or self._limit != limit:
            self._limit = limit
            self._bucket = TokenBucket(burst=limit.burst, every=limit.interval)
        return self._bucket.take(self._clock())

    async def _without_password(
        self, request: web.Request, settings: ServerSettings
    ) -> web.Response | None:
        given = _basic(request.headers.get("Authorization", ""))
        try:
            if given is not None and await self._passwords.is_right(settings.users, *given):
                return None
        except BusyError:
            text = "too many passwords are being checked\n"
            return web.Response(status=503, text=text, headers={"Retry-After": "1"})
        headers = {"WWW-Authenticate": _CHALLENGE}
        return web.Response(status=401, text="unauthorized\n", headers=headers)

    async def _close(self, _: web.Application) -> None:
        self._passwords.close()


def _basic(header: str) -> tuple[bytes, bytes] | None:
    """Return user and password of an `Authorization` header (RFC 7617), or None."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
    user, colon, password = decoded.partition(b":")
    return (user, password) if colon else None


def _names_of_client(request: web.Request) -> frozenset[str]:
    """Return the names in the certificate that TLS has verified."""
    transport = request.transport
    connection = None if transport is None else transport.get_extra_info("ssl_object")
    certificate = None if connection is None else connection.getpeercert(binary_form=True)
    return frozenset() if certificate is None else _names(certificate)


@lru_cache(maxsize=64)
def _names(certificate: bytes) -> frozenset[str]:
    """Return DNS names, addresses, e-mail addresses and URIs as the format compares them."""
    try:
        extensions = x509.load_der_x509_certificate(certificate).extensions
        names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        return frozenset()
    return frozenset(
        str(each.value)
        for each in names
        if isinstance(each, _TEXT_NAMES)
        or (isinstance(each, x509.IPAddress) and isinstance(each.value, _ADDRESSES))
    )
