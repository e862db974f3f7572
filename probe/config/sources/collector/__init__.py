"""Targets from the configuration of an OpenTelemetry Collector."""
