"""What exporters do and print: the runtimes that people run, next to what the probe saw."""
