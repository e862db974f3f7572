"""The web application and its pages, read from the ledger."""
