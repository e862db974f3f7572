"""What a real Collector says of generated configurations, and what the probe makes of them."""
