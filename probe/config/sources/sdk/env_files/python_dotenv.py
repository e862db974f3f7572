"""`.env` as the package python-dotenv reads it. Pure.

Written after its parser.py and variables.py, and compared with version 1.2. A line that it does not
understand is passed over; `${NAME}` and `${NAME:-default}` are replaced, `$NAME` is not.
"""

import re
from collections.abc import Mapping
from typing import Final

from probe.config.sources.sdk.env_files.line_error import LineError

_BINDING: Final = re.compile(
    r"""
    (?:export[^\S\r\n]++)?+
    (?:
        (?: (?=\#) | '(?P<quoted_name>[^']++)' | (?!['\#])(?P<name>[^=\#\s]++) )
        [^\S\r\n]*+
        (?P<equals>
            =[^\S\r\n]*+
            (?:
                (?<=[^\S\r\n])(?=\#)
              | '(?P<single>(?:\\.|[^'\\])*+)'
              | "(?P<double>(?:\\.|[^"\\])*+)"
              | (?P<plain>(?!['"])[^\r\n]*+)
            )?+
        )?+
    )?+
    (?:[^\S\r\n]*+\#[^\r\n]*+)?+
    (?P<end>[^\S\r\n]*+(?:\r\n|\n|\r|\Z))?+
    """,
    re.VERBOSE | re.DOTALL,
)
"""Nothing of it is tried again where what follows does not fit, as in the package's own reader."""
_BLANKS: Final = re.compile(r"\s*+")
_REST_OF_LINE: Final = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)?")
_REFERENCE: Final = re.compile(r"\$\{([^}:]{0,1024}+)(?::-([^}]*+))?+\}")
_IN_DOUBLE_QUOTES: Final = re.compile(r"\\[\\'\"abfnrtv]")
_IN_SINGLE_QUOTES: Final = re.compile(r"\\[\\']")
_ESCAPED: Final = dict(zip("abfnrtv", "\a\b\f\n\r\t\v", strict=True))


def read_python_dotenv(raw: bytes, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that `load_dotenv` sets where none of them is set; `environ` comes first.

    Raises:
        LineError: where the file is not UTF-8 text.
    """
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise LineError(line, "is not UTF-8 text, which python-dotenv refuses") from None
    # It is opened as text: every line's end is read as \n.
    text = re.sub(r"\r\n?", "\n", text).removeprefix("\ufeff")
    values: dict[str, str] = {}
    at = 0
    while at < len(text):
        at = _match(_BLANKS, text, at).end()
        if at == len(text):
            break
        binding = _match(_BINDING, text, at)
        at = binding.end()
        if binding["end"] is None:
            # What was read of a binding that does not end well, lines of a quoted value included.
            at = _match(_REST_OF_LINE, text, at).end()
            continue
        name = binding["quoted_name"] or binding["name"]
        if name is None or binding["equals"] is None:
            continue
        values[name] = _replace_references(_read_value(binding), values, environ)
    return values


def _match(pattern: re.Pattern[str], text: str, at: int) -> re.Match[str]:
    found = pattern.match(text, at)
    assert found is not None, "the pattern matches an empty text"
    return found


def _read_value(binding: re.Match[str]) -> str:
    if (value := binding["single"]) is not None:
        return _IN_SINGLE_QUOTES.sub(_unescape, value)
    if (value := binding["double"]) is not None:
        return _IN_DOUBLE_QUOTES.sub(_unescape, value)
    return re.sub(r"\s+#.*", "", binding["plain"] or "").rstrip()


def _unescape(found: re.Match[str]) -> str:
    char = found[0][1]
    return _ESCAPED.get(char, char)


def _replace_references(text: str, values: Mapping[str, str], environ: Mapping[str, str]) -> str:
    def replace(found: re.Match[str]) -> str:
        name, default = found.groups()
        return environ.get(name, values.get(name, default or ""))

    # Behind the last brace no reference ends, and it would take long to find that out of each.
    end = text.rfind("}") + 1
    return _REFERENCE.sub(replace, text[:end]) + text[end:]
