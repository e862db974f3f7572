"""Stories of receivers: a Collector next to the probe, and the files that it serves and verifies by."""

from typing import Any

from probe.model.certificate import ReceiverFiles
from probe.model.evidence import Evidence
from probe.model.finding import Finding
from tests.stories.story import story
from tests.support.certificate_facts import BACKEND, CLIENT_CA
from tests.support.evidence import (
    answered_attempt,
    complete_handshake,
    held_credentials,
    unconnected_attempt,
)

BROKEN = Finding(
    cause="receiver_file_unusable",
    role="server_key",
    path="/etc/otelcol/tls.key",
    fact="/etc/otelcol/tls.key does not exist (ENOENT)",
    fix=("Put the file at /etc/otelcol/tls.key, or correct the path",),
)


def files(**fields: Any) -> ReceiverFiles:
    """Return the files of a receiver that asks for client certificates."""
    known: dict[str, Any] = {
        "name": "otlp/grpc",
        "listens": "0.0.0.0:4317",
        "where": "/etc/otelcol/config.yaml:6",
        "settings_file": "/etc/otelcol/config.yaml",
        "cert_file": "/etc/otelcol/tls.crt",
        "key_file": "/etc/otelcol/tls.key",
        "client_ca_file": "/etc/otelcol/client-ca.crt",
        "chain": (BACKEND,),
        "client_cas": (CLIENT_CA,),
        "client_ca_count": 1,
    }
    return ReceiverFiles(**(known | fields))


@story("connect")
def receiver_file_unusable() -> Evidence:
    """The Collector does not start: the file of its key is not there, and nothing listens."""
    held = held_credentials(receiver=files(faults=(BROKEN,)))
    return unconnected_attempt("refused", "ECONNREFUSED", credentials=held)


@story("export", outcome="confirmed", findings=("client_ca_too_broad",))
def client_ca_too_broad() -> Evidence:
    """client_ca_file is the system's bundle: whoever has a certificate of a public CA is accepted."""
    held = held_credentials(receiver=files(public_cas=1))
    handshake = complete_handshake(acceptable_cas=(CLIENT_CA.subject,))
    return answered_attempt(credentials=held, handshake=handshake)
