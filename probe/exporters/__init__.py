"""How each exporter runtime really behaves: files, offers, verification. Pure models."""
