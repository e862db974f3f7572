"""The options of a Java virtual machine: its system properties and agents, as the launcher reads them.

Pure but for `read_file`. Four places give options, each over the one before: JAVA_TOOL_OPTIONS,
JDK_JAVA_OPTIONS, the command line, _JAVA_OPTIONS. The launcher (args.c of the JDK) expands argument
files in the second and third; the virtual machine (arguments.cpp) splits the first and last, and
option files. Their quoting differs, and all of it was compared with the real ones.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

TOOL_OPTIONS: Final = "JAVA_TOOL_OPTIONS"
LAUNCHER_OPTIONS: Final = "JDK_JAVA_OPTIONS"
LAST_OPTIONS: Final = "_JAVA_OPTIONS"
COMMAND_LINE: Final = "the command line"

_MOST_OPTIONS: Final = 100_000
_MOST_BYTES: Final = 1 << 20
"""Of all argument and option files of one process together."""
_FILE_BLANKS: Final = " \t\n\f\r"
_WITH_VALUE: Final = frozenset(
    {
        *("-cp", "-classpath", "--class-path", "-p", "--module-path", "--upgrade-module-path"),
        *("--add-modules", "--limit-modules", "--add-exports", "--add-opens", "--add-reads"),
        *("--patch-module", "-d", "--describe-module", "--source", "--enable-native-access"),
        *("--finalization", "--illegal-native-access"),
    }
)
"""Options whose value is the next argument (java.c, IsLauncherOption and IsModuleOption)."""
_MAIN: Final = frozenset({"-jar", "-m", "--module"})
"""After these comes what is run: the rest is the program's own."""
_OPTIONS_FILE: Final = "-XX:VMOptionsFile="
_AGENT: Final = "-javaagent:"
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}

ReadFile = Callable[[str], bytes]
"""Returns a file as the process sees it; raises OSError or ValueError."""


@dataclass(frozen=True, slots=True)
class JavaAgent:
    """One `-javaagent:FILE=OPTIONS`."""

    file: str
    options: str = ""


@dataclass(frozen=True, slots=True)
class JavaOptions:
    """What counts of all the options together."""

    properties: Mapping[str, str]
    """The system properties, the last value of each."""
    origins: Mapping[str, str]
    """By property, where that value stands: the command line, a file, a variable."""
    agents: tuple[JavaAgent, ...]
    program: str = ""
    """What is run: a jar, a module or a class."""
    class_path: str = ""
    unread: tuple[str, ...] = ()
    """Files of arguments that could not be read."""


def read_java_options(
    arguments: Sequence[str], environ: Mapping[str, str], read_file: ReadFile
) -> JavaOptions:
    """Return the options of a virtual machine that was started with `arguments` and `environ`."""
    run = _Run(read_file)
    run.take_all(split_machine_options(environ.get(TOOL_OPTIONS, "")), TOOL_OPTIONS)
    launcher = run.expand(split_machine_options(environ.get(LAUNCHER_OPTIONS, "")))
    run.take_all(launcher, LAUNCHER_OPTIONS)
    run.take_command_line(arguments[1:])
    run.take_all(split_machine_options(environ.get(LAST_OPTIONS, "")), LAST_OPTIONS)
    return JavaOptions(
        properties=run.properties,
        origins=run.origins,
        agents=tuple(run.agents),
        program=run.program,
        class_path=run.class_path,
        unread=tuple(dict.fromkeys(run.unread)),
    )


class _Run:
    def __init__(self, read_file: ReadFile) -> None:
        self._read_file = read_file
        self._left = _MOST_OPTIONS
        self._bytes_left = _MOST_BYTES
        self.properties: dict[str, str] = {}
        self.origins: dict[str, str] = {}
        self.agents: list[JavaAgent] = []
        self.program = ""
        self.class_path = ""
        self.unread: list[str] = []

    def take_all(self, options: Sequence[str], origin: str) -> None:
        for option in options:
            self._take(option, origin)

    def take_command_line(self, arguments: Sequence[str]) -> None:
        """Take the options before what is run; argument files among them are expanded."""
        waits = ""
        for option in self.expand(arguments):
            if waits:
                self._take_value(waits, option)
                if waits in _MAIN:
                    return
                waits = ""
            elif option in _WITH_VALUE | _MAIN:
                waits = option
            elif option.startswith("-"):
                self._take(option, COMMAND_LINE)
            else:
                self.program = option
                return

    def expand(self, arguments: Sequence[str]) -> list[str]:
        """Replace each argument file by what it holds, up to the program's own arguments.

        As in checkArg of args.c: the first argument without a dash, unless it is the value of an option, is
        what is run. A file is read to its end, even where it names that.
        """
        found: list[str] = []
        expands, takes_value, ended = True, False, False
        for argument in arguments:
            parts = [argument]
            if expands and not ended and argument.startswith("@") and len(argument) > 1:
                parts = [argument[1:]] if argument[1] == "@" else self._read_arguments(argument[1:])
            for part in parts:
                if part.startswith("-"):
                    takes_value = part in _WITH_VALUE
                    expands = expands and part != "--disable-@files"
                else:
                    ended = ended or not takes_value
                    takes_value = False
            found += parts
        return found[:_MOST_OPTIONS]

    def _read_arguments(self, file: str) -> list[str]:
        text = self._read(file)
        return [] if text is None else list(split_argument_file(text))

    def _read(self, file: str) -> str | None:
        try:
            raw = self._read_file(file) if self._bytes_left > 0 else None
        except (OSError, ValueError):
            raw = None
        if raw is not None:
            self._bytes_left -= len(raw)
        if raw is None or self._bytes_left < 0:
            self.unread.append(file)
            return None
        return raw.decode("utf-8", "surrogateescape")

    def _take_value(self, option: str, value: str) -> None:
        if option in _MAIN:
            self.program = value
        elif option in {"-cp", "-classpath", "--class-path"}:
            self.class_path = value

    def _take(self, option: str, origin: str) -> None:
        self._left -= 1
        if self._left < 0:
            return
        if option.startswith("-D"):
            name, _, value = option[2:].partition("=")
            self.properties[name] = value
            self.origins[name] = origin
        elif option.startswith(_AGENT):
            file, _, options = option.removeprefix(_AGENT).partition("=")
            self.agents.append(JavaAgent(file, options))
        elif option.startswith("--class-path="):
            self.class_path = option.partition("=")[2]
        elif option.startswith(_OPTIONS_FILE) and (
            (text := self._read(file := option.removeprefix(_OPTIONS_FILE))) is not None
        ):
            # Such a file may not name a further one (arguments.cpp).
            nested = [
                one for one in split_machine_options(text) if not one.startswith(_OPTIONS_FILE)
            ]
            self.take_all(nested, f"the file {file}")


def apply_agent_options(options: str) -> dict[str, str]:
    """Return the properties that the OpenTelemetry agent makes of its own options.

    `name=value;…` (AgentArgUtil); a value that holds `=` is left out, as Java's split has it.
    """
    pairs = (_split_as_java(option) for option in options.split(";"))
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def _split_as_java(text: str) -> list[str]:
    """Split at `=` like String.split, which leaves out empty parts at the end."""
    parts = text.split("=")
    while parts and not parts[-1]:
        parts.pop()
    return parts


_MACHINE_OPTION: Final = re.compile(r"""(?:[^'"\s]|'[^']*(?:'|\Z)|"[^"]*(?:"|\Z))+""", re.ASCII)
_QUOTED: Final = re.compile(r"""'([^']*)(?:'|\Z)|"([^"]*)(?:"|\Z)""")


def split_machine_options(text: str) -> list[str]:
    """Split a variable or an options file as the virtual machine does, and the launcher its variable.

    White space separates; a quotation mark of either kind may begin anywhere and holds until its
    pair, or the end; nothing escapes (Arguments::parse_options_buffer; args.c, expand).
    """
    found = (
        _QUOTED.sub(lambda quoted: quoted[1] if quoted[1] is not None else quoted[2], each[0])
        for each in _MACHINE_OPTION.finditer(text)
    )
    return [option for _, option in zip(range(_MOST_OPTIONS), found, strict=False)]


def split_argument_file(text: str) -> Iterator[str]:
    r"""Yield the arguments of a file that `@file` names: the launcher's own automaton (args.c, nextToken).

    White space separates; a quotation mark of either kind may begin anywhere in an argument, and
    the end of the line ends it; within quotes a backslash escapes, and one at the end of a line
    joins it to the next one without the white space there. A `#` outside of quotes begins a comment,
    within an argument too, of which then only what stood before a quotation mark is left.
    """
    state, quote, anchor = "next", "", 0
    parts: list[str] = []
    position, end = 0, len(text)
    while position < end:
        char = text[position]
        position += 1
        if state in {"next", "joined"}:
            if char in _FILE_BLANKS:
                continue
            state = "token" if state == "next" else "quote"
            anchor = position - 1
        elif state == "escape":
            if char in "\r\n":
                state = "joined"
            else:
                parts.append(_ESCAPES.get(char, char))
                state = "quote"
            anchor = position
            continue
        elif state == "comment":
            if char in "\r\n":
                state, anchor = "next", position
            continue
        quoted = state == "quote"
        if char in "\r\n" or (char in " \t\f" and not quoted):
            yield "".join((*parts, text[anchor : position - 1]))
            parts, state = [], "next"
        elif char == "#" and not quoted:
            state = "comment"
        elif char == "\\" and quoted:
            parts.append(text[anchor : position - 1])
            state, anchor = "escape", position
        elif char in "'\"" and (not quoted or char == quote):
            if anchor != position - 1:
                parts.append(text[anchor : position - 1])
            anchor = position
            state, quote = ("token", quote) if quoted else ("quote", char)
    if state in {"token", "quote"}:
        if anchor < end:
            parts.append(text[anchor:])
        if parts:
            yield "".join(parts)
