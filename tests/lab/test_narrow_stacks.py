"""The same faults with servers of GnuTLS and Node: each stack's alert leads to the cause all the same."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.lab.credentials import LabPki
from tests.lab.narrow_servers import KeyKind, key_pair
from tests.lab.observation import observe, target
from tests.lab.servers import accepting, process, started
from tests.lab.stack import lacking
from tests.support.ports import reserved_port
from tests.support.required_tools import missing

PRIORITIES: Final = {
    "NORMAL:-KX-ALL:+RSA:-VERS-ALL:+VERS-TLS1.2": "no_shared_cipher",
    "NORMAL:-KX-ALL:+DHE-RSA:-VERS-ALL:+VERS-TLS1.2": "no_shared_cipher",
    "NORMAL:-CIPHER-ALL:+AES-128-CCM:-VERS-ALL:+VERS-TLS1.3": "no_shared_cipher",
    "NORMAL:-GROUP-ALL:+GROUP-FFDHE2048:-VERS-ALL:+VERS-TLS1.3": "no_shared_group",
    "NORMAL:-GROUP-ALL:+GROUP-X448:-VERS-ALL:+VERS-TLS1.3": "no_shared_group",
    "NORMAL:-VERS-ALL:+VERS-TLS1.2:-SIGN-ALL:+SIGN-RSA-SHA1": "no_shared_signature_algorithm",
    "NORMAL:-VERS-ALL:+VERS-TLS1.1": "protocol_version_mismatch",
}
"""By GnuTLS's priority string."""
WEAK: Final = "ALL:@SECLEVEL=0"
OPTIONS: Final[dict[str, tuple[dict[str, str], KeyKind, str]]] = {
    "RSA key exchange": (
        {"ciphers": "AES128-GCM-SHA256", "maxVersion": "TLSv1.2"},
        "rsa",
        "no_shared_cipher",
    ),
    "X448": ({"ecdhCurve": "X448", "minVersion": "TLSv1.3"}, "rsa", "no_shared_group"),
    "brainpool": ({"maxVersion": "TLSv1.2"}, "bp256", "no_shared_group"),
    "SHA-1": (
        {"sigalgs": "RSA+SHA1", "maxVersion": "TLSv1.2", "ciphers": WEAK},
        "rsa",
        "no_shared_signature_algorithm",
    ),
    "Ed448": ({}, "ed448", "no_shared_signature_algorithm"),
    "Ed448 at TLS 1.2": ({"maxVersion": "TLSv1.2"}, "ed448", "no_shared_signature_algorithm"),
    "TLS 1.1": (
        {"maxVersion": "TLSv1.1", "minVersion": "TLSv1", "ciphers": WEAK},
        "rsa",
        "protocol_version_mismatch",
    ),
}
"""Node's options of tls.createSecureContext, the kind of its key, and the cause."""
NODE: Final = """
const [options, cert, key] = process.argv.slice(1);
const read = require('fs').readFileSync;
const server = require('https').createServer(
  {...JSON.parse(options), cert: read(cert), key: read(key)},
  (_, answer) => answer.end());
server.listen(0, '127.0.0.1', () => console.log('port', server.address().port));
"""


@pytest.mark.parametrize("priority", PRIORITIES)
def test_gnutls_finds_nothing_in_common(priority: str, pki: LabPki, tmp_path: Path) -> None:
    """GnuTLS answers handshake_failure to nearly everything; further handshakes tell it apart."""
    if absent := lacking("gnutls-serv")():
        missing(absent)
    pair = key_pair(pki, "rsa")
    with reserved_port() as port:
        command = ["gnutls-serv", "--http", "--port", str(port), "--priority", priority]
        command += ["--x509certfile", str(pair.cert_file), "--x509keyfile", str(pair.key_file)]
        with process(command, tmp_path / "gnutls.log") as log:
            accepting(port, log)
            _, found = observe(target(pki, port, None, protocol="http/protobuf"))
    assert (found.cause, found.certain) == (PRIORITIES[priority], True), found


@pytest.mark.parametrize("name", OPTIONS)
def test_node_finds_nothing_in_common(name: str, pki: LabPki, tmp_path: Path) -> None:
    """Node's server is OpenSSL's; its options are those that people set."""
    if absent := lacking("node")():
        missing(absent)
    options, key, cause = OPTIONS[name]
    with serve_node(options, key, pki, tmp_path) as port:
        _, found = observe(target(pki, port, None, protocol="http/protobuf"))
    assert (found.cause, found.certain) == (cause, True), found


@contextmanager
def serve_node(options: dict[str, str], key: KeyKind, pki: LabPki, folder: Path) -> Iterator[int]:
    """Run Node's HTTPS server with `options`, and yield its port."""
    pair = key_pair(pki, key)
    command = ["node", "-e", NODE, json.dumps(options), str(pair.cert_file), str(pair.key_file)]
    with process(command, folder / "node.log") as log:
        yield int(started(log, r"port (\d+)")[1])
