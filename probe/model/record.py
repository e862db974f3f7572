"""The shape that every record of evidence shares: frozen, by keyword, defaults left out of JSON."""

from msgspec import Struct


class Record(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A plain value between stages that survives a JSON round trip.

    It has no part that could lead back to it, so garbage collection need not look at it.
    """
