"""Where targets come from besides the configuration: each kind of source, up and down."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from tests.behaviour.normal import Json
from tests.behaviour.scene import AT_ONCE, Scene

_VARIABLES: Final = "OTEL_EXPORTER_OTLP_"
_CHECKED: Final = frozenset({"all together", "down", "the environment, by signal"})
"""Sources that `check` runs with as well."""


def sources(scene: Scene) -> Json:
    """Return the targets that `validate` finds in each kind of source, and the results of `check`."""
    tls, endpoint = scene.tls(), scene.endpoints["healthy-grpc"]
    http = scene.endpoints["healthy-http"]
    environment = {
        f"{_VARIABLES}ENDPOINT": f"https://{endpoint}",
        f"{_VARIABLES}PROTOCOL": "grpc",
        f"{_VARIABLES}CERTIFICATE": tls["ca_file"],
        f"{_VARIABLES}CLIENT_CERTIFICATE": tls["cert_file"],
        f"{_VARIABLES}CLIENT_KEY": tls["key_file"],
        "OTEL_SERVICE_NAME": "payments",
    }
    of_signals = environment | {
        f"{_VARIABLES}METRICS_ENDPOINT": f"https://{http}/v1/metrics",
        f"{_VARIABLES}METRICS_PROTOCOL": "http/protobuf",
        "OTEL_LOGS_EXPORTER": "none",
    }
    collector = scene.write("sources-collector.yaml", _collector(endpoint, http, tls))
    sdk = scene.write("sources-sdk.yaml", _sdk(http, tls))
    groups = [{"targets": [endpoint, http], "labels": {"team": "payments"}}]
    file_sd = scene.write("sources-file-sd.json", groups)
    files = {
        "all together": {
            "defaults": {"tls": tls},
            "targets": [scene.target("own")],
            "sources": [{"collector": collector}, {"sdk": sdk}, {"file_sd": file_sd}],
        },
        "down": {
            "targets": [scene.target("own")],
            "sources": [
                {"collector": "gone.yaml"},
                {"sdk": "gone-sdk.yaml"},
                {"file_sd": "gone-*.json"},
                {"http_sd": "http://127.0.0.1:1/"},
            ],
        },
        "a shard": {
            "targets": [scene.target(f"t{n}") for n in range(6)],
            "shard": {"count": 2, "index": 0},
        },
    }
    given = {
        name: ["--config", scene.write(f"source-{number}.json", whole)]
        for number, (name, whole) in enumerate(files.items())
    }
    variables: dict[str, dict[str, str]] = {
        "the environment": environment,
        "the environment, by signal": of_signals,
        "an empty environment": {},
    }
    asked = [*files, *variables]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(
            lambda name: _said(scene, name, given.get(name, []), variables.get(name)), asked
        )
        return dict(zip(asked, found, strict=True))


def _said(scene: Scene, name: str, arguments: list[str], variables: dict[str, str] | None) -> Json:
    form = ("--output", "json", *arguments)
    validated = scene.run("validate", *form, variables=variables)
    document = scene.normal.value(validated.document())
    said = {"validate": {"exit code": validated.code, **document}}
    if name in _CHECKED:
        checked = scene.run("check", *form, variables=variables)
        results = checked.document()
        said["check"] = {
            "exit code": checked.code,
            "sources": scene.normal.value(results["sources"]),
            "results": [_brief(scene, each) for each in results["results"]],
        }
    return said


def _brief(scene: Scene, result: dict[str, Any]) -> Json:
    keys = ("target", "endpoint", "protocol", "labels", "outcome", "stage", "cause")
    return scene.normal.value({key: result[key] for key in keys})


def _collector(grpc: str, http: str, tls: dict[str, Any]) -> Json:
    return {
        "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": "127.0.0.1:0"}}}},
        "exporters": {
            "otlp_grpc/one": {"endpoint": grpc, "tls": tls},
            "otlp_http/two": {"endpoint": f"https://{http}", "tls": tls},
            "otlp_http/unused": {"endpoint": f"https://{http}"},
            "debug": {},
        },
        "service": {
            "pipelines": {
                "traces": {"receivers": ["otlp"], "exporters": ["otlp_grpc/one", "debug"]},
                "logs": {"receivers": ["otlp"], "exporters": ["otlp_http/two"]},
            },
        },
    }


def _sdk(http: str, tls: dict[str, Any]) -> Json:
    exporter = {
        "endpoint": f"https://{http}/v1/traces",
        "tls": {
            "ca_file": tls["ca_file"],
            "cert_file": tls["cert_file"],
            "key_file": tls["key_file"],
        },
    }
    return {
        "file_format": "1.0",
        "tracer_provider": {"processors": [{"batch": {"exporter": {"otlp_http": exporter}}}]},
    }
