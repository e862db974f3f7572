"""Units of systemd: which variables a service gets, and what it runs."""
