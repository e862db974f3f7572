"""`explain` on stores that cannot write, and on what is denied elsewhere."""

from pathlib import Path

import pytest

from tests.support.explanations import first, ids

STORAGE = [
    line.split(" | ", 4)[3:]
    for line in (Path(__file__).parent / "printed/storage.txt").read_text("utf-8").splitlines()
    if not line.startswith("# ")
]


@pytest.mark.parametrize(("source", "text"), STORAGE, ids=[source for source, _ in STORAGE])
def test_a_store_that_cannot_write_is_recognised(source: str, text: str) -> None:
    """The store's own words, or the operating system's about writing, lead to its disk."""
    assert first(text) == "otlp_storage_failure"


def test_the_exporter_sees_the_message_of_the_backends_store() -> None:
    """A backend puts its store's error into the status of its answer."""
    for text in (
        'Exporting failed. {"error": "rpc error: code = Unknown desc = open /data/traces.json: permission denied"}',
        "rpc error: code = Unavailable desc = write /var/lib/otelcol/queue: no space left on device",
        "14 UNAVAILABLE: mkdir /var/tempo/wal: permission denied",
        "Failed to export batch code: 500, reason: write /data/wal/00012: read-only file system",
    ):
        assert first(text) == "otlp_storage_failure", text


@pytest.mark.parametrize(
    "text",
    [
        "open /etc/otel/client.key: permission denied",
        "failed to load TLS config: failed to load TLS cert and key: open /certs/tls.key: permission denied",
        "rpc error: code = PermissionDenied desc = permission denied",
        "dial unix /var/run/docker.sock: connect: permission denied",
        "listen tcp :443: bind: permission denied",
        "tls: failed to verify certificate: x509: failed to load system roots and no roots provided; "
        "open /etc/ssl/certs/ca-certificates.crt: permission denied",
        "PermissionError: [Errno 13] Permission denied: '/etc/otel/client.key'",
        "fileconsumer/file.go:189 Failed to open file "
        '{"error": "open /var/lib/rancher/rke2/server/logs/audit.log: permission denied"}',
        "Permission denied (publickey).",
        "sudo: unable to open /run/sudo/ts/app: Permission denied",
    ],
)
def test_what_is_denied_elsewhere_is_not_the_backends_disk(text: str) -> None:
    """Credentials, sockets, ports, logins and log files have the same two words."""
    assert "otlp_storage_failure" not in ids(text)
