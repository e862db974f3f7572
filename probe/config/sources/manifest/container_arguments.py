"""Whether a container runs a Collector, by its image and its command line.

Pure. Arguments that the image itself brings are those of the Collector's own images; what a shell
runs is read as far as it is plain.
"""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from probe.config.sources.process.collector_arguments import names_configuration

_NAME: Final = r"[\w.-]*(?:otelcol|otel-?contribcol|opentelemetry-collector|otel-collector)[\w.-]*"
_IMAGE: Final = re.compile(rf"(?:^|/){_NAME}(?:[:@]|$)")
_PROGRAM: Final = re.compile(rf"{_NAME}|awscollector")
_OFFICIAL: Final = re.compile(
    r"(?:^|/)(?:otel|open-telemetry/opentelemetry-collector-releases)/"
    r"opentelemetry-collector(?:-contrib|-k8s|-otlp)?(?:[:@]|$)"
)
_SHELLS: Final = frozenset({"sh", "bash", "ash", "dash"})
_DEFAULTS: Final = (
    ("contrib", "/etc/otelcol-contrib/config.yaml"),
    ("-k8s", "/etc/otelcol-k8s/config.yaml"),
)
_DEFAULT: Final = "/etc/otelcol/config.yaml"
_ENDS: Final = frozenset({";", "&&", "||", "|", "&"})
_MOST_WORDS: Final = 1000


@dataclass(frozen=True, slots=True)
class CollectorArguments:
    """What the command line of a container says."""

    words: tuple[str, ...] = ()
    """The arguments after the program."""
    is_collector: bool = False
    """Whether image or program say that it is one; else its configuration has to."""
    defaults: tuple[str, ...] = ()
    """What the image reads where the manifest says nothing of it."""


def read_arguments(image: str, command: Sequence[str], args: Sequence[str]) -> CollectorArguments:
    """Return what image, `command` and `args`, expanded, say; without `--config` the image decides."""
    given = (*command, *args)[:_MOST_WORDS]
    words = unwrap_shell(given, _PROGRAM)
    by_image = bool(_IMAGE.search(image))
    has_program = bool(words) and (bool(command) or words is not given)
    by_program = has_program and bool(_PROGRAM.fullmatch(words[0].rpartition("/")[2]))
    rest = words[1:] if has_program else words
    named = names_configuration(("", *rest))
    # Where the image is a Collector's and the command something else, it is one if it is given
    # a configuration: images rename their program.
    is_collector = by_program or (by_image and (not command or named))
    defaults = (_choose_default(image),) if is_collector and not named and not args else ()
    return CollectorArguments(tuple(rest), is_collector, defaults)


def is_official_image(image: str) -> bool:
    """Return whether `image` is one of those that OpenTelemetry publishes of its Collector."""
    return bool(_OFFICIAL.search(image))


def names_collector(arguments: CollectorArguments) -> bool:
    """Return whether the container may be a Collector, which its configuration then shows."""
    return arguments.is_collector or names_configuration(("", *arguments.words))


def _choose_default(image: str) -> str:
    name = image.rpartition("/")[2].partition(":")[0]
    return next((path for part, path in _DEFAULTS if part in name), _DEFAULT)


def unwrap_shell(words: Sequence[str], program: re.Pattern[str]) -> Sequence[str]:
    """Return the words of what `sh -c` runs, from a program of that name on; else `words`."""
    if not words or words[0].rpartition("/")[2] not in _SHELLS:
        return words
    scripts = (words[n + 1] for n, word in enumerate(words[:-1]) if re.fullmatch(r"-\w*c", word))
    try:
        inner = shlex.split(next(scripts, "").replace("\n", " ; ")[:64_000], comments=True)
    except ValueError:
        return words
    for place, word in enumerate(inner):
        if program.fullmatch(word.rpartition("/")[2]):
            rest = enumerate(inner[place:], place)
            end = next((n for n, each in rest if each in _ENDS), len(inner))
            return inner[place:end]
    return words
