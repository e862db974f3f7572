"""Makes words for printed commands of names, paths and hosts that somebody else chose. Pure.

Discovery, files and peers bring any text. In a printed command each is exactly one argument,
whatever the shell would make of it, and none is an option.
"""

import shlex


def quote_path(path: str) -> str:
    """Return `path` as one word of a POSIX shell; one that begins with a dash gets `./` before it."""
    return shlex.quote(f"./{path}" if path.startswith("-") else path)


def quote_word(text: str) -> str:
    """Return `text` as one word of a POSIX shell, after `--` where it begins with a dash."""
    return f"-- {shlex.quote(text)}" if text.startswith("-") else shlex.quote(text)


def quote_authority(host: str, port: int) -> str:
    """Return `host:port` as one word, an IPv6 address in brackets; it follows an option."""
    return shlex.quote(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
