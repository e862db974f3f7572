"""What the service answers over HTTP: routes, metrics, JSON, `/probe`, and what it writes to its log."""

import base64
import json
import re
import signal
import ssl
import time
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlencode

from tests.behaviour import exposition
from tests.behaviour.exposition import OPENMETRICS, parse, samples, types
from tests.behaviour.normal import Json, shape
from tests.behaviour.product import Answer, Service, serving
from tests.behaviour.scene import (
    ANSWERS_WITHIN,
    Scene,
    await_attempts,
    demo_targets,
    further_targets,
)

_USER: Final = "prometheus"
_PASSWORD: Final = "a password"
_HASH: Final = "$2b$04$vK2m1OQlBYJ0eHdhW1F3QeKUaghfT1cjhdxDjS/MqeDZM9jGTqI7i"
_HASH_OF_STYLE: Final = re.compile(r"'sha256-[^']+'")
_PER_CONNECTION: Final = frozenset({"content-length", "date", "transfer-encoding", "connection"})
_REQUESTS: Final[Sequence[tuple[str, str, Mapping[str, str]]]] = (
    ("GET", "/", {}),
    ("HEAD", "/", {}),
    ("POST", "/", {}),
    ("GET", "/", {"Host": "evil.example.com"}),
    ("GET", "/targets/healthy-grpc", {}),
    ("GET", "/targets/no-such-target", {}),
    ("GET", "/forecast", {}),
    ("GET", "/forecast.ics", {}),
    ("GET", "/api/v1/forecast", {}),
    ("GET", "/causes", {}),
    ("GET", "/causes/client_ca_untrusted", {}),
    ("GET", "/causes/no_such_cause", {}),
    ("GET", "/badge/healthy-grpc.svg", {}),
    ("GET", "/badge/no-such-target.svg", {}),
    ("GET", "/metrics", {}),
    ("GET", "/metrics", {"Accept": OPENMETRICS}),
    ("GET", "/metrics", {"Accept-Encoding": "gzip"}),
    ("HEAD", "/metrics", {}),
    ("POST", "/metrics", {}),
    ("GET", "/api/v1/targets", {}),
    ("GET", "/api/v1/targets/healthy-grpc", {}),
    ("GET", "/api/v1/targets/no-such-target", {}),
    ("GET", "/-/healthy", {}),
    ("HEAD", "/-/healthy", {}),
    ("GET", "/-/ready", {}),
    ("GET", "/-/reload", {}),
    ("POST", "/-/reload", {"Origin": "http://127.0.0.1"}),
    ("POST", "/-/reload", {"Referer": "http://127.0.0.1/"}),
    ("POST", "/-/reload", {"Sec-Fetch-Site": "same-origin"}),
    ("POST", "/-/reload", {}),
    ("GET", "/no/such/page", {}),
)


def metrics(scene: Scene) -> Json:
    """Return the metrics of a service that has tried each of many targets once."""
    targets = demo_targets(scene) + further_targets(scene)
    whole = {
        "defaults": {"interval": "1h"},
        "targets": targets,
        "web": {"listen": "127.0.0.1:0"},
    }
    config = scene.write("metrics.json", whole)
    with serving(scene.folder, ["run", "--config", config]) as running:
        await_attempts(running)
        answer = running.ask("/metrics")
        open_metrics = running.ask("/metrics", headers={"Accept": OPENMETRICS})
        return {
            "content type": answer.content_type,
            "families": exposition.recorded(parse(answer.body), scene.normal),
            "OpenMetrics": {
                "content type": open_metrics.content_type,
                "types": types(parse(open_metrics.body, openmetrics=True)),
            },
            "/ names every target": all(
                f"/targets/{each['name']}" in running.ask("/").body for each in targets
            ),
        }


def web(scene: Scene) -> Json:
    """Return a service's answers, its reload, its log, and its end."""
    # Two answers are compared, so no attempt may happen between them.
    whole = {
        "defaults": {"interval": "1h"},
        "targets": demo_targets(scene),
        "web": {"listen": "127.0.0.1:0"},
    }
    config = scene.write("web-pages.json", whole)
    with serving(scene.folder, ["run", "--config", config]) as running:
        await_attempts(running)
        return {
            "routes": {
                _request(method, path, headers): _answered(
                    running.ask(path, method=method, headers=headers)
                )
                for method, path, headers in _REQUESTS
            },
            "POST /-/reload with a body": running.ask("/-/reload", method="POST", body=b"x").status,
            "headers of every answer": _headers(running.ask("/-/healthy")),
            "headers of pages": _headers(running.ask("/")),
            "/-/healthy": running.ask("/-/healthy").body,
            "/-/ready": running.ask("/-/ready").body,
            "/api/v1/targets": _api(running),
            "a configuration with an error": _reloads(scene, running, config),
            "exit code after SIGTERM": running.stop(),
            "log": _events(running.log()),
        }


def probe(scene: Scene) -> Json:
    """Return the answers of `/probe` for healthy and broken backends, and for wrong requests."""
    modules = {
        "grpc": {"protocol": "grpc", "tls": scene.tls(), "allow": ["127.0.0.1"]},
        "http": {"protocol": "http/protobuf", "tls": scene.tls(), "allow": ["127.0.0.0/8"]},
        "bare": {"tls": {"ca_file": scene.tls()["ca_file"]}, "allow": ["127.0.0.1"]},
        "closed": {"allow": ["*.example.com:4317"]},
    }
    healthy, http = scene.endpoints["healthy-grpc"], scene.endpoints["healthy-http"]
    untrusted = scene.endpoints["documented-cause-1-client-ca-untrusted"]
    asked = {
        "confirmed over gRPC": {"target": healthy, "module": "grpc"},
        "confirmed over HTTP": {"target": http, "module": "http"},
        "refused: the CA is not trusted": {"target": untrusted, "module": "grpc"},
        "refused: no certificate": {"target": healthy, "module": "bare"},
        "nothing listens": {"target": "127.0.0.1:1", "module": "grpc"},
        "under another name": {"target": healthy, "module": "grpc", "hostname": "localhost"},
        "with its story": {"target": healthy, "module": "grpc", "debug": "true"},
        "not allowed": {"target": healthy, "module": "closed"},
        "no module": {"target": healthy},
        "unknown module": {"target": healthy, "module": "none"},
        "no target": {"module": "grpc"},
        "no address": {"target": "http://[", "module": "grpc"},
    }
    config = scene.write("modules.json", {"modules": modules, "web": {"listen": "127.0.0.1:0"}})
    with serving(scene.folder, ["run", "--config", config]) as running:
        found = {
            name: _probed(scene, running.ask(f"/probe?{urlencode(query)}"))
            for name, query in asked.items()
        }
        twice = running.ask(f"/probe?{urlencode([('target', healthy), ('target', http)])}")
        query = urlencode({"target": healthy, "module": "grpc"})
        open_metrics = running.ask(f"/probe?{query}", headers={"Accept": OPENMETRICS})
        families = parse(open_metrics.body, openmetrics=True)
        nothing = exposition.parse(running.ask("/metrics").body)
    return {
        **found,
        "a parameter twice": _answered(twice),
        "as OpenMetrics": {"content type": open_metrics.content_type, "types": types(families)},
        "/metrics without any target": [
            line
            for line in samples(nothing, scene.normal)
            if line.startswith(("mtls_probe_targets", "mtls_probe_nothing", "mtls_probe_source"))
        ],
    }


def guarded(scene: Scene) -> Json:
    """Return which clients are accepted where `web.config_file` requires TLS, a certificate and a password."""
    own = scene.files / "healthy-grpc"
    web_file = {
        "tls_server_config": {
            "cert_file": str(own / "tls.crt"),
            "key_file": str(own / "tls.key"),
            "client_ca_file": str(own / "exporter-ca.pem"),
            "client_auth_type": "VerifyClientCertIfGiven",
        },
        "http_server_config": {"headers": {"X-Frame-Options": "deny"}},
        "basic_auth_users": {_USER: _HASH},
    }
    web = {"listen": "127.0.0.1:0", "config_file": scene.write("web.json", web_file)}
    config = scene.write("guarded.json", {"targets": [scene.target("one")], "web": web})
    with serving(scene.folder, ["run", "--config", config]) as running:
        anybody = ssl.create_default_context()
        anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
        answer = running.ask("/-/healthy", tls=anybody)
        answers = {
            "no password": answer.status,
            "wrong password": _with_password(running, anybody, "another"),
            "right password": _with_password(running, anybody, _PASSWORD),
            "headers": _headers(answer),
        }
        try:
            plain: int | str = running.ask("/-/healthy").status
        except OSError as error:
            plain = type(error).__name__
    return {**answers, "without TLS": plain}


def _with_password(running: Service, tls: ssl.SSLContext, password: str) -> int:
    given = base64.b64encode(f"{_USER}:{password}".encode()).decode()
    return running.ask("/metrics", tls=tls, headers={"Authorization": f"Basic {given}"}).status


def _api(running: Service) -> Json:
    every = json.loads(running.ask("/api/v1/targets").body)
    one = json.loads(running.ask("/api/v1/targets/healthy-grpc").body)
    (result,) = one["results"]
    same = next(each for each in every["results"] if each["target"] == "healthy-grpc")
    return {
        "document": {key: value for key, value in every.items() if key != "results"},
        "results": len(every["results"]),
        "document of one target": sorted(one),
        "a result is the same in both": result == same,
        "a result": shape(result),
    }


def _reloads(scene: Scene, running: Service, config: str) -> Json:
    text = (scene.folder / config).read_text()
    scene.write(config, {"no_such_key": 1})
    refused = running.ask("/-/reload", method="POST")
    in_force = running.ask("/metrics").body
    scene.write(config, text)
    running.send_signal(signal.SIGHUP)
    end = time.monotonic() + ANSWERS_WITHIN
    name = "mtls_probe_config_last_reload_successful"
    while f"\n{name} 1.0\n" not in running.ask("/metrics").body:
        assert time.monotonic() < end, running.log()
        time.sleep(0.05)
    return {
        "status": refused.status,
        "content type": refused.content_type,
        "names the key": "no_such_key" in refused.body,
        "the old one stays in force": 'mtls_probe_success{target="healthy-grpc"} 1' in in_force,
        f"{name} is 0": f"\n{name} 0.0\n" in in_force,
        "repaired, and after SIGHUP, it is 1": True,
    }


def _events(log: str) -> Json:
    """Return each event of the log with its level and its fields."""
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    events: dict[str, Json] = {}
    for line in lines:
        event = events.setdefault(line["event"], {"level": set(), "fields": set()})
        event["level"].add(line["level"])
        event["fields"] |= set(line)
    return {
        name: {key: sorted(values) for key, values in events[name].items()}
        for name in (
            "listening",
            "target_outcome_changed",
            "config_reloaded",
            "config_reload_failed",
            "stopping",
        )
        if name in events
    }


def _probed(scene: Scene, answer: Answer) -> Json:
    if answer.status == 200 and "version=0.0.4" in answer.content_type:
        return {**_answered(answer), "samples": samples(parse(answer.body), scene.normal)}
    return _answered(answer)


def _request(method: str, path: str, headers: Mapping[str, str]) -> str:
    return " ".join([method, path, *(f"{name}: {value}" for name, value in headers.items())])


def _answered(answer: Answer) -> Json:
    further = {
        name: value
        for name, value in answer.headers.items()
        if name in {"allow", "vary", "content-encoding"}
    }
    return {"status": answer.status, "content type": answer.content_type, **further}


def _headers(answer: Answer) -> Json:
    return {
        name: _HASH_OF_STYLE.sub("<hash>", value)
        for name, value in sorted(answer.headers.items())
        if name not in _PER_CONNECTION
    }
