"""Times that watch how they are used: in which bounds everything that was asked stays as it is. Pure.

A rule compares times, takes differences of them and writes some of them down. Given watched times
in their place, it says by the same code what it depends on: each answer narrows the bounds of a sum
of times. What cannot be put into bounds is refused, so that nothing is missed.
"""

import operator
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from math import floor, inf, isfinite, isinf
from typing import Any, Final, TypeAlias

MARGIN: Final = 1e-3
"""Seconds next to a bound that count as beyond it: floats of a time of day are less exact than they
are written, and runtimes differ in whether a bound belongs to the validity."""

_FIXED_POINT: Final = re.compile(r"\+?\.(\d)f")
_Terms: TypeAlias = tuple[tuple[int, float], ...]
"""Places of times, in order, and their factors: a sum. In bounds the first factor is 1."""
Bounds: TypeAlias = tuple[tuple[_Terms, float, float], ...]
"""Sums of times, and between what each must lie."""


class UnwatchableError(Exception):
    """A watched time is used in a way that cannot be put into bounds."""


class Watch:
    """The bounds of the times that it gives out."""

    def __init__(self, values: Sequence[float]) -> None:
        """Take the values that the times have.

        Raises:
            UnwatchableError: where one of them is not finite.
        """
        if not all(map(isfinite, values)):
            raise UnwatchableError
        self._values = values
        self._bounds: dict[_Terms, tuple[float, float]] = {}

    def list_times(self) -> list[Any]:
        """Return a watched time for each value; they stand in for floats."""
        return [WatchedTime(self, ((place, 1.0),), 0.0) for place in range(len(self._values))]

    @property
    def bounds(self) -> Bounds:
        """What was asked so far depends on nothing else."""
        return _share(tuple((terms, low, high) for terms, (low, high) in self._bounds.items()))

    def sum(self, terms: _Terms) -> float:
        """Return the sum of `terms` now."""
        return _sum(terms, self._values)

    def narrow(self, terms: _Terms, low: float, high: float) -> None:
        """Note that the sum of `terms` has to stay between `low` and `high`.

        Raises:
            UnwatchableError: where it is so near to one of them that the answer may be of either side.
        """
        first = terms[0][1]
        low, high = sorted((low / first, high / first))
        terms = tuple((place, factor / first) for place, factor in terms)
        low, high = low + MARGIN, high - MARGIN
        if not low < self.sum(terms) < high:
            raise UnwatchableError
        known = self._bounds.get(terms, (-inf, inf))
        self._bounds[terms] = max(known[0], low), min(known[1], high)


@lru_cache(maxsize=512)
def _share(bounds: Bounds) -> Bounds:
    """Return the same object for equal bounds: targets with the same files and backend have them."""
    return bounds


def _refuse(_time: object, *_arguments: object) -> Any:
    raise UnwatchableError


def _compare(ask: Callable[[float, float], bool]) -> Callable[["WatchedTime", Any], bool]:
    """Return the comparison `ask` of a watched time."""

    def compare(time: "WatchedTime", other: Any) -> bool:
        if isinstance(other, float) and isinf(other):
            return ask(0.0, other)  # whatever the time is
        difference = time - other
        if not isinstance(difference, WatchedTime):
            return ask(difference, 0.0)
        value = difference.value
        difference.stay_within(*((-inf, 0.0) if value < 0 else (0.0, inf)))
        return ask(value, 0.0)

    return compare


class WatchedTime:
    """A sum of times and a constant that is used like a float."""

    __slots__ = ("constant", "terms", "watch")

    def __init__(self, watch: Watch, terms: _Terms, constant: float) -> None:
        """Stand for the sum of `terms` and `constant`."""
        self.watch = watch
        self.terms = terms
        self.constant = constant

    @property
    def value(self) -> float:
        """What it is now; whoever uses that says with `stay_within` how far it matters."""
        return self.watch.sum(self.terms) + self.constant

    def stay_within(self, low: float, high: float) -> None:
        """Note that what was asked holds between `low` and `high`."""
        self.watch.narrow(self.terms, low - self.constant, high - self.constant)

    def __add__(self, other: Any) -> Any:
        """Add a number or another time; what does not depend on time any more is a float."""
        if not isinstance(other, WatchedTime):
            return WatchedTime(self.watch, self.terms, self.constant + _require_plain(other))
        factors = dict(self.terms)
        for place, factor in other.terms:
            factors[place] = factors.get(place, 0.0) + factor
        terms = tuple(sorted((place, factor) for place, factor in factors.items() if factor))
        constant = self.constant + other.constant
        return WatchedTime(self.watch, terms, constant) if terms else constant

    def __mul__(self, other: Any) -> Any:
        """Multiply with a number that is not 0."""
        if not (factor := _require_plain(other)):
            raise UnwatchableError
        terms = tuple((place, each * factor) for place, each in self.terms)
        return WatchedTime(self.watch, terms, self.constant * factor)

    def __neg__(self) -> Any:
        """Return the opposite."""
        return self * -1.0

    def __sub__(self, other: Any) -> Any:
        """Subtract a number or another time."""
        return self + -other

    def __rsub__(self, other: Any) -> Any:
        """Subtract it from a number."""
        return -self + other

    def __abs__(self) -> Any:
        """Return its size; the sign is asked for only where it matters."""
        return _Size(self)

    def __floordiv__(self, other: Any) -> float:
        """Divide by a number; the whole part is a float that holds until the next one is reached."""
        quotient = self * (1.0 / _require_plain(other))
        whole = float(floor(quotient.value))
        quotient.stay_within(whole, whole + 1.0)
        return whole

    def __format__(self, spec: str) -> str:
        """Write it with a fixed number of decimals: what rounds to the same is the same."""
        if (found := _FIXED_POINT.fullmatch(spec)) is None:
            raise UnwatchableError
        text = format(self.value, spec)
        half, shown = 0.5 * 10.0 ** -int(found[1]), float(text)
        self.stay_within(shown - half, shown + half)
        _ = self < 0.0  # the sign is written too, also that of a 0
        return text

    def __eq__(self, other: object) -> bool:
        """Compare it with itself alone: a bound for equality would have no width."""
        return self is other or _refuse(self)

    __radd__, __rmul__ = __add__, __mul__
    __lt__, __le__ = _compare(operator.lt), _compare(operator.le)
    __gt__, __ge__ = _compare(operator.gt), _compare(operator.ge)
    __bool__ = __str__ = __repr__ = _refuse

    def __hash__(self) -> int:
        """Refuse: what is looked up by it could be anything."""
        raise UnwatchableError


def _compare_size(ask: Callable[[Any, Any], bool]) -> Callable[["_Size", Any], bool]:
    """Return the comparison `ask` of a size: below a limit, the time may lie on either side of 0."""

    def compare(size: "_Size", limit: Any) -> bool:
        time = size.time
        if ask(0.0, 1.0) == (answer := ask(size.signed, limit)):
            _ = ask(time, limit), ask(-time, limit)
        return answer

    return compare


class _Size:
    """The size of a watched time: to be compared, divided into whole parts, and written."""

    __slots__ = ("time",)

    def __init__(self, time: WatchedTime) -> None:
        self.time = time

    @property
    def signed(self) -> WatchedTime:
        return self.time if self.time.value >= 0 else -self.time

    def __floordiv__(self, other: Any) -> Any:
        _ = self.time < 0.0
        return self.signed // other

    def __format__(self, spec: str) -> str:
        _ = self.time < 0.0
        return format(self.signed, spec)

    __lt__, __le__ = _compare_size(operator.lt), _compare_size(operator.le)
    __gt__, __ge__ = _compare_size(operator.gt), _compare_size(operator.ge)
    __eq__ = __bool__ = __str__ = __repr__ = _refuse  # and so it has no hash


def is_within(bounds: Bounds, values: Sequence[float]) -> bool:
    """Return whether what had `bounds` stays as it is with other `values` of its times."""
    for terms, low, high in bounds:  # noqa: SIM110 - at each attempt; a generator costs twice as much
        if not low < _sum(terms, values) < high:
            return False
    return True


def _sum(terms: _Terms, values: Sequence[float]) -> float:
    total = 0.0
    for place, factor in terms:
        total += values[place] * factor
    return total


def _require_plain(number: Any) -> float:
    if type(number) not in {int, float}:
        raise UnwatchableError
    return float(number)
