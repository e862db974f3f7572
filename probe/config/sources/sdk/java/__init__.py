"""What Java's SDK and agent read besides the environment: properties files, system properties, Spring."""
