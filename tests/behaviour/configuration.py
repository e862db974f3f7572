"""Every key of a configuration and of a web file: what is allowed, accepted, and refused.

The product itself lists its keys: the error for an unknown key names the allowed ones.
Each key is in a configuration here that `validate` accepts; misspelled, it is refused.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path as FilePath
from typing import Any, Final

from tests.behaviour.normal import Json
from tests.behaviour.product import Ended
from tests.behaviour.scene import AT_ONCE, Scene

_ERRORS: Final = 20
"""How many errors one report holds."""
_MISSPELLED: Final = "_misspelled"
_UNKNOWN: Final = re.compile(
    r"^\S+: (\S+): unknown key\n  found: .*\n  allowed: (.+)$", re.MULTILINE
)

Path = tuple[str | int, ...]
"""The path to a key."""


def configuration(scene: Scene) -> Json:
    """Return all keys, and the keys that this recording sets and misspells."""

    def of_file(whole: dict[str, Any]) -> Ended:
        return scene.run("validate", "--config", scene.write("keys.json", whole))

    def of_web_file(web_file: dict[str, Any]) -> Ended:
        web = {"config_file": scene.write("web-keys.json", web_file)}
        whole = {"targets": [scene.target("one")], "web": web}
        return scene.run("validate", "--config", scene.write("for-web-keys.json", whole))

    with ThreadPoolExecutor(AT_ONCE) as both:
        main = both.submit(_keys, every_key(scene), of_file)
        web = both.submit(_keys, every_web_key(scene), of_web_file)
        values = both.submit(_values, scene)
        return {"file": main.result(), "web.config_file": web.result(), "values": values.result()}


def every_key(scene: Scene) -> dict[str, Any]:
    """Return a configuration that sets every key; those that exclude each other, in two targets."""
    tls = scene.tls()
    with_files = {
        **tls,
        "include_system_ca_certs_pool": False,
        "insecure": False,
        "insecure_skip_verify": False,
        "server_name_override": "localhost",
        "min_version": "1.2",
        "max_version": "1.3",
        "cipher_suites": ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"],
        "include_insecure_cipher_suites": False,
        "curve_preferences": ["X25519"],
        "reload_interval": "1m",
        "tpm": {"enabled": False},
    }
    with_texts = {
        "ca_pem": _text(tls["ca_file"]),
        "cert_pem": _text(tls["cert_file"]),
        "key_pem": _text(tls["key_file"]),
    }
    common = {
        "protocol": "grpc",
        "signal": "traces",
        "proxy_url": "http://127.0.0.1:1",
        "depth": "otlp",
        "exporter": "curl",
        "interval": "30s",
        "timeout": "5s",
        "headers": {"x-team": "payments"},
        "labels": {"team": "payments"},
    }
    scene.write("collector.yaml", COLLECTOR)
    scene.write("sdk.yaml", SDK_FILE)
    scene.write("targets.json", [{"targets": ["127.0.0.1:1"], "labels": {"team": "payments"}}])
    return {
        "defaults": {**common, "tls": with_files},
        "resource": {"deployment.environment.name": "test"},
        "targets": [
            {
                **common,
                "endpoint": "https://127.0.0.1:1",
                "name": "files",
                "tls": with_files,
                "server_cert_file": tls["cert_file"],
                "expect": {"cause": "tcp_refused"},
            },
            {"endpoint": "127.0.0.1:1", "name": "texts", "tls": with_texts},
        ],
        "sources": [
            {"collector": "collector.yaml"},
            {"sdk": "sdk.yaml"},
            {"file_sd": "targets.json"},
            {"http_sd": "http://127.0.0.1:1/targets"},
        ],
        "modules": {
            "files": {**common, "tls": with_files, "allow": ["*.example.com:4317"]},
            "texts": {"tls": with_texts},
        },
        "clock": {
            "sources": [{"http": "http://127.0.0.1:1/"}, {"sntp": "127.0.0.1:1"}],
            "tolerance": "60s",
        },
        "alertmanager": None,
        "web": {
            "listen": "127.0.0.1:0",
            "config_file": scene.write("every-web-key.json", every_web_key(scene)),
            "hosts": ["probe.example.com"],
        },
        "shard": {"index": 0, "count": 1},
        "concurrency": 100,
        "experiments": {"enabled": True, "concurrency": 4},
        "alerts": {"expiry_warning": "672h", "expiry_critical": "336h", "hold": "5m"},
        "telemetry": {"sample_successes": 0.01, "propagate": True},
    }


def every_web_key(scene: Scene) -> dict[str, Any]:
    """Return a web file that sets every key; keys that only Go uses are empty."""
    own = scene.files / "healthy-grpc"
    return {
        "tls_server_config": {
            "cert_file": str(own / "tls.crt"),
            "key_file": str(own / "tls.key"),
            "cert": None,
            "key": None,
            "client_ca": None,
            "client_ca_file": str(own / "exporter-ca.pem"),
            "client_auth_type": "RequireAndVerifyClientCert",
            "client_allowed_sans": ["exporter.example.com"],
            "cipher_suites": ["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"],
            "curve_preferences": ["X25519"],
            "min_version": "TLS12",
            "max_version": "TLS13",
            "prefer_server_cipher_suites": True,
        },
        "http_server_config": {"http2": False, "headers": {"X-Frame-Options": "deny"}},
        "rate_limit": {"interval": "1s", "burst": 100},
        "basic_auth_users": {},
    }


COLLECTOR: Final = {
    "receivers": {"otlp": {"protocols": {"grpc": {}}}},
    "exporters": {"otlp_grpc/one": {"endpoint": "127.0.0.1:1", "tls": {"insecure": True}}},
    "service": {
        "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["otlp_grpc/one"]}},
    },
}
SDK_FILE: Final = {
    "file_format": "1.0",
    "tracer_provider": {
        "processors": [
            {"batch": {"exporter": {"otlp_http": {"endpoint": "http://127.0.0.1:1/v1/traces"}}}}
        ]
    },
}


def _text(file: str) -> str:
    return FilePath(file).read_text(encoding="utf-8")


def _keys(whole: dict[str, Any], validated: Callable[[dict[str, Any]], Ended]) -> Json:
    """Return the results of `validated` for `whole`, and for it with each key misspelled."""
    paths = list(_paths(whole))
    listed = _UNKNOWN.findall(validated(_with_unknown_keys(whole, paths)).err)
    allowed = {_place(key): sorted(keys.split(", ")) for key, keys in listed}
    refused: set[str] = set()
    for batch in _misspelled_together(paths):
        ended = validated(_misspell(whole, batch))
        named = {key for key, _ in _UNKNOWN.findall(ended.err)} if ended.code == 2 else set()
        refused |= {_common(_shown(path)) for path in batch if _written(path) in named}
    return {
        "exit code with every key": validated(whole).code,
        "allowed": dict(sorted(allowed.items())),
        "never set here": sorted(_never_set(allowed, paths)),
        "accepted when misspelled": sorted(
            key for path in paths if (key := _common(_shown(path))) not in refused
        ),
    }


def _values(scene: Scene) -> Json:
    """Return the allowed values of keys with a closed set of values."""
    wrong: dict[str, dict[str, Any]] = {
        "protocol": {"protocol": "none"},
        "signal": {"signal": "none"},
        "depth": {"depth": "none"},
        "exporter": {"exporter": "none"},
        "interval without a unit": {"interval": 5},
        "plaintext without saying so": {"endpoint": "http://127.0.0.1:1"},
        "file and text of one thing": {"tls": {"ca_file": "a", "ca_pem": "b"}},
    }
    found: Json = {}
    for name, keys in wrong.items():
        targets = [scene.target("one"), {"endpoint": "127.0.0.1:1", "name": "two", **keys}]
        ended = scene.run("validate", "--config", scene.write("value.json", {"targets": targets}))
        found[name] = {"exit code": ended.code, **_allowed_values(ended)}
    return found


def _allowed_values(ended: Ended) -> Json:
    listed = re.search(r"^  allowed: (.+)$", ended.err, re.MULTILINE)
    return {"allowed": listed[1].split(", ")} if listed else {}


def _paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the path to each key that the product defines; names of labels and similar are the user's."""
    if isinstance(value, dict):
        for key, item in value.items():
            users_own = path and path[-1] in {"headers", "labels", "resource", "modules", "tpm"}
            if not users_own:
                yield (*path, key)
            yield from _paths(item, (*path, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _paths(item, (*path, number))


def _misspelled_together(paths: Iterable[Path]) -> list[list[Path]]:
    """Return keys to misspell together: no more than a report lists, and none within another.

    What targets, modules and defaults have in common is misspelled in one of them.
    """
    batches: list[list[Path]] = []
    done: set[str] = set()
    for path in paths:
        if (key := _common(_shown(path))) in done:
            continue
        done.add(key)
        for batch in batches:
            if len(batch) < _ERRORS and not any(_within(path, other) for other in batch):
                batch.append(path)
                break
        else:
            batches.append([path])
    return batches


def _within(one: Path, other: Path) -> bool:
    """Return whether one of two keys holds the other."""
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def _with_unknown_keys(whole: dict[str, Any], paths: Iterable[Path]) -> dict[str, Any]:
    """Return `whole` with an unknown key in each mapping: the error lists the allowed ones."""
    places = {_place(_shown(path)): path[:-1] for path in paths}
    return _misspell(whole, [(*place, "") for place in places.values()])


def _misspell(whole: dict[str, Any], paths: Iterable[Path]) -> dict[str, Any]:
    wrong: Any = json.loads(json.dumps(whole))
    for *above, key in paths:
        place = wrong
        for part in above:
            place = place[part]
        place[f"{key}{_MISSPELLED}"] = place.pop(key, None)
    return dict(wrong)


def _written(path: Path) -> str:
    """Return the misspelled key as the product's error prints it."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text + _MISSPELLED


def _shown(path: Path) -> str:
    return _written(path).removesuffix(_MISSPELLED)


def _place(key: str) -> str:
    """Return the place of a key, without its own name."""
    return _anywhere(key).rpartition(".")[0] or "(the file)"


def _anywhere(key: str) -> str:
    """Return the path to a key without positions in lists and names of modules."""
    return re.sub(r"^modules\.\w+", "modules.*", re.sub(r"\[\d+\]", "[]", key))


def _common(key: str) -> str:
    """Return the path to a key; what a target, a module and the defaults share is one key."""
    return re.sub(r"^(targets\[\]|modules\.\*|defaults)\.", "target.", _anywhere(key))


def _never_set(allowed: dict[str, list[str]], paths: Iterable[Path]) -> Iterator[str]:
    set_here = {_anywhere(_shown(path)) for path in paths}
    for place, keys in allowed.items():
        for key in keys:
            path = key if place == "(the file)" else f"{place}.{key}"
            if path not in set_here:
                yield path
