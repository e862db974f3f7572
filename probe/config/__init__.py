"""Configuration: YAML, its schema, expansion and errors; it ends in plain `Target` values."""
