"""Reads and writes `host:port`, an IPv6 address in brackets (RFC 3986 §3.2.2). Pure and total."""


def join_host_port(host: str, port: int | str) -> str:
    """Return `host:port`; a host with a colon in it is an IPv6 address and gets brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def split_host_port(text: str, *, has_port: bool = False) -> tuple[str, str]:
    """Return the host without brackets, and the port as it is written, empty where there is none.

    Whether either is valid is for the caller to judge.

    Args:
        text: `host`, `host:port`, `[address]:port`, or an IPv6 address.
        has_port: Whether `text` must have a port: the last colon begins it then, also after an
            address without brackets, as in `:::9943`.
    """
    if text.startswith("["):
        address, bracket, rest = text[1:].partition("]")
        if bracket and (not rest or rest.startswith(":")):
            return address, rest[1:]
        return text, ""
    host, colon, port = text.rpartition(":")
    return (host, port) if colon and (has_port or ":" not in host) else (text, "")


def split_as_go(text: str) -> tuple[str, str] | None:
    """Return host and port of `host:port` as Go's net.SplitHostPort; None where it is not that."""
    colon = text.rfind(":")
    if colon < 0:
        return None
    after = before = 0
    if text.startswith("["):
        end = text.find("]")
        if end < 0 or end + 1 != colon:
            return None
        host, before, after = text[1:end], 1, end + 1
    else:
        host = text[:colon]
        if ":" in host:
            return None
    if "[" in text[before:] or "]" in text[after:]:
        return None
    return host, text[colon + 1 :]
