"""The catalogue of causes: the type in cause.py, one module for each family."""
