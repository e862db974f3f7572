"""Client certificate chains that each break one rule, and which rule that is."""
