"""The variables that a service of systemd gets, from its unit and the files that it names.

Pure but for its readers. Follows systemd.exec(5): `Environment=`, then `EnvironmentFile=` over it,
then `UnsetEnvironment=`. What is run tells the rest: a Java program's options, or a Collector.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

from probe.config.errors import ConfigurationError, explain_unreadable
from probe.config.sources.process.java_options import read_java_options
from probe.config.sources.sdk.env_files.line_error import LineError
from probe.config.sources.sdk.env_files.systemd_env import read_systemd_env
from probe.config.sources.sdk.java.properties_file import read_properties
from probe.config.sources.sdk.java.system_properties import (
    find_configuration_file,
    merge_settings,
    to_variable,
)
from probe.config.sources.sdk.unit.unit_syntax import (
    Assignment,
    UnknownSpecifierError,
    expand_specifiers,
    list_assignments,
    split_value,
)
from probe.text.description import describe_path
from probe.text.safe_text import safe_text

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_REFERENCE: Final = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|\$)")
_COLLECTOR: Final = re.compile(r"(?:otelcol|otel|opentelemetry).*col|otelcol")
_DIRECTORIES: Final = (
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
    "/run/systemd/system",
    "/etc/systemd/system",
)
"""Where drop-ins of a unit may be, the stronger ones last."""


@dataclass(slots=True)
class UnitSettings:
    """What the service gets."""

    variables: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    """By variable, the line of the unit itself that sets it."""
    java: bool = False
    """Whether it runs a program of Java."""
    collector: str = ""
    """The configuration of a Collector that it runs, or the name of the Collector."""
    notes: tuple[str, ...] = ()


def list_drop_ins(unit: str, list_directory: Callable[[str], Sequence[str]]) -> list[str]:
    """Return the drop-ins of a unit, in the order in which they count.

    Args:
        unit: Its path.
        list_directory: Returns the names in a directory; raises OSError.
    """
    path = PurePosixPath(unit)
    own = str(path.parent)
    directories = _DIRECTORIES if own in _DIRECTORIES else (own,)
    found: dict[str, str] = {}
    for directory in directories:
        place = f"{directory}/{path.name}.d"
        with suppress(OSError):
            names = [name for name in list_directory(place) if name.endswith(".conf")]
            found |= {name: f"{place}/{name}" for name in names}
    return [found[name] for name in sorted(found)]


def read_unit(
    raw: bytes, unit: str, read_file: Callable[[str], bytes], drop_ins: Sequence[str] = ()
) -> UnitSettings:
    """Return the variables of the service that `unit` starts.

    Args:
        raw: Its content.
        unit: Its path, whose name is the service's.
        read_file: Reads environment files, drop-ins and Java's files; raises OSError or ValueError.
        drop_ins: What counts after it.

    Raises:
        ConfigurationError: where the service would not start, or a variable of an exporter holds
            what only systemd knows.
    """
    assignments = list(list_assignments(raw.decode("utf-8", "replace"), unit))
    for file in drop_ins:
        try:
            text = read_file(file).decode("utf-8", "replace")
        except (OSError, ValueError) as error:
            reason = f"cannot be read: {explain_unreadable(error)}"
            raise ConfigurationError(reason, file=file) from None
        assignments += list_assignments(text, file)
    service = [one for one in assignments if one.section == "Service"]
    found = UnitSettings()
    for one in _list_effective(service, "Environment"):
        words, _ = split_value(one.value)
        for word in words:
            _set_variable(found, word, one, unit)
    for one in _list_effective(service, "EnvironmentFile"):
        found.variables |= _read_environment_file(one, unit, read_file)
    for one in _list_effective(service, "UnsetEnvironment"):
        for word in split_value(one.value)[0]:
            name, equals, value = word.partition("=")
            if not equals or found.variables.get(name) == value:
                found.variables.pop(name, None)
    _use_credentials(found, service, unit)
    commands = _list_effective(service, "ExecStart")
    if commands:
        _read_command(found, commands[-1], read_file)
    return found


def _list_effective(service: Sequence[Assignment], key: str) -> list[Assignment]:
    """Return the assignments of `key` that count: an empty one takes back those before it."""
    kept: list[Assignment] = []
    for one in service:
        if one.key == key:
            kept = [*kept, one] if one.value else []
    return kept


def _set_variable(found: UnitSettings, word: str, one: Assignment, unit: str) -> None:
    name, equals, value = word.partition("=")
    if not equals or not _NAME.fullmatch(name):
        return
    try:
        found.variables[name] = expand_specifiers(value, unit)
    except UnknownSpecifierError as error:
        if to_variable(name) is not None:
            raise ConfigurationError(
                f"{error}, so that nothing is probed", file=one.file, line=one.line, key=name
            ) from None
        return
    if one.file == unit:
        found.lines[name] = one.line


def _read_environment_file(
    one: Assignment, unit: str, read_file: Callable[[str], bytes]
) -> dict[str, str]:
    optional = one.value.startswith("-")
    try:
        file = expand_specifiers(one.value.removeprefix("-").strip(), unit)
        return read_systemd_env(read_file(file), {})
    except LineError as error:
        raise ConfigurationError(error.reason, file=file, line=error.line or None) from None
    except (OSError, ValueError) as error:
        if optional and isinstance(error, FileNotFoundError):
            return {}
        reason = (
            str(error)
            if isinstance(error, UnknownSpecifierError)
            else f"{describe_path(file)} cannot be read: {explain_unreadable(error)}"
        )
        raise ConfigurationError(
            reason, file=one.file, line=one.line, key="EnvironmentFile"
        ) from None


def _use_credentials(found: UnitSettings, service: Sequence[Assignment], unit: str) -> None:
    """Put the file that a credential is made of in the place of its path while the service runs."""
    directory = f"/run/credentials/{PurePosixPath(unit).name}/"
    loaded = dict(
        one.value.partition(":")[::2] for one in _list_effective(service, "LoadCredential")
    )
    for name, value in found.variables.items():
        path = loaded.get(value.removeprefix(directory), "") if value.startswith(directory) else ""
        if path.startswith("/"):
            found.variables[name] = path


def _read_command(found: UnitSettings, one: Assignment, read_file: Callable[[str], bytes]) -> None:
    words = list(_expand_arguments(split_value(one.value.lstrip("@-:+!|"))[0], found.variables))
    if not words:
        return
    program = PurePosixPath(words[0]).name
    if program == "java":
        _read_java(found, words, read_file)
    elif _COLLECTOR.search(program):
        found.collector = next(_list_collector_files(words[1:]), program)
    elif program in {"sh", "bash", "dash"}:
        found.notes = (
            *found.notes,
            f"ExecStart runs {program}: what that sets by itself is not read",
        )


def _expand_arguments(words: Sequence[str], variables: Mapping[str, str]) -> Iterator[str]:
    """Yield the words of a command: `$NAME` alone becomes several, `${NAME}` a part of one."""
    for word in words:
        if word.startswith("$") and _NAME.fullmatch(word[1:]):
            yield from split_value(variables.get(word[1:], ""))[0]
        else:
            yield _REFERENCE.sub(lambda one: variables.get(one[1], "") if one[1] else "$", word)


def _list_collector_files(words: Sequence[str]) -> Iterator[str]:
    for word, behind in zip(words, (*words[1:], ""), strict=True):
        option, equals, value = word.partition("=")
        if option in ("--config", "-config"):
            yield (value if equals else behind).removeprefix("file:")


def _read_java(
    found: UnitSettings, arguments: Sequence[str], read_file: Callable[[str], bytes]
) -> None:
    options = read_java_options(arguments, found.variables, read_file)
    found.java = True
    properties: dict[str, str] = {}
    if file := find_configuration_file(found.variables, options.properties, "/root"):
        try:
            properties = read_properties(read_file(file))
            note = f"the agent's properties file is {safe_text(describe_path(file))}"
        except (OSError, ValueError) as error:
            note = (
                f"the agent's properties file {safe_text(describe_path(file))} cannot be read "
                f"({safe_text(explain_unreadable(error))}): it counts as empty"
            )
        found.notes = (*found.notes, note)
    found.variables = merge_settings(properties, found.variables, options.properties)
