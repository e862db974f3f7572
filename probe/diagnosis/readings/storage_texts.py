"""Whether the text of an answer says that the backend could not write what it received."""

import re
from typing import Final

from probe.model.evidence import Answer

_DISK: Final = re.compile(
    r"read-only file ?system|no space left|disk quota|disk (is )?full|\bEROFS\b|\bENOSPC\b",
    re.IGNORECASE,
)
_FILE: Final = re.compile(
    r"errno 13\b|os error 13\b|\bEACCES\b|/\S*:? \(?permission denied", re.IGNORECASE
)
"""A file that may not be written, as Python, Rust, Node, and Go and Java say it."""
_DENIED: Final = re.compile(r"permission denied", re.IGNORECASE)
_CONNECTING: Final = re.compile(r"\b(dial|connect)\b", re.IGNORECASE)
_FORBIDDEN_GRPC: Final = frozenset({7, 16})
_FORBIDDEN_HTTP: Final = frozenset({401, 403})
"""Answers that say "permission denied" of the client itself: only a file makes it storage."""


def is_about_storage(answer: Answer, text: str) -> bool:
    """Return whether `text`, a part of `answer`, speaks of a disk or a file of the backend."""
    if not text or _DISK.search(text):
        return bool(text)
    if _CONNECTING.search(text):
        return False
    if _FILE.search(text):
        return True
    forbidden = answer.grpc_status in _FORBIDDEN_GRPC or (
        answer.grpc_status is None and answer.http_status in _FORBIDDEN_HTTP
    )
    return not forbidden and _DENIED.search(text) is not None
