"""Whether a password is right: bcrypt in a thread, one check at a time, verdicts remembered.

No password is kept, only a keyed digest of it. Every check takes the same time, for known and unknown
users, right and wrong passwords, whatever the costs of their hashes are: the time does not show which
users exist.
"""

import asyncio
import secrets
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from typing import Final

import bcrypt

REMEMBERED: Final = 100
"""Verdicts of each kind, as in exporter-toolkit: the next scrape costs nothing."""
MOST_WAITING: Final = 16
"""Checks under way or waiting; a flood of wrong passwords must not keep others waiting longer."""
_SIGNIFICANT: Final = 72
"""Bytes of a password that bcrypt looks at."""


class BusyError(Exception):
    """So many passwords are being checked that another one would wait too long."""


class Passwords:
    """Checks passwords against bcrypt hashes."""

    def __init__(self) -> None:
        """Remember nothing; a thread begins with the first check."""
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="bcrypt")
        self._running: dict[bytes, asyncio.Future[bool]] = {}
        self._verdicts: dict[bool, dict[bytes, None]] = {True: {}, False: {}}
        self._secret = secrets.token_bytes(32)

    async def is_right(self, users: Mapping[bytes, bytes], user: bytes, password: bytes) -> bool:
        """Return whether `users`, of which there is one at least, has `user` with `password`.

        Raises:
            BusyError: where too many other passwords are being checked.
        """
        known = user in users
        # The costliest hash stands for that of an unknown user.
        costliest = max(users.values(), key=_cost)
        hashed = users[user] if known else costliest
        key = self._key(user, hashed, password, bytes([known]))
        for verdict, remembered in self._verdicts.items():
            if key in remembered:
                self._remember(key, verdict)
                return verdict
        check = self._running.get(key)
        if check is None:
            if len(self._running) >= MOST_WAITING:
                raise BusyError
            check = self._check(key, password, hashed, most=_cost(costliest), known=known)
        # The caller may be cancelled; the verdict is kept nevertheless.
        return await asyncio.shield(check)

    def close(self) -> None:
        """Start no further check."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _check(
        self, key: bytes, password: bytes, hashed: bytes, *, most: int, known: bool
    ) -> asyncio.Future[bool]:
        loop = asyncio.get_running_loop()
        check = loop.run_in_executor(self._executor, _matches, password, hashed, most, known)
        self._running[key] = check

        def done(ended: asyncio.Future[bool]) -> None:
            del self._running[key]
            if not ended.cancelled() and ended.exception() is None:
                self._remember(key, ended.result())

        check.add_done_callback(done)
        return check

    def _remember(self, key: bytes, verdict: bool) -> None:
        remembered = self._verdicts[verdict]
        remembered.pop(key, None)
        remembered[key] = None
        if len(remembered) > REMEMBERED:
            del remembered[next(iter(remembered))]

    def _key(self, *parts: bytes) -> bytes:
        digest = blake2b(key=self._secret)
        for part in parts:
            digest.update(len(part).to_bytes(8, "big") + part)
        return digest.digest()


def _cost(hashed: bytes) -> int:
    """Return the binary logarithm of the rounds of a bcrypt hash, which `settings` has judged."""
    return int(hashed[4:6])


def _matches(password: bytes, hashed: bytes, most: int, known: bool) -> bool:
    """Check a password in the time that a hash of cost `most` takes."""
    password, cost = password[:_SIGNIFICANT], _cost(hashed)
    right = _check(password, hashed) and known
    # The rounds of costs c, c, c + 1, … up to m - 1 add up to those of m.
    for padding in range(cost, most):
        _check(password, b"%s%02d%s" % (hashed[:4], padding, hashed[6:]))
    return right


def _check(password: bytes, hashed: bytes) -> bool:
    try:
        return bcrypt.checkpw(password, hashed)
    except ValueError:  # bcrypt does not take every password
        return False
