"""Generates configurations of a Collector with one mistake each, and unusual ones without any.

Deterministic: an id always stands for the same text. Each has one OTLP exporter that is right,
`otlp_grpc/good`, so that a stop of the whole is seen.
"""

import copy
import random
from collections.abc import Iterator
from typing import Any, Final

import msgspec

Path = tuple[str | int, ...]

GOOD: Final = "otlp_grpc/good"
ENVIRONMENT: Final = {
    "HOST": "backend.example.com", "PORT": "4317", "YES": "true", "NUMBER": "12", "TEXT": "a text",
    "LIST": "[otlp_grpc/good]", "SECONDS": "5s", "ZERO": "0123", "EMPTY": "", "MAP": "{insecure: true}",
}  # fmt: skip
"""The variables that are set."""

BASE: Final[dict[str, Any]] = {
    "receivers": {
        "otlp": {
            "protocols": {
                "grpc": {
                    "endpoint": "127.0.0.1:4317",
                    "tls": {"cert_file": "/c", "key_file": "/k", "client_ca_file": "/a"},
                    "keepalive": {"server_parameters": {"max_connection_age": "30s"}},
                    "max_recv_msg_size_mib": 8,
                },
                "http": {"endpoint": "127.0.0.1:4318", "cors": {"allowed_origins": ["*"]}},
            }
        },
        "zipkin": {"endpoint": "127.0.0.1:9411"},
        "jaeger": {"protocols": {"grpc": {"endpoint": "127.0.0.1:14250"}}},
        "nop": None,
    },
    "processors": {
        "batch": {"timeout": "1s", "send_batch_size": 100, "send_batch_max_size": 200},
        "memory_limiter": {"check_interval": "1s", "limit_mib": 400, "spike_limit_mib": 100},
        "resource": {"attributes": [{"key": "a", "value": "b", "action": "upsert"}]},
        "probabilistic_sampler": {"sampling_percentage": 15},
        "groupbyattrs": {"keys": ["host.name"]},
    },
    "exporters": {
        GOOD: {"endpoint": "good.example.com:4317"},
        "otlp_grpc/full": {
            "endpoint": "backend.example.com:4317",
            "tls": {
                "ca_file": "/ca", "cert_file": "/c", "key_file": "/k", "insecure": False,
                "insecure_skip_verify": False, "server_name_override": "b", "min_version": "1.2",
                "max_version": "1.3", "reload_interval": "1h",
                "include_system_ca_certs_pool": True, "cipher_suites": [], "curve_preferences": ["P256"],
            },
            "headers": {"x-tenant": "a"},
            "compression": "gzip",
            "timeout": "5s",
            "balancer_name": "round_robin",
            "wait_for_ready": False,
            "read_buffer_size": 1024,
            "keepalive": {"time": "30s", "timeout": "10s", "permit_without_stream": True},
            "auth": {"authenticator": "bearertokenauth"},
            "retry_on_failure": {
                "enabled": True, "initial_interval": "1s", "max_interval": "10s",
                "max_elapsed_time": "60s", "multiplier": 1.5, "randomization_factor": 0.5,
            },
            "sending_queue": {
                "enabled": True, "num_consumers": 4, "queue_size": 5000, "sizer": "items",
                "block_on_overflow": False,
                "batch": {"flush_timeout": "1s", "min_size": 10, "max_size": 100},
            },
        },
        "otlp_http/full": {
            "endpoint": "https://backend.example.com:4318",
            "traces_endpoint": "https://backend.example.com:4318/v1/traces",
            "encoding": "proto",
            "proxy_url": "",
            "compression": "gzip",
            "compression_params": {"level": 5},
            "headers": {"x-tenant": "a"},
            "max_idle_conns": 10,
            "idle_conn_timeout": "30s",
            "disable_keep_alives": False,
            "timeout": "10s",
            "tls": {"insecure": False, "ca_file": "/ca"},
            "sending_queue": {"queue_size": 100},
        },
        "debug": {"verbosity": "basic", "sampling_initial": 2},
        "file": {"path": "/tmp/out", "rotation": {"max_megabytes": 5}},  # nobody writes it
    },
    "connectors": {"forward": None, "spanmetrics": {"metrics_flush_interval": "15s"}},
    "extensions": {
        "health_check": {"endpoint": "127.0.0.1:13133"},
        "pprof": {"endpoint": "127.0.0.1:1777"},
        "zpages": {"endpoint": "127.0.0.1:55679"},
        "bearertokenauth": {"token": "a-token"},
    },
    "service": {
        "extensions": ["health_check", "pprof", "zpages", "bearertokenauth"],
        "telemetry": {
            "logs": {"level": "info", "encoding": "json", "output_paths": ["stderr"]},
            "metrics": {
                "level": "normal",
                "readers": [{"pull": {"exporter": {"prometheus": {"host": "127.0.0.1", "port": 8888}}}}],
            },
            "resource": {"service.name": "x"},
        },
        "pipelines": {
            "traces": {
                "receivers": ["otlp", "zipkin", "jaeger"],
                "processors": ["memory_limiter", "resource", "batch"],
                "exporters": [GOOD, "otlp_grpc/full", "otlp_http/full", "spanmetrics", "forward"],
            },
            "traces/second": {"receivers": ["forward"], "processors": ["probabilistic_sampler"], "exporters": ["debug"]},
            "metrics": {"receivers": ["otlp", "spanmetrics"], "exporters": ["otlp_grpc/full", "file"]},
            "logs": {"receivers": ["otlp"], "processors": ["groupbyattrs"], "exporters": ["otlp_http/full"]},
        },
    },
}  # fmt: skip
"""A configuration that a Collector takes."""

_ODD_VALUES: Final[tuple[Any, ...]] = (
    "nonsense", "7", "", 7, -1, 0, 1.5, True, None, [], {}, ["a"], {"a": 1}, [{"a": 1}], "5s", 10**20,
    "${env:NOT_SET}", "${env:NUMBER}", "${env:TEXT}", "${env:YES}", "${env:SECONDS}", "${env:ZERO}",
    "${env:EMPTY}", "${env:MAP}", "${env:NOT_SET:-x}",
)  # fmt: skip


def _walk(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    yield path, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _walk(item, (*path, key))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _walk(item, (*path, place))


def _put(path: Path, value: Any) -> dict[str, Any]:
    made = copy.deepcopy(BASE)
    at: Any = made
    for part in path[:-1]:
        at = at[part]
    at[path[-1]] = value
    return made


def _drop(path: Path) -> dict[str, Any]:
    made = copy.deepcopy(BASE)
    at: Any = made
    for part in path[:-1]:
        at = at[part]
    del at[path[-1]]
    return made


def _name(path: Path) -> str:
    return ".".join(map(str, path)) or "top"


def _structural() -> Iterator[tuple[str, str]]:
    for path, value in _walk(BASE):
        if GOOD in (*path, value if isinstance(value, str) else ""):
            continue
        if isinstance(value, dict):
            yield f"unknown key {_name(path)}", _dump(_put((*path, "zz_unknown"), 1))
            for key in list(value)[:2]:
                if (*path, key) == ("exporters", GOOD):
                    continue
                made = copy.deepcopy(BASE)
                at: Any = made
                for part in path:
                    at = at[part]
                at[f"{key[:-1]}{key[-1]}x"] = at.pop(key)
                yield f"misspelt key {_name((*path, key))}", _dump(made)
        if path and not (path[0] == "exporters" and len(path) == 1):
            yield f"without {_name(path)}", _dump(_drop(path))


def _values() -> Iterator[tuple[str, str]]:
    for path, value in _walk(BASE):
        good = GOOD in (*path, value if isinstance(value, str) else "")
        if not path or good or path == ("exporters",):
            continue
        for odd in _ODD_VALUES:
            yield f"{_name(path)} = {odd!r}", _dump(_put(path, odd))


def _written() -> Iterator[tuple[str, str]]:
    """Yield texts whose writing matters."""
    head = f"receivers: {{nop: }}\nexporters:\n  {GOOD}: {{endpoint: 'good.example.com:4317'}}\n"
    tail = f"service: {{pipelines: {{traces: {{receivers: [nop], exporters: [{GOOD}, otlp_grpc]}}}}}}\n"

    def one(lines: str) -> str:
        return f"{head}  otlp_grpc:\n{lines}{tail}"

    for name, lines in {
        "plain": "    endpoint: c:4317\n",
        "quoted number for text": "    endpoint: c:4317\n    headers: {a: '12'}\n",
        "number for text": "    endpoint: c:4317\n    headers: {a: 12}\n",
        "bool for text": "    endpoint: c:4317\n    user_agent: yes\n",
        "true for text": "    endpoint: c:4317\n    user_agent: true\n",
        "underscored": "    endpoint: c:4317\n    read_buffer_size: 1_000\n",
        "hex": "    endpoint: c:4317\n    read_buffer_size: 0x400\n",
        "octal": "    endpoint: c:4317\n    read_buffer_size: 0o17\n",
        "old octal": "    endpoint: c:4317\n    read_buffer_size: 017\n",
        "binary": "    endpoint: c:4317\n    read_buffer_size: 0b11\n",
        "float for whole": "    endpoint: c:4317\n    read_buffer_size: 1e3\n",
        "half": "    endpoint: c:4317\n    read_buffer_size: 1.5\n",
        "infinite": "    endpoint: c:4317\n    read_buffer_size: .inf\n",
        "nanoseconds": "    endpoint: c:4317\n    timeout: 5000000000\n",
        "no unit": "    endpoint: c:4317\n    timeout: '5'\n",
        "days": "    endpoint: c:4317\n    timeout: 1d\n",
        "zero text": "    endpoint: c:4317\n    timeout: '0'\n",
        "fraction": "    endpoint: c:4317\n    timeout: 1.5h\n",
        "space in duration": "    endpoint: c:4317\n    timeout: 5 s\n",
        "negative duration": "    endpoint: c:4317\n    timeout: -5s\n",
        "delimiter": "    endpoint: c:4317\n    tls::insecure: true\n",
        "delimiter twice": "    endpoint: c:4317\n    tls::insecure: true\n    tls: {ca_file: /a}\n",
        "delimiter unknown": "    endpoint: c:4317\n    tls::insecur: true\n",
        "anchor": "    &a endpoint: c:4317\n",
        "duplicate key": "    endpoint: c:4317\n    endpoint: d:4317\n",
        "duplicate below": "    endpoint: c:4317\n    tls: {insecure: true, insecure: true}\n",
        "tab": "\tendpoint: c:4317\n",
        "not closed": "    endpoint: [c:4317\n",
        "headers as list": "    endpoint: c:4317\n    headers: [{name: a, value: b}]\n",
        "headers as list twice": "    endpoint: c:4317\n    headers: [{name: a, value: b}, {name: a, value: c}]\n",
        "header null": "    endpoint: c:4317\n    headers: {a: }\n",
        "queue null": "    endpoint: c:4317\n    sending_queue:\n",
        "queue off": "    endpoint: c:4317\n    sending_queue: {enabled: false}\n",
        "queue false": "    endpoint: c:4317\n    sending_queue: false\n",
        "queue text bool": "    endpoint: c:4317\n    sending_queue: {enabled: 'false'}\n",
        "retry null": "    endpoint: c:4317\n    retry_on_failure:\n",
        "list as text": "    endpoint: c:4317\n    tls: {curve_preferences: 'P256,P384'}\n",
        "cipher text": "    endpoint: c:4317\n    tls: {cipher_suites: TLS_RSA_WITH_AES_128_CBC_SHA}\n",
        "ca twice": "    endpoint: c:4317\n    tls: {ca_file: /a, ca_pem: x}\n",
        "half a pair": "    endpoint: c:4317\n    tls: {cert_file: /a}\n",
        "other half": "    endpoint: c:4317\n    tls: {key_pem: x}\n",
        "version": "    endpoint: c:4317\n    tls: {min_version: '1.4'}\n",
        "version number": "    endpoint: c:4317\n    tls: {min_version: 1.2}\n",
        "versions crossed": "    endpoint: c:4317\n    tls: {min_version: '1.3', max_version: '1.2'}\n",
        "tpm": "    endpoint: c:4317\n    tls: {tpm: {enabled: false}}\n",
        "no port": "    endpoint: c\n",
        "port word": "    endpoint: c:http\n",
        "port large": "    endpoint: c:99999\n",
        "port empty": "    endpoint: 'c:'\n",
        "path": "    endpoint: https://c:4317/path\n",
        "https no port": "    endpoint: https://c\n",
        "dns": "    endpoint: dns:///c:4317\n",
        "dns authority": "    endpoint: dns://1.2.3.4/c:4317\n",
        "passthrough": "    endpoint: passthrough:///c:4317\n",
        "unix": "    endpoint: unix:///a\n",
        "unix empty": "    endpoint: 'unix://'\n",
        "ipv6": "    endpoint: '[::1]:4317'\n",
        "ipv6 bare": "    endpoint: '::1:4317'\n",
        "empty endpoint": "    endpoint: ''\n",
        "no endpoint": "    timeout: 5s\n",
        "only scheme": "    endpoint: 'http://'\n",
        "env": "    endpoint: ${env:HOST}:${env:PORT}\n",
        "env plain": "    endpoint: ${HOST}:${PORT}\n",
        "env default": "    endpoint: ${env:NOT_SET:-c}:4317\n",
        "env unset host": "    endpoint: ${env:NOT_SET}:4317\n",
        "env unset port": "    endpoint: c:${env:NOT_SET}\n",
        "env unset": "    endpoint: ${env:NOT_SET}\n",
        "env unset below": "    endpoint: c:4317\n    tls: {insecure: '${env:NOT_SET}'}\n",
        "env number as text": "    endpoint: c:4317\n    headers: {a: '${env:NUMBER}'}\n",
        "env octal as text": "    endpoint: c:4317\n    headers: {a: '${env:ZERO}'}\n",
        "env map": "    endpoint: c:4317\n    tls: ${env:MAP}\n",
        "env map unset": "    endpoint: c:4317\n    tls: ${env:NOT_SET}\n",
        "env bool": "    endpoint: c:4317\n    tls: {insecure: '${env:YES}'}\n",
        "env bool inside": "    endpoint: c:4317\n    tls: {insecure: '${env:YES} '}\n",
        "env bad name": "    endpoint: c:4317\n    headers: {a: '${env:1A}'}\n",
        "env nothing": "    endpoint: c:4317\n    headers: {a: '${env:}'}\n",
        "env in env": "    endpoint: c:4317\n    headers: {a: '${env:${env:TEXT}}'}\n",
        "escaped": "    endpoint: c:4317\n    headers: {a: '$${env:NOT_SET}'}\n",
        "dollar": "    endpoint: c:4317\n    headers: {a: 'a$b'}\n",
        "not closed reference": "    endpoint: c:4317\n    headers: {a: '${env:HOST'}\n",
        "yaml provider": "    endpoint: c:4317\n    tls: ${yaml:insecure::true}\n",
        "yaml provider map": "    endpoint: c:4317\n    tls: '${yaml:{insecure: true}}'\n",
        "file missing": "    endpoint: c:4317\n    headers: {a: '${file:/not/there}'}\n",
        "typo scheme": "    endpoint: c:4317\n    headers: {a: '${envv:HOST}'}\n",
        "merge key": "    <<: {endpoint: 'c:4317'}\n",
        "merge overrides": "    <<: {endpoint: 5}\n    endpoint: c:4317\n",
        "block scalar": "    endpoint: >-\n      c:4317\n",
        "comment": "    endpoint: c:4317 # here\n",
        "int key": "    endpoint: c:4317\n    headers: {1: a}\n",
        "null key": "    endpoint: c:4317\n    headers: {~: a}\n",
        "tag": "    endpoint: !!str c:4317\n",
        "odd tag": "    endpoint: !x c:4317\n",
        "compression none": "    endpoint: c:4317\n    compression: none\n",
        "compression capital": "    endpoint: c:4317\n    compression: GZIP\n",
        "compression unknown": "    endpoint: c:4317\n    compression: brotli\n",
        "balancer": "    endpoint: c:4317\n    balancer_name: nosuch\n",
        "auth unknown": "    endpoint: c:4317\n    auth: {authenticator: nosuch}\n",
        "auth text": "    endpoint: c:4317\n    auth: nosuch\n",
        "batch sizer": "    endpoint: c:4317\n    sending_queue: {batch: {sizer: requests}}\n",
        "batch null": "    endpoint: c:4317\n    sending_queue: {batch: }\n",
        "batch sizes": "    endpoint: c:4317\n    sending_queue: {batch: {min_size: 10, max_size: 5}}\n",
        "queue zero": "    endpoint: c:4317\n    sending_queue: {queue_size: 0}\n",
        "consumers negative": "    endpoint: c:4317\n    sending_queue: {num_consumers: -1}\n",
        "wait and store": "    endpoint: c:4317\n    sending_queue: {wait_for_result: true, storage: file_storage}\n",
        "elapsed": "    endpoint: c:4317\n    retry_on_failure: {max_elapsed_time: 1s}\n",
        "elapsed zero": "    endpoint: c:4317\n    retry_on_failure: {max_elapsed_time: 0}\n",
        "old tls key": "    endpoint: c:4317\n    tls_settings: {insecure: true}\n",
        "insecure above": "    endpoint: c:4317\n    insecure: true\n",
        "http keys": "    endpoint: c:4317\n    traces_endpoint: http://c/\n",
    }.items():
        yield f"written {name}", one(lines)
    for name, text in {
        "empty file": "",
        "comment only": "# nothing\n",
        "list": "- a\n",
        "text": "hello\n",
        "no receivers": f"exporters:\n  {GOOD}: {{endpoint: 'g:1'}}\nservice: {{pipelines: {{traces: {{receivers: [], exporters: [{GOOD}]}}}}}}\n",
        "no exporters": "receivers: {nop: }\nservice: {pipelines: {traces: {receivers: [nop], exporters: []}}}\n",
        "no service": f"{head}",
        "no pipelines": f"{head}service: {{}}\n",
        "empty pipelines": f"{head}service: {{pipelines: {{}}}}\n",
        "null pipeline": f"{head}service: {{pipelines: {{traces: }}}}\n",
        "unknown signal": f"{head}service: {{pipelines: {{spans: {{receivers: [nop], exporters: [{GOOD}]}}}}}}\n",
        "named signal": f"{head}service: {{pipelines: {{traces/a: {{receivers: [nop], exporters: [{GOOD}]}}}}}}\n",
        "signal without name": f"{head}service: {{pipelines: {{traces/: {{receivers: [nop], exporters: [{GOOD}]}}}}}}\n",
        "profiles": f"{head}service: {{pipelines: {{profiles: {{receivers: [nop], exporters: [{GOOD}]}}}}}}\n",
        "exporters as text": f"{head}service: {{pipelines: {{traces: {{receivers: [nop], exporters: {GOOD}}}}}}}\n",
        "exporters from a variable": f"{head}service: {{pipelines: {{traces: {{receivers: [nop], exporters: '${{env:LIST}}'}}}}}}\n",
        "spaces in ids": f"receivers: {{nop: }}\nexporters: {{' {GOOD} ': {{endpoint: 'g:1'}}}}\nservice: {{pipelines: {{traces: {{receivers: [ nop ], exporters: ['{GOOD}  ']}}}}}}\n",
        "same id twice": f"receivers: {{nop: }}\nexporters: {{{GOOD}: {{endpoint: 'g:1'}}, ' {GOOD}': {{endpoint: 'g:1'}}}}\nservice: {{pipelines: {{traces: {{receivers: [nop], exporters: [{GOOD}]}}}}}}\n",
        "bad id": f"{head}  'otlp_grpc/': {{endpoint: 'c:1'}}\nservice: {{pipelines: {{traces: {{receivers: [nop], exporters: [{GOOD}]}}}}}}\n",
        "bad type": f"{head}  'otlp-grpc': {{endpoint: 'c:1'}}\nservice: {{pipelines: {{traces: {{receivers: [nop], exporters: [{GOOD}]}}}}}}\n",
        "misspelt type": f"{head}  'otlp_grcp': {{endpoint: 'c:1'}}\nservice: {{pipelines: {{traces: {{receivers: [nop], exporters: [{GOOD}]}}}}}}\n",
        "logging": f"{head}  logging: \nservice: {{pipelines: {{traces: {{receivers: [nop], exporters: [{GOOD}, logging]}}}}}}\n",
        "wrong section": f"{head}  batch: \nservice: {{pipelines: {{traces: {{receivers: [nop], exporters: [{GOOD}]}}}}}}\n",
        "two documents": f"{head}---\nservice: {{pipelines: {{traces: {{receivers: [nop], exporters: [{GOOD}]}}}}}}\n",
        "unused exporter wrong": f"{head}  otlp_http: {{}}\nservice: {{pipelines: {{traces: {{receivers: [nop], exporters: [{GOOD}]}}}}}}\n",
        "connector half": f"{head}connectors: {{forward: }}\nservice: {{pipelines: {{traces: {{receivers: [nop], exporters: [{GOOD}, forward]}}}}}}\n",
        "connector other half": f"{head}connectors: {{forward: }}\nservice: {{pipelines: {{traces: {{receivers: [forward], exporters: [{GOOD}]}}}}}}\n",
        "connector signals": f"{head}connectors: {{spanmetrics: }}\nservice: {{pipelines: {{traces: {{receivers: [nop], exporters: [{GOOD}, spanmetrics]}}, logs: {{receivers: [spanmetrics], exporters: [{GOOD}]}}}}}}\n",
        "connector circle": f"{head}connectors: {{forward: }}\nservice: {{pipelines: {{traces: {{receivers: [nop, forward], exporters: [{GOOD}, forward]}}}}}}\n",
        "connector twice named": f"{head}connectors: {{nop: }}\nservice: {{pipelines: {{traces: {{receivers: [nop], exporters: [{GOOD}]}}}}}}\n",
        "processor twice": f"{head}processors: {{batch: }}\nservice: {{pipelines: {{traces: {{receivers: [nop], processors: [batch, batch], exporters: [{GOOD}]}}}}}}\n",
        "exporter twice": f"{head}service: {{pipelines: {{traces: {{receivers: [nop], exporters: [{GOOD}, {GOOD}]}}}}}}\n",
        "wrong signal": f"receivers: {{zipkin: }}\nexporters:\n  {GOOD}: {{endpoint: 'g:1'}}\nservice: {{pipelines: {{metrics: {{receivers: [zipkin], exporters: [{GOOD}]}}}}}}\n",
        "telemetry none": f"{head}service: {{telemetry: {{metrics: {{level: none}}}}, pipelines: {{traces: {{receivers: [nop], exporters: [{GOOD}]}}}}}}\n",
        "telemetry address": f"{head}service: {{telemetry: {{metrics: {{address: ':8888'}}}}, pipelines: {{traces: {{receivers: [nop], exporters: [{GOOD}]}}}}}}\n",
        "telemetry no readers": f"{head}service: {{telemetry: {{metrics: {{readers: []}}}}, pipelines: {{traces: {{receivers: [nop], exporters: [{GOOD}]}}}}}}\n",
        "telemetry otlp": f"{head}service: {{telemetry: {{traces: {{processors: [{{batch: {{exporter: {{otlp: {{protocol: http/protobuf, endpoint: 'https://c:4318'}}}}}}}}]}}}}, pipelines: {{traces: {{receivers: [nop], exporters: [{GOOD}]}}}}}}\n",
        "telemetry otlp old": f"{head}service: {{telemetry: {{traces: {{processors: [{{batch: {{exporter: {{otlp: {{protocol: http/protobuf, endpoint: 'https://c:4318', headers: {{a: b}}}}}}}}}}]}}}}, pipelines: {{traces: {{receivers: [nop], exporters: [{GOOD}]}}}}}}\n",
        "telemetry level": f"{head}service: {{telemetry: {{logs: {{level: loud}}}}, pipelines: {{traces: {{receivers: [nop], exporters: [{GOOD}]}}}}}}\n",
        "telemetry warn": f"{head}service: {{telemetry: {{logs: {{level: WARN}}}}, pipelines: {{traces: {{receivers: [nop], exporters: [{GOOD}]}}}}}}\n",
        "extension not there": f"{head}service: {{extensions: [pprof], pipelines: {{traces: {{receivers: [nop], exporters: [{GOOD}]}}}}}}\n",
        "extensions text": f"{head}extensions: {{pprof: }}\nservice: {{extensions: pprof, pipelines: {{traces: {{receivers: [nop], exporters: [{GOOD}]}}}}}}\n",
    }.items():
        yield f"written {name}", text


def _dump(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def generate(count: int = 1000) -> dict[str, str]:
    """Return the texts by their ids: all that are written by hand, and a share of the others."""
    chosen = {"base": _dump(BASE), **dict(_written()), **dict(_structural())}
    others = list(_values())
    random.Random(15).shuffle(others)
    for name, text in others:
        if len(chosen) >= count:
            break
        chosen[name] = text
    return chosen
