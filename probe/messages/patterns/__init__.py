"""The patterns that recognise a pasted error line, and the causes that fit each of them."""
