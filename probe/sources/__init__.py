"""Where targets come from: one module each; every one ends in plain `Target` values."""
