"""A backend that could not write is distinguished from one that forbids by the answer's text."""

import msgspec.structs

from probe.diagnosis.diagnose import diagnose
from probe.model.evidence import Answer
from tests.support.every_row import every_row
from tests.support.evidence import TAKEN, answered_attempt, answered_http_attempt

OF_A_FILE = (
    "open /var/lib/otelcol/traces.json: permission denied",
    "mkdir /data/wal: permission denied",
    "failed to export: write /data/00001.tmp: permission denied",
    "[Errno 13] Permission denied: '/data/spans.db'",
    "java.nio.file: /data/spans.db (Permission denied)",
    "could not open segment: Permission denied (os error 13)",
)
OF_A_DISK = (
    "write /data/wal/00001: no space left on device",
    "open /data/x: read-only file system",
    "Read-only filesystem",
    "Disk quota exceeded",
    "the disk is full",
    "ENOSPC: cannot append",
    "connect block 7: no space left on device",
)
OF_THE_CLIENT = (
    "permission denied",
    "Permission denied for tenant a",
    "write access to tenant a: permission denied",
    "the caller may not create spans: permission denied",
)
OF_THE_NETWORK = (
    "dial unix /run/storage.sock: connect: permission denied",
    "connect: permission denied",
)
OF_NEITHER = ("", "quota exceeded", "write failed", "open circuit", "cannot write batch")


def over_grpc(status: int, message: str) -> str | None:
    """Return the cause of a gRPC answer."""
    answer = msgspec.structs.replace(TAKEN, grpc_status=status, message=message)
    return diagnose(answered_attempt(answer)).cause


def over_http(status: int, message: str) -> str | None:
    """Return the cause of an OTLP/HTTP answer from the receiver."""
    answer = Answer(
        over="http/1.1",
        http_status=status,
        content_type="application/x-protobuf",
        message=message,
        body_empty=False,
    )
    return diagnose(answered_http_attempt(answer)).cause


@every_row(status=[2, 7, 13, 14, 16], text=OF_A_FILE + OF_A_DISK)
def test_a_file_or_a_disk_is_storage_whatever_the_status(status: int, text: str) -> None:
    """What names a file or a full disk is of the backend's storage, also under 7."""
    assert over_grpc(status, text) == "otlp_storage_failure"


@every_row(status=[400, 401, 403, 500, 503], text=OF_A_FILE + OF_A_DISK)
def test_the_same_over_http(status: int, text: str) -> None:
    """HTTP codes are the gateway's choice; the text is the backend's."""
    assert over_http(status, text) == "otlp_storage_failure"


@every_row(text=OF_THE_CLIENT)
def test_a_client_that_may_not_is_not_storage(text: str) -> None:
    """Under PERMISSION_DENIED or 403 the words alone are about the client."""
    assert over_grpc(7, text) == "otlp_permission_denied"
    assert over_http(403, text) == "otlp_permission_denied"
    assert over_grpc(16, text) == "otlp_unauthenticated"
    assert over_http(401, text) == "otlp_unauthenticated"


@every_row(text=OF_THE_CLIENT)
def test_under_another_status_the_words_are_the_backends_own(text: str) -> None:
    """A status that forbids nothing, and "permission denied": the backend met it itself."""
    assert over_grpc(2, text) == "otlp_storage_failure"
    assert over_http(500, text) == "otlp_storage_failure"


@every_row(text=OF_THE_NETWORK + OF_NEITHER)
def test_other_texts_keep_the_cause_of_their_status(text: str) -> None:
    """A socket that may not be opened, a quota, a failed write: no proof about a disk."""
    assert over_grpc(14, text) == "otlp_unavailable"
    assert over_http(429, text) == "otlp_throttled"


def test_a_success_is_never_storage() -> None:
    """The text of a success is not read as a failure."""
    assert over_grpc(0, "no space left on device") is None
