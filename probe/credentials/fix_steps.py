"""How a step of a fix about files begins: a sentence with a capital, a command as it is typed.

Pure. Every step is numbered where people read it, next to those of causes, which are sentences.
"""

import re
from typing import Final

COMMAND: Final = re.compile(
    r"(?:base64|cat|cp|gzip|iconv|jq|keytool|openssl|puttygen|sed|tr|unzip) "
)
"""How a step that is a command as a whole begins; no sentence begins with one of these words."""


def begin_step(text: str) -> str:
    """Return `text`, a sentence or a command as a whole, as a numbered step shows it."""
    return text if COMMAND.match(text) else text[:1].upper() + text[1:]
