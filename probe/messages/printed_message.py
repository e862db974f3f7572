"""The type in which the tables of printed words are written, and who shares a TLS library."""

from typing import Final

from probe.model.runtime import (
    COLLECTOR,
    CURL,
    GO,
    NODE_GRPC,
    NODE_HTTP,
    PYTHON_HTTP,
    Runtime,
)

Words = tuple[tuple[Runtime, ...], str]
"""Who prints it, and the text without what varies: `…` stands for a path, an address, a name."""
Table = dict[str, tuple[Words, ...]]
"""Words by cause."""

GO_BASED: Final = (COLLECTOR, GO)
NODE: Final = (NODE_GRPC, NODE_HTTP)
ON_OPENSSL: Final = (PYTHON_HTTP, NODE_GRPC, NODE_HTTP, CURL)
