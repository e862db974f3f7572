"""Contract with pyOpenSSL: the bindings that the handshake calls exist, and do what they did."""

import inspect
import re

import pytest

from probe.tls import bindings
from probe.tls.bindings import Link, ReadBuffer, make_alert
from tests.support.loopback_client import SERVER
from tests.support.memory_peer import (
    handshake,
    server_context,
    settings_of,
)
from tests.support.tls_records import DAY, NOW, STRANGER, server_cert


def test_contract_every_binding_exists() -> None:
    """What `bindings.py` calls past pyOpenSSL's public API is there, in this version of it."""
    used = set(re.findall(r"_lib\.(\w+)", inspect.getsource(bindings)))

    assert len(used) >= 30
    assert {name for name in used if not hasattr(bindings._lib, name)} == set()
    assert hasattr(settings_of().context, "_context")


def test_contract_a_pointer_fits_the_message_callback() -> None:
    """It takes some pointers as numbers, and is given to OpenSSL as what takes pointers."""
    ffi = bindings._ffi
    assert ffi.sizeof("size_t") == ffi.sizeof("void *") == ffi.sizeof("uintptr_t")
    wanted = ffi.typeof(bindings._lib.SSL_CTX_set_msg_callback).args[1]
    ours = ffi.typeof(bindings._on_message)
    assert len(wanted.args) == len(ours.args)
    assert [ffi.sizeof(one) for one in wanted.args] == [ffi.sizeof(one) for one in ours.args]


def test_contract_the_callbacks_fire() -> None:
    """Alert and request of one handshake are reported; of each, the server's certificates."""
    expired = server_context(server=server_cert(not_after=NOW - DAY))
    bad, _ = handshake(expired, settings_of(STRANGER))
    assert bad._log.alerts == [make_alert(False, 2, 48)]
    assert bad._log.certificate_requested

    good, _ = handshake(server_context())
    assert good._log.alerts == []
    assert SERVER.der in good._log.certificate_message
    assert good._log.certificate_requested


def test_contract_a_callback_without_a_listener_is_harmless() -> None:
    """A connection that is gone is known to nobody: nothing is recorded, and nothing raises."""
    null = bindings._ffi.NULL
    data = bindings._ffi.new("char[]", b"\x02\x30")
    bindings._on_message(0, 0x303, 21, data, 2, 0, 0)
    bindings._on_message(0, 0x303, 22, data, 2, 0, 0)
    assert bindings._on_certificate_request(null, null) == 1


def test_a_link_that_is_gone_is_forgotten() -> None:
    """Its address may be that of another connection next."""
    known = len(bindings._logs)
    link = Link(settings_of().context, ReadBuffer())
    assert len(bindings._logs) == known + 1
    del link
    assert len(bindings._logs) == known


def test_where_openssl_lacks_memory_it_is_our_lack() -> None:
    """A pointer to nothing is never used."""
    with pytest.raises(MemoryError):
        bindings._not_null(bindings._ffi.NULL)
