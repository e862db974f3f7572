"""How exporters of other runtimes would fare with the same files and the same backend. Pure."""
