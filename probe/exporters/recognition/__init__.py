"""How an error line pasted from a log is recognised: its normal form, and what words mean in it."""
