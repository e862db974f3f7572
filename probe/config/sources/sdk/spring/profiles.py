"""Which documents of an application's configuration count: `spring.config.activate.on-profile`.

Pure. Follows "Profiles" of Spring Boot 3.5 and ProfilesParser of Spring Framework.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Final

from probe.config.sources.sdk.spring.config_data import ConfigDocument, Name, Setting, make_uniform

ACTIVE: Final = "spring.profiles.active"
_ON_PROFILE: Final = make_uniform("spring.config.activate.on-profile")
_LEGACY: Final = make_uniform("spring.profiles")
_PLATFORM: Final = make_uniform("spring.config.activate.on-cloud-platform")
_TOKEN: Final = re.compile(r"\s*([()&|!]|[^()&|!]+)")
_MOST_NESTED: Final = 32


def list_values(settings: Mapping[Name, Setting], name: str) -> list[str]:
    """Return the items of a list, or those of a text with commas."""
    key = make_uniform(name)
    if key in settings:
        return [part.strip() for part in settings[key].text.split(",") if part.strip()]
    items: list[str] = []
    while (item := settings.get((*key, str(len(items))))) is not None:
        items.append(item.text)
    return items


def find_condition(document: ConfigDocument) -> list[str]:
    """Return the expressions of which one must hold for the document to count; none: always."""
    given = list_values(document.settings, "spring.config.activate.on-profile")
    return given or list_values(document.settings, "spring.profiles")


def counts(document: ConfigDocument, active: Collection[str]) -> bool:
    """Return whether the document counts where the profiles `active` are.

    Raises:
        ValueError: for an expression that is not valid.
    """
    if _PLATFORM in document.settings:
        # Every platform but Kubernetes has long gone.
        return document.settings[_PLATFORM].text.lower() == "kubernetes"
    condition = find_condition(document)
    return not condition or any(holds(each, active) for each in condition)


def choose_profiles(
    documents: Sequence[ConfigDocument], environ: Mapping[str, str], given: Sequence[str]
) -> tuple[str, ...]:
    """Return the active profiles: those `given`, else the environment's, else the files' own."""
    base = [document for document in documents if not find_condition(document)]
    active = list(given)
    if not active:
        text = environ.get("SPRING_PROFILES_ACTIVE", "")
        active = [part.strip() for part in text.split(",") if part.strip()]
    included: list[str] = []
    groups: dict[str, list[str]] = {}
    for document in base:
        if not (given or environ.get("SPRING_PROFILES_ACTIVE")):
            active = list_values(document.settings, ACTIVE) or active
        included += list_values(document.settings, "spring.profiles.include")
        for name in document.settings:
            if name[:3] == ("spring", "profiles", "group") and len(name) > 3:
                members = list_values(document.settings, f"spring.profiles.group.{name[3]}")
                groups[name[3]] = members
    chosen: dict[str, None] = {}
    waiting = [*included, *active]
    while waiting:
        profile = waiting.pop(0)
        if profile not in chosen:
            chosen[profile] = None
            waiting = groups.get("".join(make_uniform(profile)), []) + waiting
    return tuple(chosen) or ("default",)


def holds(expression: str, active: Collection[str]) -> bool:
    """Return whether a profile expression, like `prod & !eu`, holds.

    Raises:
        ValueError: where it is not valid.
    """
    tokens = [token.strip() for token in _TOKEN.findall(expression)]
    tokens = [token for token in tokens if token]
    value, rest = _read_expression(tokens, active.__contains__, 0)
    if rest or not tokens:
        raise ValueError("is not a profile expression")
    return value


def _read_expression(
    tokens: list[str], is_active: Callable[[str], bool], depth: int
) -> tuple[bool, list[str]]:
    if depth > _MOST_NESTED:
        raise ValueError("nests too deep")
    value, tokens = _read_operand(tokens, is_active, depth)
    operator = ""
    while tokens and tokens[0] in "&|":
        if operator and tokens[0] != operator:
            raise ValueError("mixes & and | without parentheses")
        operator = tokens[0]
        other, tokens = _read_operand(tokens[1:], is_active, depth)
        value = value and other if operator == "&" else value or other
    return value, tokens


def _read_operand(
    tokens: list[str], is_active: Callable[[str], bool], depth: int
) -> tuple[bool, list[str]]:
    negated = False
    while tokens and tokens[0] == "!":
        negated, tokens = not negated, tokens[1:]
    if not tokens or tokens[0] in ")&|":
        raise ValueError("is not a profile expression")
    if tokens[0] != "(":
        return is_active(tokens[0]) != negated, tokens[1:]
    value, tokens = _read_expression(tokens[1:], is_active, depth + 1)
    if tokens[:1] != [")"]:
        raise ValueError("has a parenthesis that does not end")
    return value != negated, tokens[1:]


def list_profile_files(path: str, active: Sequence[str]) -> Iterator[str]:
    """Yield the files of profiles that an application reads next to `path`, the weaker ones first."""
    found = re.fullmatch(r"(.*/)?(application|bootstrap)\.(ya?ml|properties)", path)
    if found is None:
        return
    for profile in active:
        if re.fullmatch(r"[\w.@+-]+", profile):
            for suffix in ("yaml", "yml", "properties"):
                yield f"{found[1] or ''}{found[2]}-{profile}.{suffix}"
