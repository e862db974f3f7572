"""The steps of fixes, in the words of one target: its files, settings and restarts."""
