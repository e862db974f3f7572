"""What nginx, HAProxy, stunnel and Apache's mod_ssl can print of TLS: the strings of the programs."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from tools.messages.extract_scripts import ask_version, find_strings
from tools.messages.library_texts import LibraryTexts, choose_texts

_PROGRAMS: Final = {
    "nginx": (
        "nginx",
        "/usr/sbin/nginx",
        ("nginx", "-v"),
        r"^(?:client (?:SSL|sent (?:no|plain)|closed|timed)|upstream (?:SSL|timed|prema|sent (?:no|inv))"
        r"|peer closed conn|no live upstreams|no \"ssl_cert|SSL_\w+\(\) failed|cannot load cert"
        r"|certificate (?:status|revoked)|OCSP responder)",
    ),
    "haproxy": (
        "HAProxy",
        "/usr/sbin/haproxy",
        ("haproxy", "-v"),
        r"^(?:SSL (?:handshake|client)|(?:Connection|Timeout|Truncated|Received).*(?:handshake|PROXY)"
        r"|Server presented|Rejected a client-init|Layer[467] )",
    ),
    "stunnel": (
        "stunnel",
        "/usr/bin/stunnel4",
        ("stunnel4", "-version"),
        r"^(?:CERT: |OCSP: (?:Cert|Resp|Status|Stap)|Rejected by|TLS server needs|.*TIMEOUT\w+ exceeded"
        r"|%s: Peer sudd|s_connect: (?:connect|no more))",
    ),
    "apache_ssl": (
        "Apache httpd mod_ssl",
        "/usr/lib/apache2/modules/mod_ssl.so",
        ("apache2", "-v"),
        r"^AH\d{5}: (?:SSL (?:handshake|library|client|Proxy)|Certificate Verification|Re-negotiation"
        r"|No acceptable|Peer|Hostname|incomplete client|proxy client|no client certs)",
    ),
}


def extract_program(name: str) -> LibraryTexts:
    """Return the texts of one program."""
    library, path, version, wanted = _PROGRAMS[name]
    texts = choose_texts(find_strings([Path(path)], wanted))
    return LibraryTexts(library, ask_version(*version), texts)


EXTRACTORS: Final[dict[str, Callable[[], LibraryTexts]]] = {
    name: partial(extract_program, name) for name in _PROGRAMS
}
