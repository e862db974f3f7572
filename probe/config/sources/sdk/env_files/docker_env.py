"""`docker run --env-file`: a line is a variable, and its value is what stands there. Pure.

Written after docker/cli's `kvfile` and compared with the client 28.2. Quotes, comments behind a
value and blanks at its end are parts of the value.
"""

from collections.abc import Mapping
from typing import Final

from probe.config.sources.sdk.env_files.line_error import LineError

GO_SPACE: Final = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""What Go's unicode.IsSpace takes for a blank."""
_LONGEST_LINE: Final = 64 * 1024


def read_docker_env(raw: bytes, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a container gets; a name alone is taken from `environ`.

    Raises:
        LineError: for what the client refuses; it then starts no container.
    """
    variables: dict[str, str] = {}
    for number, each in enumerate(raw.split(b"\n"), start=1):
        if len(each) >= _LONGEST_LINE:
            raise LineError(number, "is longer than 64 KiB, which docker refuses")
        try:
            line = each.removesuffix(b"\r").decode()
        except UnicodeDecodeError:
            raise LineError(number, "is not UTF-8 text, which docker refuses") from None
        if number == 1:
            line = line.removeprefix("\ufeff")
        line = line.lstrip(GO_SPACE)
        if not line or line[0] == "#":
            continue
        name, equals, value = line.partition("=")
        if not name:
            raise LineError(number, "has no name before its =, which docker refuses")
        if " " in name or "\t" in name:
            reason = "has a blank in its name, which docker refuses"
            if name.startswith(("export ", "export\t")):
                reason += "; a shell's file begins a line with export, docker's does not"
            raise LineError(number, reason)
        if equals:
            variables[name] = value
        elif name in environ:
            variables[name] = environ[name]
    return variables
