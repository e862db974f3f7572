"""Clients in Python, each written as a person would: an error that nobody catches is printed.

The arguments are the client, the URL, the CA file, and the client's certificate and key, if any.
"""

import asyncio
import ctypes
import logging
import os
import socket
import ssl
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

TIMEOUT: Final = 4
BODY: Final = b"x"

Pair = tuple[str, str] | None


def _context(ca: str, pair: Pair) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca)
    if pair:
        context.load_cert_chain(*pair)
    return context


def _request(url: str) -> bytes:
    host = urlsplit(url).netloc
    return f"POST /v1/traces HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1\r\n\r\nx".encode()


def run_ssl(url: str, ca: str, pair: Pair) -> None:
    """Speak with CPython's ssl module on a socket."""
    at = urlsplit(url)
    context = _context(ca, pair)
    with (
        socket.create_connection((at.hostname, at.port), timeout=TIMEOUT) as plain,
        context.wrap_socket(plain, server_hostname=at.hostname) as secured,
    ):
        secured.sendall(_request(url))
        secured.recv(1000)


def run_urllib(url: str, ca: str, pair: Pair) -> None:
    """Post with CPython's urllib.request."""
    import urllib.request

    urllib.request.urlopen(url, BODY, TIMEOUT, context=_context(ca, pair)).read()


def run_asyncio(url: str, ca: str, pair: Pair) -> None:
    """Speak with CPython's asyncio streams."""
    at = urlsplit(url)

    async def speak() -> None:
        connecting = asyncio.open_connection(at.hostname, at.port, ssl=_context(ca, pair))
        reader, writer = await asyncio.wait_for(connecting, TIMEOUT)
        writer.write(_request(url))
        await writer.drain()
        await asyncio.wait_for(reader.read(1000), TIMEOUT)

    asyncio.run(speak())


def run_requests(url: str, ca: str, pair: Pair) -> None:
    """Post with requests."""
    import requests

    requests.post(url, data=BODY, verify=ca, cert=pair, timeout=TIMEOUT)


def run_urllib3(url: str, ca: str, pair: Pair) -> None:
    """Post with urllib3 without retries."""
    import urllib3

    files = {"cert_file": pair[0], "key_file": pair[1]} if pair else {}
    pool = urllib3.PoolManager(ca_certs=ca, timeout=TIMEOUT, retries=False, **files)
    pool.request("POST", url, body=BODY)


def run_httpx(url: str, ca: str, pair: Pair) -> None:
    """Post with httpx, with HTTP/2."""
    import httpx

    with httpx.Client(http2=True, verify=_context(ca, pair), timeout=TIMEOUT) as client:
        client.post(url, content=BODY)


def run_aiohttp(url: str, ca: str, pair: Pair) -> None:
    """Post with aiohttp."""
    import aiohttp

    async def post() -> None:
        limit = aiohttp.ClientTimeout(TIMEOUT)
        async with (
            aiohttp.ClientSession(timeout=limit) as session,
            session.post(url, data=BODY, ssl=_context(ca, pair)) as answer,
        ):
            await answer.read()

    asyncio.run(post())


def run_pyopenssl(url: str, ca: str, pair: Pair) -> None:
    """Speak with pyOpenSSL over the OpenSSL of cryptography."""
    from OpenSSL import SSL

    at = urlsplit(url)
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.load_verify_locations(ca)
    context.set_verify(SSL.VERIFY_PEER, lambda *judged: bool(judged[4]))
    if pair:
        context.use_certificate_chain_file(pair[0])
        context.use_privatekey_file(pair[1])
    plain = socket.create_connection((at.hostname, at.port), timeout=TIMEOUT)
    plain.settimeout(None)
    connection = SSL.Connection(context, plain)
    connection.set_tlsext_host_name(str(at.hostname).encode())
    connection.set_connect_state()
    connection.do_handshake()
    connection.send(_request(url))
    connection.recv(1000)


def run_pycurl(url: str, ca: str, pair: Pair) -> None:
    """Post with pycurl."""
    import pycurl

    client = pycurl.Curl()
    for option, value in (
        (client.URL, url),
        (client.POSTFIELDS, "x"),
        (client.CAINFO, ca),
        (client.TIMEOUT, TIMEOUT),
    ):
        client.setopt(option, value)
    if pair:
        client.setopt(client.SSLCERT, pair[0])
        client.setopt(client.SSLKEY, pair[1])
    client.perform()


def run_curl_cffi(url: str, ca: str, pair: Pair) -> None:
    """Post with curl_cffi: curl over BoringSSL."""
    from curl_cffi import requests

    requests.post(url, data=BODY, verify=ca, cert=pair, timeout=TIMEOUT)


def run_mbedtls(url: str, ca: str, pair: Pair) -> None:
    """Speak with python-mbedtls."""
    from pathlib import Path

    from mbedtls import pk, tls, x509

    at = urlsplit(url)
    trust = tls.TrustStore.from_pem_file(ca)
    chain: Any = None
    if pair:
        certificate = x509.CRT.from_file(pair[0])
        text = Path(pair[1]).read_text()
        key = (pk.RSA if "RSA" in text else pk.ECC).from_PEM(text)
        chain = ((certificate,), key)
    settings = tls.TLSConfiguration(
        trust_store=trust, validate_certificates=True, certificate_chain=chain
    )
    plain = socket.create_connection((at.hostname, at.port), timeout=TIMEOUT)
    secured = tls.ClientContext(settings).wrap_socket(plain, server_hostname=at.hostname)
    secured.do_handshake()
    secured.send(_request(url))
    secured.recv(1000)


def run_grpc(url: str, ca: str, pair: Pair) -> None:
    """Call with grpcio."""
    from pathlib import Path

    import grpc

    key, cert = (Path(pair[1]).read_bytes(), Path(pair[0]).read_bytes()) if pair else (None, None)
    credentials = grpc.ssl_channel_credentials(Path(ca).read_bytes(), key, cert)
    with grpc.secure_channel(urlsplit(url).netloc, credentials) as channel:
        method = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
        channel.unary_unary(method, None, None)(b"", timeout=TIMEOUT)


def _export(kind: str, url: str, ca: str, pair: Pair) -> None:
    """Export one span with the SDK's own exporter, and let it log."""
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    named = {"CERTIFICATE": ca, "ENDPOINT": url, "TIMEOUT": str(TIMEOUT)}
    if pair:
        named |= {"CLIENT_CERTIFICATE": pair[0], "CLIENT_KEY": pair[1]}
    os.environ |= {f"OTEL_EXPORTER_OTLP_{name}": value for name, value in named.items()}
    exporter: Any
    if kind == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as Grpc

        exporter = Grpc()
    else:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as Http

        exporter = Http()
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    provider.get_tracer("lab").start_span("lab").end()
    provider.force_flush(TIMEOUT * 1000 + 2000)
    provider.shutdown()


def run_otlp_grpc(url: str, ca: str, pair: Pair) -> None:
    """Export with the SDK's exporter over gRPC."""
    _export("grpc", url, ca, pair)


def run_otlp_http(url: str, ca: str, pair: Pair) -> None:
    """Export with the SDK's exporter over HTTP."""
    _export("http", url, ca, pair)


_CURL_OPTIONS: Final = {"url": 10002, "body": 10015, "ca": 10065, "cert": 10025, "key": 10087}


def run_libcurl(url: str, ca: str, pair: Pair) -> None:
    """Post with a libcurl of another TLS library, LIBCURL, as the command curl prints its errors."""
    library = ctypes.CDLL(os.environ["LIBCURL"])
    library.curl_easy_init.restype = ctypes.c_void_p
    library.curl_easy_strerror.restype = ctypes.c_char_p
    handle = ctypes.c_void_p(library.curl_easy_init())
    own = ctypes.create_string_buffer(256)
    options = {"url": url, "body": "x", "ca": ca}
    if pair:
        options |= {"cert": pair[0], "key": pair[1]}
    for name, value in options.items():
        library.curl_easy_setopt(handle, _CURL_OPTIONS[name], ctypes.c_char_p(value.encode()))
    library.curl_easy_setopt(handle, 10010, own)
    library.curl_easy_setopt(handle, 13, ctypes.c_long(TIMEOUT))
    code = library.curl_easy_perform(handle)
    if code:
        text = own.value or library.curl_easy_strerror(code)
        sys.stderr.write(f"curl: ({code}) {text.decode()}\n")
        sys.exit(code)


CLIENTS: Final[Mapping[str, Callable[[str, str, Pair], None]]] = {
    name.removeprefix("run_"): value for name, value in globals().items() if name[:4] == "run_"
}

if __name__ == "__main__":
    chosen, url, ca, *files = sys.argv[1:]
    CLIENTS[chosen](url, ca, (files[0], files[1]) if files else None)
