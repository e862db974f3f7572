"""OTLP backends that answer instead of a Collector, on loopback."""
