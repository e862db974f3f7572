"""The log: its format, and which changes become a line."""
