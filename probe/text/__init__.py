"""What may be shown: the gate for text of others, the description of values, and the register of secrets."""
