"""The targets of a compose file: what its services would export to, with the files that they would see.

Pure but for the readers that are passed in. Follows compose-go 2.16: variables of the environment
and of `.env` are replaced, `environment` comes over `env_file`.
"""

import posixpath
import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from probe.config.errors import ConfigurationError, NotProbedError, explain_unreadable
from probe.config.location import Location
from probe.config.source_content import SourceContent
from probe.config.sources.compose.extended import follow_extends
from probe.config.sources.compose.mounted_files import HostFiles, make_container
from probe.config.sources.manifest.container_arguments import names_collector, read_arguments
from probe.config.sources.manifest.container_collector import find_texts, read_texts
from probe.config.sources.manifest.container_sdk import has_sdk, read_sdk
from probe.config.sources.manifest.container_variables import Variables
from probe.config.sources.manifest.objects import Node, Problems
from probe.config.sources.manifest.place import Place
from probe.config.sources.manifest.pods import ContainerSpec
from probe.config.sources.sdk.env_files.compose_env import read_compose_env, substitute
from probe.config.sources.sdk.env_files.docker_env import read_docker_env
from probe.config.sources.sdk.env_files.line_error import LineError
from probe.config.yaml_document import parse_yaml
from probe.model.known_secrets import key_secrets
from probe.model.target import Secret, Target
from probe.text.safe_text import safe_text

_LARGEST_KEY: Final = 64 * 1024
_NOTHING: Final = (
    "none of its services has an OTEL_EXPORTER_OTLP_* variable or is a Collector whose configuration "
    "it mounts; include, and extends of another file, are not followed"
)


def read_compose(
    raw: bytes,
    file: str,
    environ: Mapping[str, str],
    exporter: str,
    read_file: Callable[[str], bytes],
    list_directory: Callable[[str], Sequence[str]],
) -> SourceContent:
    """Return the targets of all services.

    Args:
        raw: The file's content.
        file: Its path; others are relative to its directory.
        environ: What variables are looked up in first.
        exporter: Whose verdict counts where the language of a service is not known.
        read_file: Reads the files that it names; raises OSError or ValueError.
        list_directory: Returns the names in a directory; raises OSError.

    Raises:
        ConfigurationError: where compose could not read it either.
    """
    files = HostFiles(posixpath.dirname(file) or ".", read_file, list_directory)
    known = {**_read_project(files, environ), **environ}
    document = parse_yaml(raw, file, plain=_read_plain)
    problems = Problems()
    value = _replace_references(document.value, Location(document), known)
    if isinstance(value, dict) and "services" in value:
        value = {**value, "services": follow_extends(value["services"])}
    top = Node(value, Location(replace(document, value=value)), problems)
    targets: list[Target] = []
    secrets: dict[Secret, None] = {}
    unprobed: list[str] = []
    services = list(top["services"].entries())
    for name, service in services:
        try:
            content = _read_service(name, service, top, files, known, exporter)
        except NotProbedError as error:
            unprobed.append(f"service {safe_text(name, 63)}: {error}")
        except ConfigurationError as error:
            problems.add(error)
        else:
            secrets |= dict.fromkeys(content.secrets)
            targets += (_finish(target, name, dict(services)) for target in content.targets)
            for each in content.errors:
                problems.add(each)
    empty = "" if targets or unprobed or problems.list() else _NOTHING
    errors = [ConfigurationError(f"not probed: {text}", file=file) for text in unprobed]
    return SourceContent(targets=tuple(targets), errors=(*errors, *problems.list()), empty=empty)


def _read_service(
    name: str,
    service: Node,
    top: Node,
    files: HostFiles,
    known: Mapping[str, str],
    exporter: str,
) -> SourceContent:
    title = f"service {safe_text(name, 63)}"
    variables = Variables()
    for key, text in _list_variables(service, files, known).items():
        variables.set(key, text)
    container = make_container(title, service, top, files)
    spec = ContainerSpec(
        name=name,
        image=service["image"].text,
        working_directory=service["working_dir"].text,
    )
    place = Place(title, spec, container, variables, {}, {})
    entry, command = (_split_command(service[key]) for key in ("entrypoint", "command"))
    arguments = read_arguments(spec.image, entry, command)
    if names_collector(arguments):
        texts = find_texts(place, arguments)
        if texts is not None:
            return _place(read_texts(texts.texts, place), place)
    sdk = has_sdk(place, (*entry, *command))
    extends = service["extends"]
    elsewhere = extends["file"].text if isinstance(extends.value, dict) else ""
    if elsewhere and (sdk or names_collector(arguments)):
        raise NotProbedError(
            f"it extends a service of {safe_text(elsewhere)}, which is not followed"
        )
    if sdk:
        return _place(read_sdk(place, (*entry, *command), exporter), place)
    return SourceContent()


def _place(content: SourceContent, place: Place) -> SourceContent:
    targets = tuple(
        replace(
            target,
            runs_in=place.container,
            sources=tuple(replace(one, container=place.title) for one in target.sources),
        )
        for target in content.targets
    )
    keys = (
        key
        for one in place.container.files
        if b"PRIVATE KEY" in one.content and len(one.content) < _LARGEST_KEY
        for key in key_secrets(one.content.decode("utf-8", "replace"))
    )
    return replace(content, targets=targets, secrets=tuple(map(Secret, dict.fromkeys(keys))))


def _finish(target: Target, name: str, services: Mapping[str, Node]) -> Target:
    notes = target.notes
    if target.endpoint.host in services:
        notes = (
            *notes,
            f"{target.endpoint.host} is a service of the compose file: its name leads there from "
            "within its network only",
        )
    if target.endpoint.host.lower() in ("localhost", "127.0.0.1", "::1"):
        notes = (
            *notes,
            "within the container, localhost is the container itself: this attempt went to localhost "
            "of the host that runs the probe",
        )
    return replace(target, name=f"{safe_text(name, 63)}: {target.name}", notes=notes)


def _read_project(files: HostFiles, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of `.env` next to the file."""
    with suppress(OSError, ValueError):
        return read_compose_env(files.read_file(files.locate(".env")), environ)
    return {}


def _list_variables(service: Node, files: HostFiles, known: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that the container gets.

    Raises:
        ConfigurationError: for an env file that cannot be read.
    """
    found: dict[str, str] = {}
    named = service["env_file"]
    for one in named.items() if isinstance(named.value, list) else (named,) if named else ():
        path = one.value if isinstance(one.value, str) else one["path"].text
        raw_format = not isinstance(one.value, str) and one["format"].text == "raw"
        reader = read_docker_env if raw_format else read_compose_env
        host = files.locate(path)
        try:
            found |= reader(files.read_file(host), known)
        except LineError as error:
            raise ConfigurationError(error.reason, file=host, line=error.line or None) from None
        except (OSError, ValueError) as error:
            if not isinstance(one.value, str) and one["required"].value == "false":
                continue
            reason = f"cannot be read: {explain_unreadable(error)}"
            raise one.at.error(reason, found=host) from None
    environment = service["environment"]
    if isinstance(environment.value, list):
        pairs = [(*one.text.partition("=")[::2], "=" in one.text) for one in environment.items()]
    else:
        pairs = [(key, node.text, bool(node)) for key, node in environment.entries()]
    for key, text, given in pairs:
        if given:
            found[key] = text
        elif key in known:
            found[key] = known[key]
    return found


def _split_command(node: Node) -> tuple[str, ...]:
    if isinstance(node.value, list):
        return tuple(one.text for one in node.items())
    try:
        return tuple(shlex.split(node.text))
    except ValueError:
        raise node.at.error("is not a command: a quoted text does not end") from None


def _read_plain(text: str) -> str | None:
    return None if text in {"", "~", "null", "Null", "NULL"} else text


def _replace_references(value: Any, location: Location, known: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        if "$" not in value:
            return value
        try:
            return substitute(value, known.get)
        except ValueError as error:
            raise location.error(str(error)) from None
    if isinstance(value, dict):
        return {key: _replace_references(item, location[key], known) for key, item in value.items()}
    if isinstance(value, list):
        return [
            _replace_references(item, location[place], known) for place, item in enumerate(value)
        ]
    return value
