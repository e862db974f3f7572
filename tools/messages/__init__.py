"""Commands for the table of messages: what it reads, and which texts no row covers."""
