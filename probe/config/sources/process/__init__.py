"""Targets of running exporters: what /proc shows of a process, and which exporters it has by that."""
