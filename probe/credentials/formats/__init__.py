"""The formats in which certificates and keys lie in files: PEM, DER, keystores, and what wraps them."""
