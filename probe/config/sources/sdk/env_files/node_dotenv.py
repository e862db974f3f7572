"""`.env` as Node reads it: by the package dotenv, and by `node --env-file`. Pure.

Written after dotenv's main.js and Node's node_dotenv.cc, and compared with dotenv 16 and 18 and
Node 20.20. Neither replaces a variable. A `#` begins a comment wherever it stands outside of quotes, in the middle
of a word too.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

_S: Final = "\t\n\v\f\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
"""JavaScript's `\\s`."""
_ENDS: Final = "\n\r\u2028\u2029"
_BEGIN: Final = f"(?:^|(?<=[{_ENDS}]))"
_END: Final = f"(?=[{_ENDS}]|\\Z)"
_LINE: Final = re.compile(
    f"(?:export[{_S}]+)?([a-zA-Z0-9_.-]+)(?:[{_S}]*=[{_S}]*?|:[{_S}]+?)"
    f"([{_S}]*'(?:\\\\'|[^'])*'|[{_S}]*\"(?:\\\\\"|[^\"])*\"|[{_S}]*`(?:\\\\`|[^`])*`|[^#\r\n]+)?"
    f"[{_S}]*(?:#[^{_ENDS}]*)?{_END}"
)
_LINE_BEGIN: Final = re.compile(f"{_BEGIN}[{_S}]*+")
_NEXT_LINE: Final = re.compile(f"[{_ENDS}]")
_QUOTED: Final = re.compile(f"{_BEGIN}(['\"`])(.*)\\1{_END}", re.DOTALL)
_TRIMMED: Final = (
    "\t\n\v\f\r \xa0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff"
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
)


_NODE_BLANKS: Final = " \t\n"


def read_dotenv_package(raw: bytes, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that the package dotenv sets; `environ` has no part in it."""
    del environ
    text = re.sub(r"\r\n?", "\n", raw.decode("utf-8", "replace"))
    found: dict[str, str] = {}
    for name, behind in _find_bindings(text):
        trimmed = behind.strip(_TRIMMED)
        value = _QUOTED.sub(lambda one: one[2], trimmed)
        if trimmed.startswith('"'):
            value = value.replace("\\n", "\n").replace("\\r", "\r")
        found[name] = value
    return found


def _find_bindings(text: str) -> Iterator[tuple[str, str]]:
    """Yield name and value of every match of dotenv's pattern; blanks before it are read once."""
    at = 0
    while (begin := _LINE_BEGIN.search(text, at)) is not None:
        binding = _LINE.match(text, begin.end())
        if binding is not None:
            yield binding[1], binding[2] or ""
            at = binding.end()
        else:
            line_end = _NEXT_LINE.search(text, begin.end())
            if line_end is None:
                return
            at = line_end.end()


def read_node_env_file(raw: bytes, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that `node --env-file` sets; `environ` has no part in it."""
    del environ
    text = raw.decode("utf-8", "replace").replace("\r", "").strip(_NODE_BLANKS)
    found: dict[str, str] = {}
    while text:
        line, _, rest = text.partition("\n")
        if not line or line[0] == "#":
            text = rest
            continue
        name, equals, _ = line.partition("=")
        if not equals:
            text = rest.strip(_NODE_BLANKS)
            continue
        text = text[len(name) + 1 :]
        name = name.strip(_NODE_BLANKS)
        if not name:
            continue
        if name.startswith("export "):
            name = name.removeprefix("export ").strip(_NODE_BLANKS)
        if text.startswith("\n"):
            found[name] = ""
        else:
            found[name], text = _read_node_value(text)
    return found


def _read_node_value(text: str) -> tuple[str, str]:
    """Return the value that `text` begins with, and what follows it."""
    # Line ends too: after a name that only blanks follow, the next line is its value.
    text = text.lstrip(_NODE_BLANKS)
    quote = text[:1]
    if quote and quote in "'\"`":
        end = text.find(quote, 1)
        if end > 0:
            value = text[1:end]
            if quote == '"':
                value = value.replace("\\n", "\n")
            return value, text[end + 1 :].partition("\n")[2]
        line, _, rest = text.partition("\n")
        return line, rest
    line, _, rest = text.partition("\n")
    return line.partition("#")[0].strip(_NODE_BLANKS), rest
