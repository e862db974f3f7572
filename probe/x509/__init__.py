"""Certificates and the judgements about them: contents, names, dates, paths, strength. Pure."""
