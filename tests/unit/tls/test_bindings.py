"""Contract with pyOpenSSL: the bindings that the handshake calls exist, and do what they did."""

import inspect
import re

from OpenSSL import SSL

from probe.tls import bindings
from probe.tls.bindings import install_callbacks
from tests.support.loopback_client import SERVER
from tests.support.memory_peer import (
    handshake,
    server_context,
    settings_of,
)
from tests.support.tls_records import DAY, NOW, STRANGER, server_cert


def test_contract_every_binding_exists() -> None:
    """What `bindings.py` calls past pyOpenSSL's public API is there, in this version of it."""
    source = inspect.getsource(bindings)
    used = set(re.findall(r"_lib\.(\w+)", source))
    attributes = set(re.findall(r"connection\.(_\w+)", source))
    connection = SSL.Connection(settings_of().context, None)

    assert len(used) >= 20
    assert {name for name in used if not hasattr(bindings._lib, name)} == set()
    assert attributes == {"_ssl", "_from_ssl"}
    assert {name for name in attributes if not hasattr(connection, name)} == set()
    assert SSL.Connection._reverse_mapping[connection._ssl] is connection


def test_contract_the_callbacks_fire() -> None:
    """Alert and request of one handshake are reported; of each, the server's certificates."""
    expired = server_context(server=server_cert(not_after=NOW - DAY))
    bad, _ = handshake(expired, settings_of(STRANGER))
    assert bad._log.alerts == [(0x4004, 2 << 8 | 48)]
    assert bad._log.certificate_requested

    good, _ = handshake(server_context())
    assert good._log.alerts == []
    assert SERVER.der in good._log.certificate_message
    assert good._log.certificate_requested


def test_contract_a_callback_without_a_listener_is_harmless() -> None:
    """A connection that is gone from pyOpenSSL's map verifies nothing, and raises nothing."""
    context = settings_of().context
    connection = SSL.Connection(context, None)
    captured = install_callbacks(connection)
    bindings._on_info(bindings._ffi.NULL, 0x4004, 2 << 8 | 48)
    assert bindings._on_certificate_request(bindings._ffi.NULL, bindings._ffi.NULL) == 1
    assert captured.alerts == []
    assert not captured.certificate_requested
