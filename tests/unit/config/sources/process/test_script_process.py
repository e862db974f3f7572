"""Which exporter an interpreter has is known by its memory, its packages and its options."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.config.sources.process.running import ProcessView, gather_process
from probe.config.sources.process.script_process import (
    is_node,
    is_python,
    read_node_arguments,
    recognise_dotnet,
    recognise_node,
    recognise_others,
    recognise_python,
)
from tests.support.proc_tree import ProcTree

PACKAGES = "/venv/lib/python3.11/site-packages"
EXPORTERS = f"{PACKAGES}/opentelemetry/exporter/otlp/proto"


def view(
    folder: Path,
    *arguments: str,
    environ: Mapping[str, str] | None = None,
    executable: str = "/usr/bin/python3.11",
    mapped: Iterable[str] = (),
) -> ProcessView:
    """Return a process as /proc shows it."""
    tree = ProcTree(folder)
    tree.add(10, arguments, environ, executable=executable, mapped=list(mapped))
    return gather_process(10, tree.files)


def having(*files: str, texts: Mapping[str, str] | None = None) -> Callable[[str], bytes]:
    """Return a reader that finds these files."""

    def read(path: str) -> bytes:
        if texts and path in texts:
            return texts[path].encode()
        if path in files:
            return b""
        raise FileNotFoundError(2, "No such file or directory")

    return read


def test_pythons_exporter_over_grpc_is_in_its_memory(tmp_path: Path) -> None:
    """The one over HTTP is not; where both are installed that tells them apart."""
    both = having(f"{EXPORTERS}/grpc/__init__.py", f"{EXPORTERS}/http/__init__.py")
    native = [f"{PACKAGES}/grpc/_cython/cygrpc.cpython-311.so"]
    found = recognise_python(view(tmp_path / "a", "python", mapped=native), both)
    assert (found.exporter, found.protocol) == ("python-grpc", "grpc")
    other = view(tmp_path / "b", "/venv/bin/python", "app.py")
    found = recognise_python(other, both)
    assert (found.exporter, found.protocol) == ("python-http", "http/protobuf")
    assert "packages" in found.sdk
    assert not recognise_python(other, having()).sdk


def test_pythons_automatic_instrumentation_exports_everything(tmp_path: Path) -> None:
    """Its directory stands in PYTHONPATH; the name of an exporter decides over the protocol."""
    environ = {
        "PYTHONPATH": f"{PACKAGES}/opentelemetry/instrumentation/auto_instrumentation:{PACKAGES}",
        "OTEL_TRACES_EXPORTER": "otlp_proto_http",
    }
    found = recognise_python(view(tmp_path, "python", environ=environ), having())
    assert found.zero_code
    assert (found.protocol, found.signal_protocols) == ("grpc", {"traces": "http/protobuf"})


@pytest.mark.parametrize(
    ("script", "exporter", "protocol"),
    [
        ("require('@opentelemetry/exporter-trace-otlp-grpc')", "node-grpc", "grpc"),
        (
            'import { X } from "@opentelemetry/exporter-trace-otlp-proto/build"',
            "node-http",
            "http/protobuf",
        ),
        ("require('./tracing')", "node-grpc", "grpc"),
        ("require('@opentelemetry/sdk-node')", "node-http", "http/protobuf"),
        ("", "node-http", None),
    ],
)
def test_nodes_exporter_is_named_in_its_script(
    tmp_path: Path, script: str, exporter: str, protocol: str | None
) -> None:
    """Also in a file that it loads; packages that are only installed say less."""
    process = view(tmp_path, "node", "app.js", executable="/usr/bin/node")
    texts = {
        "/srv/app/app.js": script,
        "/srv/app/tracing.js": "import('@opentelemetry/exporter-trace-otlp-grpc')",
    }
    base = "/srv/node_modules/@opentelemetry"
    installed = [f"{base}/exporter-trace-otlp-{kind}/package.json" for kind in ("grpc", "proto")]
    found = recognise_node(process, having(*installed, texts=texts))
    assert is_node(process)
    assert (found.exporter, found.protocol) == (exporter, protocol)


def test_what_node_loads_first() -> None:
    """By its variable, whose quoting is its own, and by its options before the script."""
    environ = {"NODE_OPTIONS": r'--require "./a \"b\".js" --import=c.mjs --max-old-space-size=9'}
    arguments = ("node", "--enable-source-maps", "-r", "./d.js", "app.js", "-r", "no.js")
    assert read_node_arguments(arguments, environ) == (('./a "b".js', "c.mjs", "./d.js"), "app.js")


def test_dotnet_and_runtimes_without_a_model(tmp_path: Path) -> None:
    """The exporter's assembly is in memory; others are named."""
    mapped = [
        "/usr/share/dotnet/libcoreclr.so",
        "/app/OpenTelemetry.Exporter.OpenTelemetryProtocol.dll",
    ]
    found = recognise_dotnet(
        view(tmp_path / "a", "dotnet", executable="/usr/bin/dotnet", mapped=mapped)
    )
    assert found is not None
    assert (found.exporter, found.protocol, bool(found.sdk)) == ("dotnet", "grpc", True)
    ruby = view(tmp_path / "b", "puma", executable="/usr/bin/ruby3.1")
    assert recognise_dotnet(ruby) is None
    assert not is_python(ruby)
    other = recognise_others(ruby)
    assert other is not None
    assert (other.runtime, other.exporter) == ("Ruby", "")


@given(
    st.text(alphabet=' "\\-r=ab', max_size=40), st.lists(st.text(alphabet="-r=ab./", max_size=8))
)
def test_any_options_of_node_are_read(options: str, arguments: list[str]) -> None:
    """Whatever they are."""
    read_node_arguments(arguments, {"NODE_OPTIONS": options})
