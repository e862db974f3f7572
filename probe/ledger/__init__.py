"""What is known of each target, in memory. Every output reads it; the pipeline writes it."""
