"""What the operating system gives to this process: limits, standard streams, files that are watched."""
