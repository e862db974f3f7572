"""Services that extend another one of the same file, as compose merges them. Pure."""

from collections.abc import Mapping
from typing import Any, Final

_APPENDED: Final = ("env_file", "volumes", "secrets", "configs")
"""Lists that add to those of the extended service; a later entry wins where both name one thing."""
_DEEPEST: Final = 16


def follow_extends(services: Any) -> Any:
    """Return `services` with what those of the same file give them; other files are not followed."""
    if not isinstance(services, dict):
        return services
    return {name: _merge(name, services) for name in services}


def _merge(name: str, services: Mapping[str, Any], depth: int = 0) -> Any:
    own = services[name]
    if not isinstance(own, dict) or depth > _DEEPEST:
        return own
    named = own.get("extends")
    base = named.get("service") if isinstance(named, dict) and not named.get("file") else named
    if not isinstance(base, str) or base not in services or base == name:
        return own
    given = _merge(base, services, depth + 1)
    if not isinstance(given, dict):
        return own
    merged = {**given, **own}
    for key in _APPENDED:
        if key in given and key in own:
            merged[key] = [*_list(given[key]), *_list(own[key])]
    if "environment" in given and "environment" in own:
        merged["environment"] = {**_map(given["environment"]), **_map(own["environment"])}
    return merged


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _map(environment: Any) -> dict[str, Any]:
    """Return an environment as a mapping; what has no value is taken from the project."""
    if isinstance(environment, dict):
        return environment
    pairs = (one.partition("=") for one in _list(environment) if isinstance(one, str))
    return {key: value if equals else None for key, equals, value in pairs}
