"""Every TLS stack of the lab, by the order in which its tests run."""

from typing import Final

from tests.lab.stack import Stack
from tests.lab.stacks import (
    collector,
    cpython,
    gnutls,
    go,
    grpc_core,
    haproxy,
    jsse,
    nginx,
    node,
    openssl,
    rustls,
    stunnel,
)

STACKS: Final[tuple[Stack, ...]] = (
    openssl.S_SERVER,
    nginx.NGINX_HTTP,
    nginx.NGINX_HTTP1,
    nginx.NGINX_GRPC,
    nginx.NGINX_STREAM,
    haproxy.HAPROXY,
    stunnel.STUNNEL,
    gnutls.GNUTLS,
    cpython.CPYTHON,
    grpc_core.GRPC_CORE,
    rustls.RUSTLS,
    go.GO,
    jsse.JSSE,
    jsse.JSSE_HTTPSERVER,
    node.NODE_HTTPS,
    node.NODE_HTTP2,
    collector.COLLECTOR_GRPC,
    collector.COLLECTOR_HTTP,
)
