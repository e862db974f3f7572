"""TLS records, and servers with certificates of every kind."""

from datetime import UTC, datetime, timedelta

from tests.support.loopback_client import OTHER_CA, SERVER_CA
from tests.support.pki import Issued

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
STRANGER = OTHER_CA.issue("stranger")


def record(content_type: int, body: bytes) -> bytes:
    """Return one TLS record in plaintext."""
    return bytes((content_type, 3, 3)) + len(body).to_bytes(2, "big") + body


def server_cert(**arguments: object) -> Issued:
    """Return a certificate of the server CA."""
    return SERVER_CA.issue("backend", **{"usages": ("serverAuth",), **arguments})  # type: ignore[arg-type]  # as issue() takes them
