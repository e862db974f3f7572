"""mtls-probe: mutual-TLS handshakes against Collector endpoints, and the cause when they fail."""

__version__ = "0.1.0"
