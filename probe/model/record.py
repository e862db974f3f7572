"""The shape that every record of evidence shares: frozen, by keyword, defaults left out of JSON."""

from msgspec import Struct


class Record(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A plain value between stages that survives a JSON round trip."""
