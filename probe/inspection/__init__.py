"""What local files are worth, told without any connection: the judgements that `inspect` prints."""
