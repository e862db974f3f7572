"""What exporters put on the wire, written down by servers of the lab, and compared with the probe."""
