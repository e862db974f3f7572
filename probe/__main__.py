"""Lets `python -m probe` run the command line."""

from probe.cli import main

main()
