"""Outputs: metrics, web, terminal and the rest; each only reads the ledger (law 1)."""
