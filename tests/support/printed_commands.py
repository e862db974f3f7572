"""Where a printed step has its command: the step is one, or ends in one behind a colon."""

import re
from typing import Final

PROGRAMS: Final = (
    "base64", "cat", "chgrp", "chmod", "chown", "chronyc", "cp", "curl", "date", "df", "getent", "grep",
    "gzip", "head", "iconv", "install", "ip", "jq", "keytool", "ls", "namei", "openssl",
    "ping", "ps", "puttygen", "sed", "ss", "ssh-keygen", "timedatectl", "tr", "ulimit", "umask", "unzip",
)  # fmt: skip
_ANY: Final = "|".join(PROGRAMS)
_WHOLE: Final = re.compile(rf"(?:{_ANY}) ")
_BEHIND_A_COLON: Final = re.compile(rf": ((?:{_ANY})(?: .+)?)$")
_WORDS: Final = re.compile(
    rf"(?<![\w/.-])(?:{_ANY}|mtls-probe)(?: (?:-[A-Za-z]+|tracking|show|check|inspect|validate|diagnose|s_client|x509|"
    r"pkey)\b)+"
)


def find_command(step: str) -> str:
    """Return the command that a step is, or ends in; empty where there is none."""
    if _WHOLE.match(step):
        return step
    found = _BEHIND_A_COLON.search(step)
    return found[1] if found else ""


def find_words(text: str) -> list[str]:
    """Return what looks like the beginning of a command in a text."""
    return _WORDS.findall(text)
