"""The catalogue of causes: what the modules of `families` declare, in the order of their ranks."""

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType
from typing import Final

from probe.diagnosis import families
from probe.diagnosis.cause import EVERY_ENDING, Cause
from probe.model.evidence import EndingKind


class Catalogue(Mapping[str, Cause]):
    """Causes by id, in the order that breaks a tie between equally strong matches."""

    def __init__(self, causes: Iterable[Cause]) -> None:
        """Order `causes` by rank; two of the same id raise ValueError."""
        # sorted() is stable: causes of one rank keep the order of their module.
        ordered = sorted(causes, key=lambda cause: cause.rank)
        self._by_id = MappingProxyType({cause.id: cause for cause in ordered})
        if len(self._by_id) < len(ordered):
            raise ValueError("two causes have the same id")
        self._by_ending: Mapping[EndingKind, tuple[Cause, ...]] = {
            kind: tuple(cause for cause in ordered if kind in cause.applies)
            for kind in EVERY_ENDING
        }

    def __getitem__(self, id_: str) -> Cause:
        """Return the cause `id_`."""
        return self._by_id[id_]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the ids, in order."""
        return iter(self._by_id)

    def __len__(self) -> int:
        """Return how many causes there are."""
        return len(self._by_id)

    def select_by_ending(self, kind: EndingKind) -> tuple[Cause, ...]:
        """Return the causes that apply at all to an attempt that ended as `kind`."""
        return self._by_ending[kind]


def collect_causes() -> Iterator[Cause]:
    """Yield what every module of `families` declares as `CAUSES`."""
    for module in iter_modules(families.__path__, f"{families.__name__}."):
        yield from import_module(module.name).CAUSES


CATALOGUE: Final = Catalogue(collect_causes())
"""Every cause by its id."""
