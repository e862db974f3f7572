"""A measured figure, its limit, and the table of them: what every part of `make bench` yields.

A part is a module of this folder with `measure(settings)`, which yields figures, and the last
lines `if __name__ == "__main__": sys.exit(show(measure))`, so that it also runs alone. Limits are
for ratios wherever two sides can be measured in one run: they hold on every machine.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import msgspec

COLLECT: Final = "BENCH_FIGURES"
"""The variable that names the file which a part of a whole run adds its figures to."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. Where it has a ratio, the limit is the ratio's."""

    name: str
    value: float
    unit: str
    sides: str = ""
    """What the ratio divides by what."""
    ratio: float | None = None
    limit: float | None = None
    """The most that is allowed; None: shown only."""

    @property
    def is_ok(self) -> bool:
        """Whether it is within its limit."""
        judged = self.value if self.ratio is None else self.ratio
        return self.limit is None or judged <= self.limit

    def row(self) -> tuple[str, ...]:
        """Return its cells in the table."""
        return (
            self.name,
            f"{amount(self.value)} {self.unit}".rstrip(),
            "" if self.ratio is None else f"{self.ratio:.2f}",
            self.sides,
            "" if self.limit is None else amount(self.limit),
            "" if self.limit is None else "ok" if self.is_ok else "OVER",
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """How to measure."""

    quick: bool = False
    """Whether two minutes have to do, for all parts together."""
    blackbox: Path | None = None
    ssl_exporter: Path | None = None
    """The peers' programs, where there are any."""

    @classmethod
    def read(cls) -> Self:
        """Return what the variables QUICK, BLACKBOX and SSL_EXPORTER ask for."""
        return cls(
            quick=os.environ.get("QUICK", "0") not in {"", "0"},
            blackbox=_program("BLACKBOX"),
            ssl_exporter=_program("SSL_EXPORTER"),
        )


def _program(variable: str) -> Path | None:
    name = os.environ.get(variable)
    return Path(name).resolve() if name else None


def amount(number: float) -> str:
    """Return a number with three or four digits that mean something."""
    if abs(number) >= 1000:
        return f"{number:,.0f}"
    return f"{number:.0f}" if abs(number) >= 100 else f"{number:.3g}"


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as an aligned table."""
    rows = [("figure", "value", "ratio", "of", "limit", "ok"), *(each.row() for each in figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return "\n".join(lines)


def show(measure: Callable[[Settings], Iterable[Figure]]) -> int:
    """Measure, and print the table or leave the figures to the whole run; return the exit code."""
    figures = list(measure(Settings.read()))
    if collected := os.environ.get(COLLECT):
        with Path(collected).open("ab") as file:
            file.writelines(msgspec.json.encode(each) + b"\n" for each in figures)
    else:
        print(table(figures))
    return 0 if all(each.is_ok for each in figures) else 1
