"""Prometheus metrics, read from the ledger."""
