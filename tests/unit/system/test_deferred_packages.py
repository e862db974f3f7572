"""What a library's package imports at its top is put off, and nothing is missing afterwards."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

_BEGIN = """
import sys
from probe.system.deferred_packages import defer_packages
defer_packages()
"""


def run(script: str) -> list[str]:
    """Return the words that `script` prints after `defer_packages`, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", _BEGIN + script], check=True, capture_output=True, text=True
    )
    return done.stdout.split()


def test_a_module_is_imported_without_its_package() -> None:
    """The server of aiohttp comes without its client; structlog without rich."""
    found = run(
        "from aiohttp import web\n"
        "import structlog\n"
        "structlog.get_logger()\n"
        "for name in ('aiohttp.web_app', 'structlog.processors', 'aiohttp.client', 'rich'):\n"
        "    print(name in sys.modules)\n"
    )

    assert found == ["True", "True", "False", "False"]


def test_a_name_of_the_package_is_there_all_the_same() -> None:
    """Its `__init__.py` runs with the first name that is not a module's, and only once."""
    found = run(
        "import aiohttp\n"
        "from aiohttp.client import ClientSession\n"
        "print(type(aiohttp) is not type(sys))\n"
        "print(aiohttp.__version__)\n"
        "print(type(aiohttp) is not type(sys))\n"
        "print(aiohttp.ClientSession is ClientSession)\n"
        "print(type(aiohttp) is type(sys))\n"
        "print(hasattr(aiohttp, 'no_such_name'))\n"
    )

    assert found[0] == found[2] == found[3] == found[4] == "True"
    assert found[1][0].isdigit()
    assert found[5] == "False"


def test_what_a_package_is_imported_without_can_be_imported_later() -> None:
    """`check` prints with rich after structlog was imported without it."""
    found = run(
        "import structlog\nstructlog.get_logger()\nfrom rich.console import Console\nprint('yes')"
    )

    assert found == ["yes"]


def test_a_package_that_is_imported_already_stays() -> None:
    """A program that embeds the probe may have it in use."""
    done = subprocess.run(
        [sys.executable, "-c", "import structlog as before\n" + _BEGIN + "print(before is sys.modules['structlog'])"],
        check=True,
        capture_output=True,
        text=True,
    )  # fmt: skip

    assert done.stdout.split() == ["True"]


def test_an_importer_other_than_the_package_gets_the_real_module() -> None:
    """Aiohttp is imported without argparse, and structlog without rich; others are not."""
    found = run(
        "from aiohttp import web\n"
        "print('argparse' in sys.modules)\n"
        "import argparse\n"
        "print(argparse.ArgumentParser().parse_args([]))\n"
    )

    assert found == ["False", "Namespace()"]


def test_a_lazy_module_is_loaded_with_its_first_use() -> None:
    """TLS of asyncio's own loop works: its protocol is loaded when a connection needs it."""
    found = run(
        "import asyncio, csv\n"
        "print(type(csv) is type(sys), type(asyncio.sslproto) is type(sys))\n"
        "print(csv.QUOTE_ALL, asyncio.sslproto.SSLProtocol.__name__)\n"
        "print(type(csv) is type(sys), type(asyncio.sslproto) is type(sys))\n"
    )

    assert found == ["False", "False", "1", "SSLProtocol", "True", "True"]
