"""Plain frozen data that every other room shares: targets, evidence, diagnoses. Nothing here does I/O or judges."""
