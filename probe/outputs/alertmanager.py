"""Tells Alertmanager which alerts are active and which have ended, for those without Prometheus.

It works beside the attempts and never holds them up: batches are bounded, a failure is told once
and tried again. Law 11: a user name and password in the URL go into a header and nowhere else.
"""

from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote, urlsplit

import aiohttp
import msgspec
import structlog

from probe.outputs.alert_book import Alert
from probe.outputs.result import rfc3339
from probe.safe_text import safe_text
from probe.target import Secret

RESEND: Final = 60.0
"""Seconds after which active alerts are told again, as Prometheus' resend delay."""
GOOD_FOR: Final = 4 * RESEND
"""Seconds after which Alertmanager takes an alert for ended that nobody tells any more."""
TIMEOUT: Final = 10.0
BATCH: Final = 64
"""Alerts in one request, as Prometheus sends them."""

log = structlog.get_logger("mtls_probe")

Told = Callable[[int, bool], None]
"""Who counts how many alerts were sent, and whether they arrived."""


class Alertmanager:
    """One Alertmanager, and when it was last told."""

    def __init__(self, url: Secret, *, user_agent: str, told: Told, resend: float = RESEND) -> None:
        """Take its URL, with a path prefix and a user name and password where it has them."""
        parts = urlsplit(url.reveal())
        host = parts.hostname or ""
        bare = f"[{host}]" if ":" in host else host
        netloc = f"{bare}:{parts.port}" if parts.port else bare
        self.shown: Final = f"{parts.scheme}://{netloc}{parts.path.rstrip('/')}"
        self._headers = {"User-Agent": user_agent, "Content-Type": "application/json"}
        if parts.username:
            login, password = unquote(parts.username), unquote(parts.password or "")
            self._headers["Authorization"] = aiohttp.encode_basic_auth(login, password)
        self._told = told
        self._resend = resend
        self._sent: dict[str, float] = {}
        self._failing = False

    async def tell(self, alerts: Sequence[Alert], now: float) -> bool:
        """Send what it does not know yet or was told long ago; return whether it has all of it."""
        due = [alert for alert in alerts if self._is_due(alert, now)]
        self._sent = {key: at for key, at in self._sent.items() if key in set(map(_key, alerts))}
        if not due:
            return True
        timeout = aiohttp.ClientTimeout(total=TIMEOUT)
        try:
            async with aiohttp.ClientSession(
                timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
            ) as session:
                for batch in _batches(due):
                    await self._send(session, batch, now)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._told(len(due), False)
            if not self._failing:
                # Once, and not at each try: it may be down for a night.
                why = str(error) or type(error).__name__
                log.warning("alertmanager_failed", url=self.shown, reason=safe_text(why))
            self._failing = True
            return False
        if self._failing:
            log.info("alertmanager_reached", url=self.shown)
        self._failing = False
        return True

    async def _send(
        self, session: aiohttp.ClientSession, batch: Sequence[Alert], now: float
    ) -> None:
        body = msgspec.json.encode([_posted(alert, now) for alert in batch])
        async with session.post(
            f"{self.shown}/api/v2/alerts", data=body, headers=self._headers, allow_redirects=False
        ) as response:
            if response.status != HTTPStatus.OK:
                text = (await response.content.read(512)).decode("utf-8", "replace")
                raise aiohttp.ClientPayloadError(f"HTTP {response.status}: {text}")
        self._told(len(batch), True)
        self._sent |= {_key(alert): now for alert in batch}

    def _is_due(self, alert: Alert, now: float) -> bool:
        sent = self._sent.get(_key(alert))
        return sent is None or now - sent >= self._resend


def _key(alert: Alert) -> str:
    """Tell an alert's state apart: an active one, and the same once it has ended."""
    labels = "\x00".join(f"{name}={value}" for name, value in alert.labels.items())
    return f"{labels}\x00{alert.starts_at}\x00{alert.ends_at}"


def _posted(alert: Alert, now: float) -> dict[str, object]:
    ends = alert.ends_at if alert.ends_at is not None else now + GOOD_FOR
    return {
        "labels": alert.labels,
        "annotations": alert.annotations,
        "startsAt": rfc3339(alert.starts_at or now, "milliseconds"),
        "endsAt": rfc3339(ends, "milliseconds"),
        "generatorURL": alert.generator_url,
    }


def _batches(alerts: Sequence[Alert]) -> Iterator[Sequence[Alert]]:
    for at in range(0, len(alerts), BATCH):
        yield alerts[at : at + BATCH]
