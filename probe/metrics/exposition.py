"""Lines of the Prometheus text format 0.0.4 and of OpenMetrics 1.0, rendered from plain values.

Both formats write a gauge's, counter's or info metric's sample the same way; only the metadata
differ, so a sample is rendered once and serves both. Every label value passes `safe_text`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import isnan
from typing import Final, Literal

from probe.text.safe_text import safe_text

TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"

_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_MAX_DIGITS: Final = 2.0**53


Kind = Literal["gauge", "counter", "info", "histogram"]


@dataclass(frozen=True, slots=True)
class Family:
    """A metric family; `name` is that of its samples, `_total` and `_info` included."""

    name: str
    kind: Kind
    documentation: str
    labels: tuple[str, ...] = ()
    when: str = ""
    """The condition under which it has samples; empty: always."""

    def metadata(self, *, openmetrics: bool) -> bytes:
        """Return the HELP and TYPE lines.

        OpenMetrics names a counter's and an info's family without the suffix; the text format
        has no info, there it is a gauge.
        """
        name, kind = self.name, self.kind
        if openmetrics:
            suffix = {"counter": "_total", "info": "_info"}.get(kind, "")
            name = name.removesuffix(suffix)
        elif kind == "info":
            kind = "gauge"
        return f"# HELP {name} {self.documentation}\n# TYPE {name} {kind}\n".encode()


def format_number(value: float) -> str:
    """Return `value` in full: a time of day or a count never turns into an exponent."""
    if value.is_integer() and abs(value) < _MAX_DIGITS:
        return str(int(value))
    if isnan(value):
        return "NaN"
    if value in {float("inf"), float("-inf")}:
        return "+Inf" if value > 0 else "-Inf"
    return repr(value)


def format_labels(pairs: Iterable[tuple[str, str]]) -> str:
    r"""Return `a="x",b="y"` with values that are safe to show and escaped (\\, \" and \n)."""
    return ",".join([f'{name}="{safe_text(value).translate(_ESCAPES)}"' for name, value in pairs])


def wants_openmetrics(accept: str) -> bool:
    """Return whether an Accept header (RFC 9110 §12.5.1) prefers OpenMetrics 1.0 to the text format.

    A scraper that names a version other than 1.0.0 or 0.0.1 (which 1.0.0 satisfies) gets the text
    format.
    """
    openmetrics = text = 0.0
    for choice in accept.split(","):
        media, *rest = (part.strip().lower() for part in choice.split(";"))
        parameters = dict(part.partition("=")[::2] for part in rest)
        quality = _quality(parameters.get("q", "1"))
        if media == "application/openmetrics-text":
            if parameters.get("version", "1.0.0").strip('"') in {"1.0.0", "0.0.1"}:
                openmetrics = max(openmetrics, quality)
        elif media == "text/plain":
            text = max(text, quality)
    return openmetrics > 0 and openmetrics >= text


def _quality(text: str) -> float:
    try:
        quality = float(text)
    except ValueError:
        return 0.0
    return quality if 0 <= quality <= 1 else 0.0
