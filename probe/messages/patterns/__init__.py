"""The patterns by which a pasted error line is recognised, and the causes that each is compatible with."""
