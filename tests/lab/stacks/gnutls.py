"""GnuTLS's own server: access_denied (49) for every certificate that it refuses."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.lab.servers import accepting, process
from tests.lab.stack import FAR_FROM_ITS_EDGE, Serving, Stack, lacking, with_clock
from tests.support.ports import reserved_port


@contextmanager
def _start(folder: Path, serving: Serving) -> Iterator[int]:
    with reserved_port() as port:
        command = ["gnutls-serv", "--echo", "--port", str(port), "--noticket"]
        command += ["--x509certfile", str(serving.server.cert_file)]
        command += ["--x509keyfile", str(serving.server.key_file)]
        command += ["--priority", f"NORMAL:-VERS-ALL:+VERS-TLS{serving.tls}"]
        if serving.client_ca_file is not None:
            command += ["--x509cafile", str(serving.client_ca_file)]
            command += ["--require-client-cert", "--verify-client-cert"]
        else:
            command += ["--disable-client-cert"]
        if serving.crl_file is not None:
            command += ["--x509crlfile", str(serving.crl_file)]
        command = with_clock(command, serving.clock)
        with process(command, folder / "gnutls.log") as log:
            accepting(port, log)
            yield port


_SAYS: Final = "access_denied (49) has no reason"

GNUTLS: Final = Stack(
    name="gnutls",
    start=_start,
    missing=lacking("gnutls-serv"),
    # It sends back what it gets.
    depth="tls",
    # It looks at no extendedKeyUsage, takes a CA for a client, and RSA 1024 is enough for it.
    lets_in=frozenset({"server_certificate_as_client", "rsa_1024", "ca_as_end_entity"}),
    undecided={
        "rekeyed_ca": f"{_SAYS}, and the list has names alone",
        "rekeyed_ca_without_key_ids": f"{_SAYS}, and the list has names alone",
        "revoked": _SAYS,
        "expired_root_unseen": _SAYS,
        "backend_ten_days_ahead": _SAYS,
    },
    skips={"backend_ahead": FAR_FROM_ITS_EDGE},
)
