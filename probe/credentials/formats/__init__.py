"""The formats of certificate and key files: PEM, DER, keystores, and what wraps them."""
