"""What exporters print, read both ways: what each prints for a cause, and what a pasted line means. Pure."""
