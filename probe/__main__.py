"""Lets `python -m probe` run the command line."""

from probe.cli.main import main

main()
