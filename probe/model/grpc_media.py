"""Which media types are gRPC's (gRPC over HTTP/2, "Responses")."""

import re
from typing import Final

_GRPC_MEDIA: Final = re.compile(r"application/grpc([+;].*)?", re.IGNORECASE | re.DOTALL)


def is_grpc_media(content_type: str) -> bool:
    """Whether a Content-Type is gRPC's, as grpc-go reads it (internal/grpcutil/method.go).

    application/grpc-web is another protocol.
    """
    return _GRPC_MEDIA.fullmatch(content_type.strip()) is not None
