"""One attempt: sans-I/O TLS and OTLP, and the one module that owns the socket."""
