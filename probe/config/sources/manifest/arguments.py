"""Whether a container runs a Collector, and what its arguments say of the configuration.

Pure. Follows the Collector's command line (otelcol/flags.go): `--config` names files and other
locations, which merge in their order, `--set` comes last. Arguments that the image itself brings are
those of the Collector's own images; what a shell runs is read as far as it is plain.
"""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_IMAGE: Final = re.compile(
    r"(?:^|/)(?:[\w.-]*(?:otelcol|otel-?contribcol|opentelemetry-collector|otel-collector)[\w.-]*)"
    r"(?:[:@]|$)"
)
_PROGRAM: Final = re.compile(
    r"[\w.-]*(?:otelcol|otelcontribcol|otel-collector|awscollector)[\w.-]*"
)
_SHELLS: Final = frozenset({"sh", "bash", "ash", "dash"})
_DEFAULTS: Final = (
    ("-contrib", "/etc/otelcol-contrib/config.yaml"),
    ("-k8s", "/etc/otelcol-k8s/config.yaml"),
    ("contribcol", "/etc/otelcol-contrib/config.yaml"),
)
_DEFAULT: Final = "/etc/otelcol/config.yaml"
_MOST_WORDS: Final = 1000


@dataclass(frozen=True, slots=True)
class CollectorArguments:
    """What the command line of a container says."""

    configs: tuple[str, ...] = ()
    """Locations, in their order: a path, or `scheme:rest`."""
    settings: tuple[str, ...] = ()
    """Those of `--set`: `key=value`."""
    is_collector: bool = False
    """Whether image or program say that it is one; else its configuration has to."""
    named: bool = False
    """Whether the manifest names the locations; else they are the image's own."""


def read_arguments(image: str, command: Sequence[str], args: Sequence[str]) -> CollectorArguments:
    """Return what image, `command` and `args`, expanded, say."""
    words = [*command, *args][:_MOST_WORDS]
    words = _unwrap_shell(words)
    program = words[0].rpartition("/")[2] if command and words else ""
    by_image = bool(_IMAGE.search(image)) and not command
    configs: list[str] = []
    settings: list[str] = []
    rest = iter(words)
    for word in rest:
        for flag, found in (("config", configs), ("set", settings)):
            if word in (f"--{flag}", f"-{flag}"):
                found.append(next(rest, ""))
            elif word.startswith((f"--{flag}=", f"-{flag}=")):
                found.append(word.partition("=")[2])
    is_collector = by_image or bool(program and _PROGRAM.fullmatch(program))
    # An image of a Collector whose program is named anew is one still.
    is_collector = is_collector or bool(_IMAGE.search(image) and configs)
    named = bool(configs)
    if is_collector and not configs and not args:
        configs.append(_choose_default(image))
    return CollectorArguments(
        tuple(filter(None, configs)), tuple(filter(None, settings)), is_collector, named
    )


def _choose_default(image: str) -> str:
    name = image.rpartition("/")[2].partition(":")[0]
    return next((path for part, path in _DEFAULTS if part in name), _DEFAULT)


def _unwrap_shell(words: list[str]) -> list[str]:
    """Return the words of what `sh -c` runs, from the program of a Collector on; else `words`."""
    if not words or words[0].rpartition("/")[2] not in _SHELLS:
        return words
    script = next(
        (words[n + 1] for n, word in enumerate(words[:-1]) if re.fullmatch(r"-\w*c", word)), ""
    )
    try:
        inner = shlex.split(script.replace("\n", " ; ")[:64_000], comments=True)
    except ValueError:
        return words
    for place, word in enumerate(inner):
        if _PROGRAM.fullmatch(word.rpartition("/")[2]):
            end = next(
                (
                    n
                    for n, each in enumerate(inner[place:], place)
                    if each in {";", "&&", "||", "|", "&"}
                ),
                len(inner),
            )
            return inner[place:end]
    return words
