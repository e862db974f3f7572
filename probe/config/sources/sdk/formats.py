"""Which format a file has that an SDK's settings stand in. Pure.

The name decides first, because a program that reads a file does not look at its content either;
where the name says nothing, the content does.
"""

import re
from pathlib import PurePosixPath
from typing import Final

from probe.config.sources.sdk.env_files.env_readers import READERS_BY_ID, choose_reader

FORMATS: Final[dict[str, str]] = {
    "declarative": "the declarative configuration file of an SDK",
    "properties": "the properties file of OpenTelemetry's Java agent",
    "spring": "the configuration of a Spring Boot application",
    "unit": "a unit of systemd",
    "compose": "a file of docker compose",
    **{reader.id: f"an env file as {reader.name} reads it" for reader in READERS_BY_ID.values()},
}
"""By what `format` calls it, what it is."""

_SPRING_NAME: Final = re.compile(r"(?:application|bootstrap)(?:-[^./]+)?\.(?:ya?ml|properties)")
_COMPOSE_NAME: Final = re.compile(r"(?:docker-)?compose(?:[.-][^/]*)?\.ya?ml")
_SERVICES: Final = re.compile(rb"^services:", re.MULTILINE)
_SERVICE: Final = re.compile(rb"^[ \t]+(?:image|build):", re.MULTILINE)
_SPRING_KEY: Final = re.compile(
    rb"^(?:spring|management|otel)[.:\[]|^[\"'](?:spring|management|otel)[\"']:", re.MULTILINE
)
_SPRING_OWN: Final = re.compile(rb"^[ \t]*(?:spring|management)\.", re.MULTILINE)
_SECTION: Final = re.compile(rb"^\[(?:Unit|Service)\][ \t]*$", re.MULTILINE)
_PROPERTY: Final = re.compile(rb"^[ \t]*otel\.[\w.-]+[ \t]*[=: ]", re.MULTILINE)
_VARIABLE: Final = re.compile(rb"^[ \t]*(?:export[ \t]+)?[A-Z_][A-Z0-9_]*[ \t]*=", re.MULTILINE)
_UNITS: Final = frozenset({".service", ".socket", ".timer", ".scope", ".slice"})


def recognise_format(path: str, raw: bytes) -> str:
    """Return the format, a key of FORMATS, of a file of that name and content."""
    name = PurePosixPath(path)
    if _SPRING_NAME.fullmatch(name.name):
        return "spring"
    if name.suffix == ".properties":
        return "spring" if _SPRING_OWN.search(raw) else "properties"
    if _COMPOSE_NAME.fullmatch(name.name) or (_SERVICES.search(raw) and _SERVICE.search(raw)):
        return "compose"
    if name.suffix in {".yaml", ".yml", ".json"}:
        return "spring" if _SPRING_KEY.search(raw) else "declarative"
    if name.suffix in _UNITS or (
        name.suffix == ".conf" and name.parent.suffix == ".d" and _SECTION.search(raw)
    ):
        return "unit"
    if _is_named_env_file(name):
        return choose_reader(path, raw).id
    if _SECTION.search(raw):
        return "unit"
    if _PROPERTY.search(raw):
        return "properties"
    if _VARIABLE.search(raw):
        return choose_reader(path, raw).id
    return "spring" if _SPRING_KEY.search(raw) else "declarative"


def _is_named_env_file(name: PurePosixPath) -> bool:
    return name.suffix in {".env", ".sh", ".bash", ".envrc"} or name.name.startswith(".env")
