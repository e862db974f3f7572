"""Embedded OTLP backends on loopback with a throwaway PKI: one healthy, one per documented cause."""
