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

RuntimeText = tuple[tuple[Runtime, ...], str]
"""Who prints it, and the text without what varies: `…` stands for a path, an address, a name."""
TextsByCause = dict[str, tuple[RuntimeText, ...]]
"""Words by cause."""

GO_BASED: Final = (COLLECTOR, GO)
NODE: Final = (NODE_GRPC, NODE_HTTP)
ON_OPENSSL: Final = (PYTHON_HTTP, NODE_GRPC, NODE_HTTP, CURL)
