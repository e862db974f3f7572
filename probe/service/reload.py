"""Watches the configuration, its sources, and the credential files of the targets for changes.

A configuration is read and judged whole, then swapped; one with an error leaves the old one in
force and is reported. Unchanged targets keep their schedule, history and counters. A changed credential
file causes an attempt at once: metrics and pages describe the new files.
"""

import asyncio
from collections.abc import (
    AsyncIterator,
    Callable,
    Collection,
    Coroutine,
    Iterable,
    Iterator,
    Sequence,
)
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import structlog

from probe.config.configuration import Configuration, reuse_targets
from probe.config.declared_source import DeclaredSource
from probe.config.errors import ConfigurationError
from probe.config.loader import ConfigurationLoader, list_urls
from probe.config.sources.http_sd import REFRESH_INTERVAL, RETRY_INTERVAL
from probe.config.sources.process.proc_files import ProcFiles
from probe.credentials.store import find_credential_files
from probe.model.surroundings import RunningProcess
from probe.model.target import list_down_sources
from probe.service.pipeline import Pipeline
from probe.service.schedule import Schedule
from probe.surroundings.view_watcher import WatchedView, watch_views
from probe.system.directory_watcher import DirectoryWatcher
from probe.system.file_watcher import watch_files
from probe.system.garbage import no_collections
from probe.system.off_loop import run_off_loop
from probe.text.description import describe_bug
from probe.text.safe_text import safe_text

READ_DELAY: Final = 0.2
"""Seconds between a change and reading: by then all files of one change are usually written."""
RETRY_DELAY: Final = 0.3
"""Seconds until the next try to attempt a target whose attempt was still under way."""

AT_ONCE: Final = 500
"""Targets that are looked at in one go: attempts go on meanwhile."""

PROCESS_INTERVAL: Final = 5.0
"""Seconds between two looks at which processes run."""
PROCESS_READINGS: Final = 12
"""Looks after which running processes are read again in any case."""

_FIXED_AT_START: Final = (
    "web", "concurrency", "clock_sources", "clock_tolerance", "experiments_enabled",
    "experiments_concurrency", "shard_count", "shard_index", "resource", "sample_successes", "propagate", "spans_to",
)  # fmt: skip
"""Settings that need a restart: a reload does not change them."""

log = structlog.get_logger("mtls_probe")


class Reloader:
    """Holds the configuration in force, and replaces it."""

    def __init__(
        self,
        configuration: Configuration,
        loader: ConfigurationLoader | None,
        pipeline: Pipeline,
        schedule: Schedule,
        on_reload: Callable[[Configuration | None], None],
    ) -> None:
        """Take the parts of the service that use the configuration.

        Args:
            configuration: the one in force.
            loader: reads it again; None: it never changes.
            pipeline: makes the attempts.
            schedule: of the attempts.
            on_reload: called with the configuration that is in force from now on, or with None where
                another one was refused.
        """
        self.configuration = configuration
        self.can_reload = loader is not None
        self.failure: str | None = None
        """Why the last reload failed and the old configuration stays in force; None if it succeeded."""
        self._refused_files: tuple[str, ...] = ()
        """The files of the configuration that was refused: a change of one may fix it."""
        self._credential_files: tuple[Configuration | None, Collection[str]] = (None, ())
        """Of which configuration they are known, and which they are."""
        self._credential_directories = DirectoryWatcher()
        self._loader = loader
        self._pipeline = pipeline
        self._schedule = schedule
        self._on_reload = on_reload
        self._fetch_lists = asyncio.Event()
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[object]] = set()

    def request_reload(self) -> None:
        """Reload in the background, for a signal handler, which cannot wait."""
        self._start_task("reload", self.reload_on_request())

    async def reload_on_request(self) -> str | None:
        """Reload because somebody asked for it, and assume that the exporters were restarted.

        A script that rotates files and restarts exporters can report the restart in this way.
        """
        failure = await self.reload()
        if failure is None:
            self._pipeline.credentials.forget_rotations()
        return failure

    async def reload(self) -> str | None:
        """Read the configuration again; return why the old one stays, or None.

        Lists of http_sd are fetched anew in the background: a server that is slow to answer delays
        nothing else that has changed.
        """
        failure = await self._read_again()
        if failure is None:
            self._fetch_lists.set()
        return failure

    async def _read_again(self, *, log_unchanged: bool = True) -> str | None:
        if self._loader is None:
            return "there is no configuration that could be read again"
        async with self._lock:
            try:
                with no_collections():
                    loaded = await self._loader.read()
                    loaded = await asyncio.to_thread(self._prepare, loaded)
            except (ConfigurationError, OSError) as error:
                known, self.failure = self.failure, self._pipeline.register.mask(str(error))
                self._refused_files = getattr(error, "files", ())
                self._on_reload(None)
                if log_unchanged or known != self.failure:
                    keeps = "the configuration in force"
                    log.error("config_reload_failed", reason=self.failure, keeps=keeps)  # noqa: TRY400  (a mistake of the user's needs no traceback)
                return self.failure
            if self.failure or log_unchanged or loaded != self.configuration:
                await self._swap(loaded)
            return None

    def _prepare(self, loaded: Configuration) -> Configuration:
        """Return `loaded` as it can be swapped in a moment, however many targets it has."""
        loaded = reuse_targets(loaded, self.configuration)
        self._credential_files = (loaded, _list_credential_files(loaded))
        return loaded

    async def _swap(self, loaded: Configuration) -> None:
        """Put `loaded` in force; attempts go on meanwhile, however many targets have changed."""
        old = self.configuration
        fixed = [name for name in _FIXED_AT_START if getattr(loaded, name) != getattr(old, name)]
        if fixed:
            log.warning("config_restart_required", settings=fixed)
        for part in (self._pipeline, self._schedule):
            for _ in part.replace_in_steps(loaded.targets):
                await asyncio.sleep(0)
        self.configuration = loaded
        self._credential_directories.report_everything()
        self.failure, self._refused_files = None, ()
        self._on_reload(loaded)
        warnings = [safe_text(warning) for warning in loaded.warnings]
        log.info("config_reloaded", targets=len(loaded.targets), warnings=warnings)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Watch every file for as long as the context lasts."""
        started_with = self.configuration
        files = await run_off_loop(lambda: _list_credential_files(started_with))
        self._credential_files = (started_with, files)
        self._start_task(
            "credential files",
            watch_files(
                self._list_credential_files,
                self._attempt_rotated,
                directories=self._credential_directories,
            ),
        )
        self._start_task(
            "credential files of processes", watch_views(self._list_views, self._attempt_seen)
        )
        if self._loader is not None:
            self._start_task(
                "configuration files", watch_files(self._list_files, self._reload_rewritten)
            )
            self._start_task("http_sd", self._refresh_lists(self._loader))
            self._start_task("processes", self._follow_processes())
        try:
            yield
        finally:
            tasks = tuple(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _list_files(self) -> Iterator[str]:
        """Yield what the configuration was read from, and what its patterns match by now."""
        yield from self.configuration.files
        yield from self._refused_files
        for source in self.configuration.sources:
            # A pattern that cannot be listed now must not end the watch of the other files.
            with suppress(OSError):
                yield from source.list_watched()

    def _list_credential_files(self) -> Collection[str]:
        configuration, files = self._credential_files
        if configuration is not self.configuration:
            files = _list_credential_files(self.configuration)
            self._credential_files = (self.configuration, files)
        return files

    def _list_views(self) -> Iterator[WatchedView]:
        for target in self.configuration.targets:
            if isinstance(target.runs_in, RunningProcess):
                yield WatchedView(target.name, target.runs_in, find_credential_files(target))

    async def _reload_rewritten(self, _paths: frozenset[str]) -> None:
        await asyncio.sleep(READ_DELAY)
        # A bug there must not end the watch.
        await _report_bugs("reload", self.reload())

    async def _attempt_rotated(self, paths: frozenset[str]) -> None:
        await asyncio.sleep(READ_DELAY)
        names = []
        for number, target in enumerate(self.configuration.targets):
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
            if target.runs_in is None and not paths.isdisjoint(find_credential_files(target)):
                names.append(target.name)
        files = sorted(map(safe_text, paths))
        log.info("credential_files_changed", files=files, targets=len(names))
        self._start_task("credential files", self._attempt_each(names))

    async def _attempt_seen(self, views: frozenset[WatchedView]) -> None:
        names = sorted({view.name for view in views})
        files = sorted({safe_text(path) for view in views for path in view.paths})
        log.info("credential_files_changed", files=files, targets=len(names))
        self._start_task("credential files", self._attempt_each(names))

    async def _attempt_each(self, names: Iterable[str]) -> None:
        while names:
            names = self._schedule.attempt_now(names)
            await asyncio.sleep(RETRY_DELAY if names else 0)

    async def _refresh_lists(self, loader: ConfigurationLoader) -> None:
        self._fetch_lists.set()
        while True:
            # A bug there, or a resource limit of this process, must not end the refreshing.
            await _report_bugs("http_sd", self._refresh_once(loader))

    async def _refresh_once(self, loader: ConfigurationLoader) -> None:
        every = RETRY_INTERVAL if _is_list_down(self.configuration) else REFRESH_INTERVAL
        with suppress(TimeoutError):
            async with asyncio.timeout(every):
                await self._fetch_lists.wait()
        self._fetch_lists.clear()
        changed = await loader.refresh(list_urls(self.configuration))
        # A source that failed for a reason that no file shows (descriptors, a mount) may work by now.
        if changed or list_down_sources(self.configuration.source_states):
            await self._read_again(log_unchanged=bool(changed))

    async def _follow_processes(self) -> None:
        """Read the sources again when a process that they name begins or ends, and now and then.

        A process may be sent SIGHUP, or given other rights, and nothing of that is to be watched.
        """
        seen = await self._identify_processes()
        since = 0
        while True:
            await asyncio.sleep(PROCESS_INTERVAL)
            found = await self._identify_processes()
            since += found is not None
            if found != seen or since >= PROCESS_READINGS:
                since = 0
                await _report_bugs("processes", self._read_again(log_unchanged=False))
            seen = found

    async def _identify_processes(self) -> object:
        """Return what changes when a process of the sources begins or ends; None without any."""
        sources = [one for one in self.configuration.sources if one.kind == "process"]
        return await asyncio.to_thread(_identify_processes, sources) if sources else None

    def _start_task(self, what: str, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.get_running_loop().create_task(_report_bugs(what, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _list_credential_files(configuration: Configuration) -> Collection[str]:
    """Return the files of all targets; those of processes are seen otherwise."""
    targets = [target for target in configuration.targets if target.runs_in is None]
    return dict.fromkeys(file for target in targets for file in find_credential_files(target))


def _identify_processes(sources: Sequence[DeclaredSource]) -> object:
    """Return what changes when a process of `sources` begins or ends; None where it is not known."""
    try:
        files = ProcFiles()
        return [source.identify_processes(files) for source in sources]
    except OSError:
        return None


def _is_list_down(configuration: Configuration) -> bool:
    down = list_down_sources(configuration.source_states)
    return any(state.source.startswith("http_sd:") for state in down)


async def _report_bugs(what: str, work: Coroutine[Any, Any, object]) -> None:
    """Await `work`; an exception in it is logged, not lost with the task."""
    try:
        await work
    except Exception as error:  # noqa: BLE001  (it is reported)
        # The secrets of a configuration that could not be read are not registered yet.
        log.error("probe_fault", work=what, stacktrace=describe_bug(error))  # noqa: TRY400
