"""What local files are worth as credentials, judged without a connection."""
