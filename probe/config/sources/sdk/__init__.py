"""Targets from the settings of an OpenTelemetry SDK: its environment or its declarative file."""
