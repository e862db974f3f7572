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


def test_the_ssl_of_python_waits_for_its_first_use() -> None:
    """A server without TLS does not load a second OpenSSL; whoever makes a context has all of it."""
    found = run(
        "import asyncio, http.client, socket\n"
        "from aiohttp import web\n"
        "async def serve():\n"
        "    server = await asyncio.start_server(lambda reader, writer: writer.close(), '127.0.0.1', 0)\n"
        "    with socket.create_connection(server.sockets[0].getsockname()):\n"
        "        await asyncio.sleep(0.1)\n"
        "    one, other = socket.socketpair()\n"
        "    await asyncio.get_running_loop().connect_accepted_socket(asyncio.Protocol, one)\n"
        "asyncio.run(serve())\n"
        "print('_ssl' in sys.modules)\n"
        "import ssl\n"
        "context = ssl.create_default_context()\n"
        "print('_ssl' in sys.modules, isinstance(context, ssl.SSLContext))\n"
        "print(http.client.ssl is ssl is asyncio.base_events.ssl is sys.modules['ssl'])\n"
        "print(asyncio.base_events.ssl.SSLSocket.__module__, type(ssl) is type(sys))\n"
        "http.client.HTTPSConnection('localhost')\n"
        "import aiohttp.connector\n"
        "print(aiohttp.connector.SSLContext is ssl.SSLContext is aiohttp.web_runner.SSLContext)\n"
    )

    assert found == ["False", "True", "True", "True", "ssl", "True", "True"]


def test_an_error_of_the_client_is_the_same_for_both_sides() -> None:
    """A server raises a class of its own while there is no client, and the client's afterwards."""
    found = run(
        "from aiohttp import web, base_protocol\n"
        "own = base_protocol.ClientConnectionResetError\n"
        "print(issubclass(own, ConnectionResetError), '_ssl' in sys.modules)\n"
        "import aiohttp\n"
        "print(issubclass(own, aiohttp.ClientError))\n"
        "both = base_protocol.ClientConnectionResetError, aiohttp.http_writer.ClientConnectionResetError\n"
        "print(set(both) == {aiohttp.ClientConnectionResetError})\n"
        "print(aiohttp.client_exceptions.ClientError is aiohttp.ClientError)\n"
        "print(aiohttp.web_ws.WSMessageTypeError is aiohttp.WSMessageTypeError)\n"
    )

    assert found == ["True", "False", "False", "True", "True", "True"]


def test_who_is_refused_a_socket_of_ssl_still_is() -> None:
    """Asyncio's own check holds once somebody can have such a socket."""
    found = run(
        "import asyncio, socket\n"
        "import ssl\n"
        "one, other = socket.socketpair()\n"
        "wrapped = ssl.create_default_context().wrap_socket(\n"
        "    one, server_hostname='localhost', do_handshake_on_connect=False)\n"
        "try:\n"
        "    asyncio.base_events._check_ssl_socket(wrapped)\n"
        "except TypeError:\n"
        "    print('refused')\n"
        "asyncio.base_events._check_ssl_socket(other)\n"
    )

    assert found == ["refused"]


def test_hashes_are_the_same_without_openssl() -> None:
    """Hashlib computes them by itself; what has them from OpenSSL still gets it."""
    found = run(
        "import hashlib\n"
        "print(hashlib.sha256(b'abc').hexdigest()[:8], hashlib.md5(b'').hexdigest()[:8])\n"
        "print('_hashlib' in sys.modules)\n"
        "import _hashlib\n"
        "print(_hashlib.openssl_sha256(b'abc').hexdigest()[:8])\n"
    )

    assert found == ["ba7816bf", "d41d8cd9", "False", "ba7816bf"]


def test_hashlib_asks_openssl_where_python_has_no_hashes_of_its_own() -> None:
    """Some systems build Python so; nothing is missing there."""
    script = (
        "import sys\n"
        "from probe.system import deferred_packages\n"
        "deferred_packages._OWN_HASHES = ('no_such_hash',)\n"
        "deferred_packages.defer_packages()\n"
        "import hashlib\n"
        "print(hashlib.sha256(b'abc').hexdigest()[:8], '_hashlib' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )

    assert done.stdout.split() == ["ba7816bf", "True"]
