"""Prometheus alerting and recording rules, generated from the catalogue of causes."""
