"""`listen` as a whole: its sockets, its sessions, and what is said of each connection."""

import asyncio
import socket
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from probe.backend.accepted_sockets import ExporterListener
from probe.backend.ca_list_policy import CaListPolicy
from probe.backend.exporter_session import ExporterSession, SessionSettings
from probe.backend.exporter_tls import make_context
from probe.backend.forward import Forward
from probe.backend.listener_files import ListenerFiles
from probe.model.diagnosis import Diagnosis
from probe.model.exporter_connection import ExporterConnection

BURST: Final = 200
"""Reports that are made at once."""
PER_SECOND: Final = 20.0
"""Reports that are made in the long run: a flood of connections does not become one of lines."""
MOST_SEEN: Final = 1000
"""Connections that are remembered to the end."""

Seen = tuple[ExporterConnection, Diagnosis]
Report = Callable[[Seen], None]


class Listening:
    """Counts good connections and reports each."""

    def __init__(
        self,
        files: ListenerFiles,
        report: Report,
        *,
        forward: Forward | None = None,
        no_ca_hints: bool = False,
        accept_any: bool = False,
        expect: int = 0,
    ) -> None:
        """Prepare.

        Args:
            files: What is presented, and who is accepted.
            report: Is given each connection once there is something to say, and at its end again.
            forward: Where OTLP is handed on; None: it is answered and dropped.
            no_ca_hints: Whether no CertificateRequest names a CA.
            accept_any: Whether a handshake goes on whatever the exporter presents.
            expect: Good connections after which `done` is set; 0: never.
        """
        self.done = asyncio.Event()
        self.good = 0
        """Connections with an OTLP request that was answered with success."""
        self.unreported = 0
        """Reports that were not made, as there were too many."""
        self.seen: OrderedDict[int, Seen] = OrderedDict()
        """The last ones, by number, as they were last."""
        self._files = files
        self._tell = report
        self._forward = forward
        self._expect = expect
        self._accept_any = accept_any
        self.count = 0
        """Connections that were reported."""
        self._good_open: set[int] = set()
        """Those that go on and are counted as good."""
        self._policy = CaListPolicy(always_without=no_ca_hints)
        self._listener: ExporterListener | None = None
        self._left, self._counted_at = float(BURST), time.monotonic()

    async def start(self, sockets: list[socket.socket]) -> None:
        """Serve exporters on `sockets`.

        Raises:
            NoBackendError: where the one to hand on to cannot be used.
        """
        protocols: tuple[bytes, ...] = (b"h2", b"http/1.1")
        if self._forward is not None:
            protocols = await self._forward.learn_protocols()
        files = self._files
        settings = SessionSettings(
            context=make_context(files.present, files.client_cas, protocols),
            context_without_list=make_context(files.present, (), protocols),
            named_cas=files.named_cas,
            judge=lambda chain: files.judge(chain, time.time()),
            policy=self._policy,
            accept_any=self._accept_any,
            forward=str(self._forward) if self._forward is not None else "",
            monotonic=time.monotonic,
            now=time.time,
        )
        self._listener = ExporterListener(settings, self._take, self._forward)
        self._listener.start(sockets)

    @property
    def turned_away(self) -> int:
        """Connections that were closed because there were too many."""
        return self._listener.turned_away if self._listener is not None else 0

    async def close(self) -> None:
        """End every connection."""
        if self._listener is not None:
            await self._listener.close()

    def _take(self, session: ExporterSession) -> None:
        connection = session.describe()
        chain = session.presented
        diagnosis = self._files.diagnose(connection, chain, session.address, time.time())
        seen = connection, diagnosis
        number = connection.number
        self.count = max(self.count, number)
        self.seen[number] = seen
        while len(self.seen) > MOST_SEEN:
            self.seen.popitem(last=False)
        if diagnosis.outcome == "confirmed" and number not in self._good_open:
            self.good += 1
            self._good_open.add(number)
        if connection.end != "open":
            self._good_open.discard(number)
        if self._may_report():
            self._tell(seen)
        else:
            self.unreported += 1
        if self._expect and self.good >= self._expect:
            self.done.set()

    def _may_report(self) -> bool:
        now = time.monotonic()
        self._left = min(BURST, self._left + (now - self._counted_at) * PER_SECOND)
        self._counted_at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
