"""Targets from the receivers of a Collector next to the probe: the backend's own side."""
