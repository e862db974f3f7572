"""The TLS client: bytes in, bytes out, events. It opens no socket (sans-I/O)."""
