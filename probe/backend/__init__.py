"""What answers instead of a Collector: the demo's backends, and `listen`, which diagnoses exporters."""
