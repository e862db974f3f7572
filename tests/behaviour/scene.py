"""The environment of the recordings: the demo's backends, backends without TLS, and configurations.

It is made once and shared by all recordings; nothing outside of this machine is contacted.
"""

import json
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from tests.behaviour import product
from tests.behaviour.normal import Normaliser
from tests.behaviour.product import Ended, Service, serving

ANSWERS_WITHIN: Final = 30.0
"""Seconds in which a service has tried all of its targets."""
AT_ONCE: Final = 2
"""Commands at a time: each uses one core."""
STATUSES: Final = (200, 400, 401, 403, 404, 429, 500, 503)
"""The answer of the backends without TLS to an export request."""

Entry = dict[str, Any]
"""One target, as a configuration has it."""


class _PlainBackend(BaseHTTPRequestHandler):
    """Answers `POST /STATUS` with that status, as an OTLP backend without TLS."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Read the request, and answer with the status that the path names."""
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.send_response(int(self.path.strip("/")))
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One set of backends with their configurations and files.

    Attributes:
        folder: Where all files are; every command runs in it.
        demo: The demo's own service.
        endpoints: Of each of the demo's targets, by its name.
        files: The folder with the demo's certificates, one folder for each target.
        plain_port: Where the backend without TLS listens.
        normal: Replaces what varies in recordings.
        stack: What is closed at the end.
    """

    folder: Path
    demo: Service
    endpoints: Mapping[str, str]
    files: Path
    plain_port: int
    normal: Normaliser
    stack: ExitStack

    def run(
        self,
        *arguments: str,
        stdin: str = "",
        variables: Mapping[str, str] | None = None,
        before: Sequence[str] = (),
    ) -> Ended:
        """Run a command."""
        return product.run(self.folder, arguments, stdin=stdin, variables=variables, before=before)

    def run_each(self, commands: Mapping[str, Sequence[str]]) -> dict[str, Ended]:
        """Run commands, two at a time, and return how each ended."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            ended = pool.map(lambda arguments: self.run(*arguments), commands.values())
            return dict(zip(commands, ended, strict=True))

    def write(self, name: str, configuration: object) -> str:
        """Write a configuration, as JSON is YAML too, and return the name of the file."""
        text = configuration if isinstance(configuration, str) else json.dumps(configuration)
        new = self.folder / f"{name}.new"
        new.write_text(text, encoding="utf-8")
        # A service that watches the file never sees half of it.
        new.replace(self.folder / name)
        return name

    def keep(self, held: AbstractContextManager[object]) -> None:
        """Close something at the end of the scene."""
        self.stack.enter_context(held)

    def tls(self, name: str = "healthy-grpc") -> Entry:
        """Return the TLS settings of a target of the demo."""
        own = self.files / name
        settings = {"ca_file": str(own / "server-ca.pem")}
        if (own / "tls.crt").exists():
            settings |= {"cert_file": str(own / "tls.crt"), "key_file": str(own / "tls.key")}
        return settings

    def target(self, name: str, of: str = "healthy-grpc", **more: Any) -> Entry:
        """Return a target called `name`: that of the demo called `of`, with `more` keys."""
        protocol = "http/protobuf" if of == "healthy-http" else "grpc"
        own = {"name": name, "endpoint": self.endpoints[of], "protocol": protocol}
        return {**own, "tls": self.tls(of), **more}


def demo_targets(scene: Scene) -> list[Entry]:
    """Return all targets of the demo as a configuration has them."""
    return [
        scene.target(name, name)
        | (
            {"tls": scene.tls(name) | {"server_name_override": "collector.example.com"}}
            if name.endswith("server-name-mismatch")
            else {}
        )
        for name in scene.endpoints
    ]


def further_targets(scene: Scene) -> list[Entry]:
    """Return targets that each show something that the demo does not."""
    healthy = scene.tls()
    stranger = healthy | {"ca_file": str(scene.files / "healthy-grpc" / "exporter-ca.pem")}
    gone = str(scene.folder / "gone.pem")
    page = f"{scene.demo.host}:{scene.demo.port}"
    plain = [
        {
            "name": f"plain-{status}",
            "endpoint": f"http://127.0.0.1:{scene.plain_port}/{status}",
            "protocol": "http/protobuf",
            "signal": ("traces", "metrics", "logs")[number % 3],
            "tls": {"insecure": True},
        }
        for number, status in enumerate(STATUSES)
    ]
    return [
        scene.target("expected-refusal", "documented-cause-2-client-cert-not-sent")
        | {"expect": {"cause": "client_cert_not_sent"}},
        scene.target("expected-in-vain") | {"expect": {"cause": "client_cert_not_sent"}},
        scene.target("labelled", labels={"team": "payments", "environment": "test"}),
        scene.target("depth-tls", depth="tls"),
        scene.target("depth-canary", "healthy-http", depth="canary"),
        scene.target("not-verified", tls=stranger | {"insecure_skip_verify": True}),
        scene.target("old-version", tls=healthy | {"max_version": "1.2"}),
        scene.target("stranger", tls=stranger),
        scene.target("no-certificate-file", tls=healthy | {"cert_file": gone}),
        scene.target("no-ca-file", tls=healthy | {"ca_file": gone}),
        scene.target("key-as-certificate", tls=healthy | {"cert_file": healthy["key_file"]}),
        scene.target("unknown-cipher", tls=healthy | {"cipher_suites": ["TLS_NONE_OF_THESE"]}),
        scene.target("grpc-to-http", "healthy-http", protocol="grpc"),
        scene.target("http-to-grpc", protocol="http/protobuf"),
        scene.target("without-tls", tls={"insecure": True}),
        scene.target("no-listener", endpoint="127.0.0.1:1"),
        scene.target("no-proxy", proxy_url="http://127.0.0.1:1"),
        scene.target("a-page", endpoint=page),
        *plain,
    ]


def await_attempts(service: Service) -> None:
    """Wait until each target of a service was tried.

    Raises:
        AssertionError: where that does not happen.
    """
    end = time.monotonic() + ANSWERS_WITHIN
    while True:
        document = json.loads(service.ask("/api/v1/targets").body)
        at_work = "\nmtls_probe_in_flight 0.0\n" not in service.ask("/metrics").body
        if document["results"] and not document.get("pending") and not at_work:
            return
        assert time.monotonic() < end, document
        time.sleep(0.1)


@contextmanager
def scene() -> Iterator[Scene]:
    """Run the backends, with their files, as a context."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="behaviour-")))
        demo = stack.enter_context(serving(folder, ["demo", "--listen", "127.0.0.1:0"]))
        plain = ThreadingHTTPServer(("127.0.0.1", 0), _PlainBackend)
        plain.daemon_threads = True
        stack.callback(plain.server_close)
        threading.Thread(target=plain.serve_forever, args=(0.05,), daemon=True).start()
        stack.callback(plain.shutdown)
        await_attempts(demo)
        (files,) = folder.glob("mtls-probe-demo-*")
        results = json.loads(demo.ask("/api/v1/targets").body)["results"]
        yield Scene(
            folder=folder,
            demo=demo,
            endpoints={each["target"]: each["endpoint"] for each in results},
            files=files,
            plain_port=plain.server_port,
            normal=Normaliser(str(folder), _version(folder)),
            stack=stack,
        )


def _version(folder: Path) -> str:
    return product.run(folder, ["--version"]).out.split()[-1]
