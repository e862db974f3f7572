"""What exporters print: the messages of each cause, and the causes that a pasted line fits. Pure."""
