"""OTLP requests and answers over HTTP/1.1 and HTTP/2: bytes in, bytes out (sans-I/O)."""
