"""How each exporter runtime behaves where it differs from the probe. Pure."""
