"""What the keys of the configuration file may be, besides their types: names, forms, what excludes what.

The loader judges the same where values become a `Configuration`; a test compares the two.
"""

from typing import Any, Final

from probe.config import schema
from probe.config.check_settings import PAIRS, RESERVED_LABELS
from probe.config.sources.sdk.formats import FORMATS
from probe.diagnosis.catalogue import CATALOGUE
from probe.model import tls_names
from probe.model.runtime import EXPORTERS
from probe.model.target import ADDRESSES, DEPTHS, PROTOCOLS, SIGNALS
from probe.schemas.struct_texts import Struct

REFERENCE: Final = r"\$\{"
"""In a text: part of it is replaced, and only the loader knows by what."""
WHOLE_REFERENCE: Final = r"^\$\{[\s\S]*\}$"
"""A text in place of any other value: what YAML makes of what it refers to counts."""

_NUMBER: Final = r"([0-9]+(\.[0-9]*)?|\.[0-9]+)"
_DURATION: Final = rf"^\+?({_NUMBER}(ns|us|\u00b5s|\u03bcs|ms|s|m|h|d|w))+$"
_MORE_THAN_ZERO: Final = {"pattern": rf"^(?=.*[1-9]){_DURATION[1:]}"}
_NOT_NEGATIVE: Final = {"pattern": rf"{_DURATION}|^[-+]?0$"}
_HELD: Final = {"not": {"type": "null"}}
_NAMED: Final[dict[str, Any]] = {"not": {"enum": [None, "", []]}}
_LABELS: Final = {
    "propertyNames": {
        "pattern": r"^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$",
        "not": {"enum": list(RESERVED_LABELS)},
    }
}


def _choose(*values: str) -> dict[str, Any]:
    return {"enum": list(values)}


_OF_KEYS: Final[dict[tuple[Struct, str], dict[str, Any]]] = {
    (schema.DefaultsEntry, "protocol"): _choose(*PROTOCOLS),
    (schema.DefaultsEntry, "signal"): _choose(*SIGNALS),
    (schema.DefaultsEntry, "exporter"): _choose(*EXPORTERS),
    (schema.DefaultsEntry, "depth"): _choose(*DEPTHS),
    (schema.DefaultsEntry, "addresses"): _choose(*ADDRESSES),
    (schema.DefaultsEntry, "interval"): _MORE_THAN_ZERO,
    (schema.DefaultsEntry, "timeout"): _MORE_THAN_ZERO,
    (schema.DefaultsEntry, "proxy_url"): {"pattern": "^$|^[hH][tT][tT][pP]://"},
    (schema.DefaultsEntry, "headers"): {
        "propertyNames": {"pattern": r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"}
    },
    (schema.DefaultsEntry, "labels"): _LABELS,
    (schema.TlsEntry, "min_version"): _choose("", *tls_names.VERSIONS),
    (schema.TlsEntry, "max_version"): _choose("", *tls_names.VERSIONS),
    (schema.TlsEntry, "cipher_suites"): _choose(*tls_names.SUITES),
    (schema.TlsEntry, "curve_preferences"): _choose(*tls_names.CURVES),
    (schema.TlsEntry, "reload_interval"): {"pattern": rf"^$|{_NOT_NEGATIVE['pattern']}"},
    (schema.TlsEntry, "tpm"): {"enum": [None, {}, {"enabled": False}]},
    (schema.TargetEntry, "endpoint"): {
        "pattern": r"^\s*([hH][tT][tT][pP][sS]?://[^\s/@]|(?!.*://)[^\s@'\"/])"
    },
    (schema.ExpectEntry, "cause"): _choose(*CATALOGUE),
    (schema.ExpectEntry, "until"): {
        "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
    },
    (schema.SdkEntry, "format"): _choose("", *FORMATS),
    (schema.ProcessEntry, "command"): {"pattern": r"^$|\S"},
    (schema.ClockSourceEntry, "http"): {"pattern": "^[hH][tT][tT][pP][sS]?://"},
    (schema.ClockSourceEntry, "sntp"): {"pattern": "^[^/?#@]+$"},
    (schema.ClockEntry, "tolerance"): _NOT_NEGATIVE,
    (schema.WebEntry, "hosts"): {"pattern": r"^(\*\.)?[^\s:/.*]+(\.[^\s:/.*]+)*\.?$"},
    (schema.ShardEntry, "index"): {"pattern": "-[0-9]+$"},
    (schema.AlertsEntry, "expiry_warning"): _MORE_THAN_ZERO,
    (schema.AlertsEntry, "expiry_critical"): _MORE_THAN_ZERO,
    (schema.AlertsEntry, "hold"): _MORE_THAN_ZERO,
}
"""Of a key with text: what the text is, or each text of a list. Of a key with a mapping: its names."""


def _require_one(*keys: str, empty: tuple[Any, ...] = (None,)) -> dict[str, Any]:
    """Return that exactly one of `keys` holds something."""
    held = {"not": {"enum": list(empty)}}
    return {"oneOf": [{"required": [key], "properties": {key: held}} for key in keys]}


_OF_MAPPINGS: Final[dict[Struct, dict[str, Any]]] = {
    schema.FileEntry: {
        "anyOf": [
            {
                "required": [key],
                "properties": {key: {"not": {"enum": [None, [], {}]}}},
            }
            for key in ("targets", "sources", "modules")
        ]
    },
    schema.TlsEntry: {
        "not": {
            "anyOf": [
                {"required": [*pair], "properties": dict.fromkeys(pair, _NAMED)} for pair in PAIRS
            ]
        }
    },
    schema.ExpectEntry: {
        **_require_one("cause", "client_certificate_requested"),
        "if": {"required": ["until"], "properties": {"until": _HELD}},
        "then": {"required": ["cause"], "properties": {"cause": _HELD}},
    },
    schema.SourceEntry: _require_one(*schema.SourceEntry.__struct_fields__, empty=(None, "", [])),
    schema.ProcessEntry: _require_one("pid", "command", empty=(None, "")),
    schema.ClockSourceEntry: _require_one("http", "sntp"),
    schema.ShardEntry: {
        "if": {"required": ["count"], "properties": {"count": {"type": "integer", "minimum": 2}}},
        "then": {"required": ["index"], "properties": {"index": _HELD}},
    },
}
"""What the keys of a mapping mean together."""


def limit_key(struct: Struct, key: str) -> dict[str, Any]:
    """Return what `key` of `struct` may hold, besides its type; a base's limits hold too."""
    found = (_OF_KEYS[base, key] for base in struct.__mro__ if (base, key) in _OF_KEYS)
    return next(found, {})


def limit_mapping(struct: Struct) -> dict[str, Any]:
    """Return what the keys of `struct` mean together."""
    return _OF_MAPPINGS.get(struct, {})
