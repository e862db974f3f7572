"""Where targets come from besides the own configuration file, one module or package per source."""
