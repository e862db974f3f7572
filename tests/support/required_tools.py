"""Skips or fails a test whose program is missing on this machine."""

import os
from typing import NoReturn

import pytest


def missing(reason: str) -> NoReturn:
    """Skip with `reason`; fail where REQUIRE_TOOLS=1 says that every tool must be there."""
    if os.environ.get("REQUIRE_TOOLS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
