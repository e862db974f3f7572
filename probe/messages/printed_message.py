"""The types of the tables of printed texts, and the runtimes that share a TLS library."""

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
"""The runtimes that print it, and the text; `…` replaces a path, an address or a name."""
TextsByCause = dict[str, tuple[RuntimeText, ...]]
"""Texts by cause."""

GO_BASED: Final = (COLLECTOR, GO)
NODE: Final = (NODE_GRPC, NODE_HTTP)
ON_OPENSSL: Final = (PYTHON_HTTP, NODE_GRPC, NODE_HTTP, CURL)
