"""Which media types are gRPC's, and which OTLP/HTTP's in Protobuf."""

import re
from typing import Final

_GRPC_MEDIA: Final = re.compile(r"application/grpc([+;].*)?", re.IGNORECASE | re.DOTALL)

_PROTOBUF_MEDIA: Final = frozenset({"application/x-protobuf", "application/protobuf"})
"""OTLP's own, and the registered one, by which some backends answer."""


def is_protobuf_media(content_type: str) -> bool:
    """Whether a Content-Type is that of OTLP/HTTP in Protobuf."""
    return content_type.partition(";")[0].strip().lower() in _PROTOBUF_MEDIA


def is_grpc_media(content_type: str) -> bool:
    """Return whether a Content-Type is gRPC's, as grpc-go reads it (internal/grpcutil/method.go).

    application/grpc-web is another protocol.
    """
    return _GRPC_MEDIA.fullmatch(content_type.strip()) is not None
