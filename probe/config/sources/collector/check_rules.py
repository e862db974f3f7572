"""What the Validate methods of a Collector's configuration types refuse beyond single values.

Pure. One function for each Go type, by its name in the table of known components; what a single
value must be stands in the table. Read from the Collector's sources (v0.162.0).
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from probe.config.expand import Unresolved

UNKNOWN: Final = Unresolved("")
"""Stands for what could not be read: whatever is asked of it is true."""

Refusal = tuple[tuple[str | int, ...], str, str]
"""The keys below the value, what is wrong, and the Collector's words."""

_VERSIONS: Final = ("", "1.0", "1.1", "1.2", "1.3")
_BALANCERS: Final = (
    "",
    "round_robin",
    "pick_first",
    "weighted_round_robin",
    "least_request_experimental",
)
_ACTIONS: Final = ("insert", "update", "upsert", "delete", "hash", "extract", "convert")
_ACTION_SOURCES: Final = ("value", "from_attribute", "from_context", "default_value")
_RESOURCE_KEYS: Final = (
    "attributes",
    "attributes_list",
    "detectors",
    "detection/development",
    "schema_url",
)
_ENDPOINT_PORT: Final = re.compile(r"(?:\[[^\[\]]*\]|[^:\[\]]*):([^:\[\]]*)")


def is_known(*values: Any) -> bool:
    """Return whether every one of `values` could be read."""
    return not any(isinstance(value, Unresolved) for value in values)


def check_rules(type_name: str, value: Any) -> Iterator[Refusal]:
    """Yield what the Validate of the Go type `type_name` refuses of `value`, decoded."""
    rule = _RULES.get(type_name)
    if rule is not None and isinstance(value, dict):
        yield from rule(_Known(value))


class _Known(dict[str, Any]):
    """A decoded mapping; a key that is not there could not be read."""

    def __missing__(self, key: str) -> Unresolved:
        return UNKNOWN


def _check_tls(value: _Known) -> Iterator[Refusal]:
    for name, words in (
        ("ca", "provide either a CA file or the PEM-encoded string, but not both"),
        ("cert", "provide either certificate file or PEM, but not both"),
        ("key", "provide either key file or PEM, but not both"),
    ):
        file, pem = value[f"{name}_file"], value[f"{name}_pem"]
        if is_known(file, pem) and file and pem:
            yield (f"{name}_pem",), f"excludes {name}_file", words
    halves = [(value[f"{name}_file"], value[f"{name}_pem"]) for name in ("cert", "key")]
    if is_known(*halves[0], *halves[1]):
        has_cert, has_key = (any(half) for half in halves)
        if has_cert != has_key:
            missing = "key_file" if has_cert else "cert_file"
            words = "TLS configuration must include both certificate and key"
            yield (
                (missing,),
                "is missing: a certificate needs its key, and a key its certificate",
                words,
            )
    lowest, highest = value["min_version"], value["max_version"]
    for key, version in (("min_version", lowest), ("max_version", highest)):
        if is_known(version) and version not in _VERSIONS:
            yield (
                (key,),
                "is not 1.0, 1.1, 1.2 or 1.3",
                f"invalid TLS {key}: unsupported TLS version",
            )
    if lowest in _VERSIONS and highest in _VERSIONS and highest and highest < (lowest or "1.2"):
        yield (
            ("max_version",),
            "is below min_version",
            "invalid TLS configuration: min_version cannot be greater than max_version",
        )


def _check_server_tls(value: _Known) -> Iterator[Refusal]:
    held = [value[f"{name}_{form}"] for name in ("cert", "key") for form in ("file", "pem")]
    if is_known(*held) and not any(held):
        words = "TLS configuration must include both certificate and key for server connections"
        yield ("cert_file",), "is missing: a server needs a certificate and its key", words
    yield from _check_tls(value)


def _check_grpc_client(value: _Known) -> Iterator[Refusal]:
    endpoint, balancer = value["endpoint"], value["balancer_name"]
    if is_known(balancer) and balancer not in _BALANCERS:
        yield ("balancer_name",), "is not a balancer of gRPC", "invalid balancer_name"
    if is_known(endpoint) and isinstance(endpoint, str):
        fault = _endpoint_fault(endpoint)
        if fault:
            yield ("endpoint",), "is not host:port", fault


def _endpoint_fault(endpoint: str) -> str:
    """Return why configgrpc refuses `endpoint`; an empty one is refused elsewhere."""
    scheme, mark, rest = endpoint.partition("://")
    if endpoint.startswith("unix://"):
        return "" if rest else "unix socket path cannot be empty"
    if mark and scheme in {"http", "https"}:
        endpoint = rest
    elif mark:
        endpoint = rest.rpartition("/")[2] if "/" in rest else rest
    if not endpoint:
        return ""
    found = _ENDPOINT_PORT.fullmatch(endpoint)
    if found is None:
        return (
            "too many colons in address" if endpoint.count(":") > 1 else "missing port in address"
        )
    return "" if re.fullmatch(r"[-+]?\d+", found[1]) else "invalid port"


def _check_http_client(value: _Known) -> Iterator[Refusal]:
    kind, held = value["compression"], value["compression_params"]
    if is_known(kind, held) and isinstance(held, dict):
        level = held.get("level", 0)
        if is_known(level) and kind not in {"", "none", "zstd"}:
            levelled = kind in {"gzip", "zlib", "deflate"}
            if not (level in {-1, -2, *range(10)} if levelled else level == 0):
                words = f"unsupported parameters for compression type {kind}"
                yield ("compression_params", "level"), f"is not a level of {kind}", words


def _check_queue(value: _Known) -> Iterator[Refusal]:
    if value["storage"] not in (None, "") and value["wait_for_result"] is True:
        words = (
            "`wait_for_result` is not supported with a persistent queue configured with `storage`"
        )
        yield ("wait_for_result",), "excludes storage", words
    batch, sizer, size = value["batch"], value["sizer"], value["queue_size"]
    if isinstance(batch, dict) and is_known(sizer, size) and batch.get("sizer") == sizer:
        least = batch.get("min_size", 0)
        if is_known(least) and least > size:
            words = "`min_size` must be less than or equal to `queue_size`"
            yield ("batch", "min_size"), "is above queue_size", words


def _check_queue_batch(value: _Known) -> Iterator[Refusal]:
    least, most, sizer = value["min_size"], value["max_size"], value["sizer"]
    if is_known(least, most) and 0 < most < least:
        yield (
            ("max_size",),
            "is below min_size",
            "`max_size` must be greater or equal to `min_size`",
        )
    if sizer == "requests":
        yield ("sizer",), "must be items or bytes", "`batch` supports only `items` or `bytes` sizer"


def _check_metadata_keys(value: _Known) -> Iterator[Refusal]:
    keys = value["metadata_keys"]
    if isinstance(keys, list):
        names = [key.lower() for key in keys if isinstance(key, str)]
        if len(set(names)) < len(names):
            yield (
                ("metadata_keys",),
                "names a key twice",
                "duplicate entry in metadata_keys (case-insensitive)",
            )


def _check_back_off(value: _Known) -> Iterator[Refusal]:
    first, longest, total = (
        value[f"{name}"] for name in ("initial_interval", "max_interval", "max_elapsed_time")
    )
    if is_known(first, longest, total) and total > 0:
        for name, interval in (("initial_interval", first), ("max_interval", longest)):
            if total < interval:
                words = f"'max_elapsed_time' must not be less than '{name}'"
                yield ("max_elapsed_time",), f"is below {name}", words
                break
    factor = value["randomization_factor"]
    if is_known(factor) and factor > 1:
        words = "randomization_factor value must be less than or equal to 1"
        yield ("randomization_factor",), "is above 1", words


def _check_batch(value: _Known) -> Iterator[Refusal]:
    size, most = value["send_batch_size"], value["send_batch_max_size"]
    if is_known(size, most) and 0 < most < size:
        words = "send_batch_max_size must be greater or equal to send_batch_size"
        yield ("send_batch_max_size",), "is below send_batch_size", words
    yield from _check_metadata_keys(value)


def _check_memory_limiter(value: _Known) -> Iterator[Refusal]:
    limit, spike = value["limit_mib"], value["spike_limit_mib"]
    share, spike_share = value["limit_percentage"], value["spike_limit_percentage"]
    for key, percentage in (("limit_percentage", share), ("spike_limit_percentage", spike_share)):
        if is_known(percentage) and percentage > 100:
            words = (
                "'limit_percentage' and 'spike_limit_percentage' must be greater than zero and "
                "less than or equal to hundred"
            )
            yield (key,), "is above 100", words
    if is_known(limit, spike) and 0 < limit <= spike:
        yield (
            ("spike_limit_mib",),
            "is not below limit_mib",
            "'spike_limit_mib' must be smaller than 'limit_mib'",
        )
    if is_known(share, spike_share) and 0 < share <= spike_share:
        words = "'spike_limit_percentage' must be smaller than 'limit_percentage'"
        yield ("spike_limit_percentage",), "is not below limit_percentage", words
    soft, hard = (
        value["min_gc_interval_when_soft_limited"],
        value["min_gc_interval_when_hard_limited"],
    )
    if is_known(soft, hard) and soft < hard:
        words = "'min_gc_interval_when_soft_limited' should be larger than 'min_gc_interval_when_hard_limited'"
        yield (
            ("min_gc_interval_when_soft_limited",),
            "is below min_gc_interval_when_hard_limited",
            words,
        )


def _check_otlp_receiver(value: _Known) -> Iterator[Refusal]:
    protocols = value["protocols"]
    if isinstance(protocols, dict) and all(
        protocols.get(name) is None for name in ("grpc", "http")
    ):
        words = "must specify at least one protocol when using the OTLP receiver"
        yield ("protocols",), "names neither grpc nor http", words


def _check_address(value: _Known) -> Iterator[Refusal]:
    if value["transport"] == "":
        yield ("transport",), "is empty", "invalid transport type"


def _check_jaeger(value: _Known) -> Iterator[Refusal]:
    protocols = value["protocols"]
    if not isinstance(protocols, dict):
        return
    if all(held is None for held in protocols.values()):
        words = "must specify at least one protocol when using the Jaeger receiver"
        yield ("protocols",), "has no protocol", words
    for name, held in protocols.items():
        endpoint = held.get("endpoint") if isinstance(held, dict) else None
        if isinstance(endpoint, str) and (fault := _endpoint_fault(endpoint)):
            words = f"invalid port number for the endpoint: {fault}"
            yield ("protocols", name, "endpoint"), "is not host:port", words


def _check_actions(value: _Known) -> Iterator[Refusal]:
    """Judge the actions of the resource and attributes processors, as they are built."""
    key = "attributes" if "attributes" in value else "actions"
    for place, action in enumerate(value[key] if isinstance(value[key], list) else ()):
        if not isinstance(action, dict) or not is_known(*action.values()):
            continue
        what = str(action.get("action", "")).lower()
        at = (key, place)
        if not action.get("key") and not (what == "delete" and action.get("pattern")):
            yield (
                (*at, "key"),
                "is empty",
                'error creating AttrProc due to missing required field "key"',
            )
        elif what not in _ACTIONS:
            yield (*at, "action"), f"is not one of {', '.join(_ACTIONS)}", "unsupported action"
        elif what in {"insert", "update", "upsert"} and not any(
            action.get(name) not in (None, "") for name in _ACTION_SOURCES
        ):
            words = 'either "value", "from_attribute" or "from_context" must be specified'
            yield (*at, "value"), "is missing", words
        elif what == "extract" and not action.get("pattern"):
            yield (*at, "pattern"), "is missing", 'missing required field "pattern"'
        elif what == "convert" and not action.get("converted_type"):
            words = 'missing required field "converted_type"'
            yield (*at, "converted_type"), "is missing", words


def _check_span_metrics(value: _Known) -> Iterator[Refusal]:
    if value["metrics_flush_interval"] == 0:
        yield ("metrics_flush_interval",), "must be above 0", "non-positive interval for NewTicker"


def _check_resource(value: _Known) -> Iterator[Refusal]:
    for name, held in value.items():
        if name not in _RESOURCE_KEYS and not isinstance(held, str | Unresolved | None):
            yield (name,), "must be text", "legacy resource attribute must be string or null"


def _check_debug(value: _Known) -> Iterator[Refusal]:
    if value["verbosity"] == "none" or (
        isinstance(value["verbosity"], int) and value["verbosity"] not in (0, 1, 2)
    ):
        yield (
            ("verbosity",),
            "must be basic, normal or detailed",
            "verbosity level is not supported",
        )


def _check_file(value: _Known) -> Iterator[Refusal]:
    if value["append"] is True and isinstance(value["rotation"], dict):
        words = "append and rotation enabled at the same time is not supported"
        yield ("append",), "excludes rotation", words
    for key, allowed, words in (
        ("format", ("json", "proto"), "format type is not supported"),
        ("compression", ("", "zstd"), "compression is not supported"),
    ):
        if is_known(value[key]) and value[key] not in allowed:
            yield (key,), f"is not {' or '.join(filter(None, allowed))}", words


def _check_bearer(value: _Known) -> Iterator[Refusal]:
    token, tokens = value["token"], value["tokens"]
    if is_known(token, tokens) and token and tokens:
        yield ("tokens",), "excludes token", "either tokens or token should be provided, not both"


def _check_basic(value: _Known) -> Iterator[Refusal]:
    server, client = value["htpasswd"], value["client_auth"]
    if is_known(server, client) and server is None and client is None:
        yield ("client_auth",), "is missing, and so is htpasswd", "no credential source provided"
    elif isinstance(server, dict) and isinstance(client, dict):
        words = "only one of `htpasswd` or `client_auth` can be specified"
        yield ("client_auth",), "excludes htpasswd", words


def _check_pairs(value: _Known) -> Iterator[Refusal]:
    headers = value["pairs"]
    if isinstance(headers, list):
        names = [
            name
            for each in headers
            if isinstance(each, dict) and is_known(name := each.get("name"))
        ]
        if len(set(names)) < len(names):
            yield (), "sets a header twice", "duplicate keys in map-style list"


def _check_telemetry(value: _Known) -> Iterator[Refusal]:
    metrics = value["metrics"]
    if not isinstance(metrics, dict):
        return
    level, readers, views = metrics.get("level"), metrics.get("readers"), metrics.get("views")
    if is_known(level, readers) and level != "none" and not readers:
        words = "collector telemetry metrics reader should exist when metric level is not none"
        yield ("metrics", "readers"), "is empty", words
    if is_known(level, views) and views and level != "detailed":
        words = "service::telemetry::metrics::views can only be set when service::telemetry::metrics::level is detailed"
        yield ("metrics", "views"), "needs level: detailed", words


_RULES: Final[dict[str, Callable[[_Known], Iterator[Refusal]]]] = {
    "attributesprocessor.Config": _check_actions,
    "basicauthextension.Config": _check_basic,
    "batchprocessor.Config": _check_batch,
    "bearertokenauthextension.Config": _check_bearer,
    "configgrpc.ClientConfig": _check_grpc_client,
    "confighttp.ClientConfig": _check_http_client,
    "confignet.AddrConfig": _check_address,
    "configretry.BackOffConfig": _check_back_off,
    "configtls.ClientConfig": _check_tls,
    "configtls.ServerConfig": _check_server_tls,
    "debugexporter.Config": _check_debug,
    "fileexporter.Config": _check_file,
    "jaegerreceiver.Config": _check_jaeger,
    "memorylimiter.Config": _check_memory_limiter,
    "migration.ResourceConfigV030": _check_resource,
    "otelconftelemetry.Config": _check_telemetry,
    "otlpreceiver.Config": _check_otlp_receiver,
    "queuebatch.BatchConfig": _check_queue_batch,
    "queuebatch.Config": _check_queue,
    "queuebatch.PartitionConfig": _check_metadata_keys,
    "resourceprocessor.Config": _check_actions,
    "spanmetricsconnector.Config": _check_span_metrics,
    "configopaque.MapList": _check_pairs,
}
