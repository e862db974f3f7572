"""The web file in force, and how a changed one takes its place.

It is read and judged whole, with every file that it names, then swapped. A file with an error, and one
that removes protection, leaves the old one in force, and the reason is reported. New connections
get the new certificate and client CAs, new requests the new users and headers; nothing that listens
stops.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import structlog
from aiohttp import web
from cryptography import x509

from probe.config.errors import ConfigurationError
from probe.config.location import Location
from probe.config.yaml_document import Document
from probe.system.file_watcher import watch_files
from probe.text.safe_text import safe_text
from probe.text.secret_register import SecretRegister
from probe.web.server.guard import Guard
from probe.web.server.server_tls import Context, ServingContext, TlsFileError, build_server_context
from probe.web.server.web_file import ServerSettings, build_settings, read_document

SETTLING_TIME: Final = 0.2
"""Seconds between a change and reading: a certificate and its key are two files."""

OnReload = Callable[[str | None], None]
"""Called when a later reading has ended: with why the old file stays in force, or None."""
_STRICTNESS: Final = {"none": 0, "if_given": 1, "required": 2}

log = structlog.get_logger("mtls_probe")


class WebConfig:
    """How the web application is served, by a web file of exporter-toolkit's format.

    Attributes:
        settings: What the file in force says.
        ssl_context: What a listener is given, once; None where it serves plain HTTP.
        failure: Why the last change left the old file in force; None where it did not.
        names: The DNS names in the certificate that is served.
    """

    def __init__(self, path: Path, register: SecretRegister | None = None) -> None:
        """Read the file at `path`, and every file that it names, from its own folder on.

        The hashes of its passwords are put into `register`.

        Raises:
            ConfigurationError: with file, line, key, what was found and what is allowed.
        """
        self._path = str(path)
        self._register = SecretRegister() if register is None else register
        self._named: tuple[str, ...] = ()
        self.failure: str | None = None
        self.settings, context, self.names = self._read()
        self.ssl_context = None if context is None else ServingContext(context)

    def guard(self, application: web.Application) -> None:
        """Guard every page of `application`, which is not running yet."""
        Guard(lambda: self.settings).install(application)

    @property
    def files(self) -> Iterator[str]:
        """The files whose change leads to another reading: the file, those it names, those in force."""
        in_force = () if self.settings.tls is None else self.settings.tls.files
        yield from dict.fromkeys((self._path, *self._named, *in_force))

    async def reload(self) -> str | None:
        """Read the file again; return why the old one stays, or None.

        Where it stays, its certificate and client CAs are still read again, because they may be rotated.
        """
        failure = await self._replace_settings()
        if failure is not None:
            await self._reload_certificates()
        return failure

    async def _reload_certificates(self) -> None:
        tls, serving = self.settings.tls, self.ssl_context
        if tls is None or serving is None:
            return
        # What cannot be read now (the half of a rotation) leaves what was read before.
        with suppress(TlsFileError):
            serving.in_force = await asyncio.to_thread(build_server_context, tls)
            self.names = await asyncio.to_thread(read_served_names, Path(tls.cert_file))

    async def _replace_settings(self) -> str | None:
        try:
            # Key and certificates are parsed, and a file system may be slow.
            settings, context, names = await asyncio.to_thread(self._read)
        except ConfigurationError as error:
            return str(error)
        if why := self._weaker(settings):
            return why
        if (context is None) != (self.ssl_context is None):
            change = "removed" if context is None else "added"
            return f"{safe_text(self._path)}: tls_server_config: needs a restart to be {change}"
        self.settings, self.names = settings, names
        if self.ssl_context is not None and context is not None:
            self.ssl_context.in_force = context
        return None

    def _weaker(self, settings: ServerSettings) -> str | None:
        """Return why `settings` need a restart to be in force: they remove protection.

        An emptied file is as often an accident (a volume that is not there yet, an editor that
        truncates) as a decision; a restart is the decision.
        """
        lost = list(list_weakenings(self.settings, settings))
        if settings == ServerSettings() != self.settings:
            lost = lost or ["it is empty"]
        if not lost:
            return None
        return f"{safe_text(self._path)}: {'; '.join(lost)}: needs a restart to be in force"

    @asynccontextmanager
    async def watch(self, on_reload: OnReload = lambda _: None) -> AsyncIterator[None]:
        """Read the file again when it or a file that it names changes, as long as this lasts."""

        async def reload(_: frozenset[str]) -> None:
            await asyncio.sleep(SETTLING_TIME)
            if await self._reload_and_report(on_reload):
                log.info("web_config_reloaded", file=safe_text(self._path))

        watching = asyncio.create_task(watch_files(lambda: self.files, reload))
        # Otherwise a change after the first reading and before the first look would not be seen.
        await asyncio.sleep(0)
        await self._reload_and_report(lambda failure: on_reload(failure) if failure else None)
        try:
            yield
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching

    async def _reload_and_report(self, on_reload: OnReload) -> bool:
        """Reload; return whether the file is in force now."""
        try:
            failure = await self.reload()
        except Exception:
            # A bug of ours must not end the watch.
            log.exception("probe_fault", work="web file")
            return False
        self.failure = failure
        if failure is not None:
            log.error("web_config_reload_failed", reason=failure, keeps="the web file in force")
        on_reload(failure)
        return failure is None

    def _read(self) -> tuple[ServerSettings, Context | None, frozenset[str]]:
        document = read_document(self._path)
        settings = build_settings(document)
        for hashed in settings.users.values():
            self._register.add(hashed.decode())
        if settings.tls is None:
            self._named = ()
            return settings, None, frozenset()
        # Also where one of them has a fault: its next change may fix it.
        self._named = settings.tls.files
        try:
            context = build_server_context(settings.tls)
        except TlsFileError as error:
            raise _locate(document, error) from None
        return settings, context, read_served_names(Path(settings.tls.cert_file))


def list_weakenings(old: ServerSettings, new: ServerSettings) -> Iterator[str]:
    """Yield, as clauses, which keys protect in `old` and no longer, or less, in `new`."""
    if old.users and not new.users:
        yield "basic_auth_users would be removed, and with them every password"
    if old.tls is None:
        return
    if new.tls is None:
        yield "tls_server_config would be removed, and with it TLS"
        return
    if _STRICTNESS[new.tls.client_auth] < _STRICTNESS[old.tls.client_auth]:
        yield "tls_server_config.client_auth_type would accept clients without a certificate"
    if old.tls.client_allowed_sans is not None and new.tls.client_allowed_sans is None:
        yield "tls_server_config.client_allowed_sans would be removed: any verified client is accepted"


def read_served_names(file: Path) -> frozenset[str]:
    """Return the DNS names of the first certificate in `file`; none where there are none."""
    try:
        certificate = x509.load_pem_x509_certificates(file.read_bytes())[0]
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (OSError, ValueError, x509.ExtensionNotFound):
        return frozenset()
    return frozenset(extension.value.get_values_for_type(x509.DNSName))


def _locate(document: Document, error: TlsFileError) -> ConfigurationError:
    path = ("tls_server_config", error.key)
    return Location(document, path).error(error.reason, found=error.found)
