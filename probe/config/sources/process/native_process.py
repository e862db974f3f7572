"""Programs that hold their SDK in the executable: Go and Rust; and the Collector, which Go builds.

Pure but for the executable, which is passed in. What is linked is what counts: a variable does not
choose a protocol whose exporter is not there.
"""

import json
import re
import zlib
from typing import BinaryIO, Final

from probe.config.sources.process.go_build_info import GoBuild, read_section
from probe.config.sources.process.recognised import Recognised
from probe.model.runtime import GO_GRPC, GO_HTTP, RUST_REQWEST, RUST_TONIC
from probe.model.target import Protocol
from probe.text.safe_text import safe_text

COLLECTOR_MODULE: Final = "go.opentelemetry.io/collector/otelcol"
"""Linked into every distribution of the Collector, and into nothing else."""
_OTLP: Final = "go.opentelemetry.io/otel/exporters/otlp/"
_AUTOEXPORT: Final = "go.opentelemetry.io/contrib/exporters/autoexport"

_CHUNK: Final = 1 << 20
_SEARCHED: Final = 192 << 20
_CRATE: Final = re.compile(rb"(opentelemetry-otlp|tonic|reqwest)-(\d{1,3}\.\d{1,3}\.\d{1,3})")
_AUDITED: Final = b".dep-v0"
"""Where cargo-auditable keeps the crates, compressed JSON."""


def is_collector(build: GoBuild | None) -> bool:
    """Return whether a Go program is a distribution of the Collector, whatever it is called."""
    return build is not None and COLLECTOR_MODULE in build.modules


def recognise_go(build: GoBuild) -> Recognised:
    """Return what is known of the exporters of a Go program."""
    linked = sorted(name for name in build.modules if name.startswith(_OTLP))
    grpc = any(name.endswith("grpc") for name in linked)
    http = any(name.endswith("http") for name in linked)
    by = f"its executable says {safe_text(build.go, 32)}"
    only: Protocol | None = None
    protocol: Protocol | None = "http/protobuf"
    why = "the default of autoexport"
    if _AUTOEXPORT not in build.modules:
        only = "grpc" if grpc and not http else "http/protobuf" if http and not grpc else None
        protocol, why = only, "the only OTLP exporter that is linked into it"
    shown = [f"{name.rpartition('/')[2]} {build.modules[name]}" for name in linked]
    return Recognised(
        runtime="Go",
        by=by,
        exporter=(GO_HTTP if only == "http/protobuf" else GO_GRPC).id,
        sdk=f"{safe_text(', '.join(shown))} in its executable" if linked else "",
        protocol=protocol,
        only_protocol=only,
        protocol_by=why,
        secure=True,
    )


def recognise_rust(executable: BinaryIO) -> Recognised | None:
    """Return what is known of the exporters of a Rust program, or None where it shows no crate."""
    crates = _read_audited(executable) or _find_crates(executable)
    version = crates.get("opentelemetry-otlp")
    if version is None:
        return None
    tonic, reqwest = "tonic" in crates, "reqwest" in crates
    only: Protocol | None = (
        "grpc" if tonic and not reqwest else "http/protobuf" if reqwest and not tonic else None
    )
    return Recognised(
        runtime="Rust",
        by="its executable names crates",
        exporter=(RUST_REQWEST if only == "http/protobuf" else RUST_TONIC).id,
        sdk=f"opentelemetry-otlp {version} in its executable",
        protocol=only,
        only_protocol=only,
        protocol_by="the only OTLP exporter that is linked into it",
    )


def _read_audited(executable: BinaryIO) -> dict[str, str]:
    raw = read_section(executable, _AUDITED, _CHUNK)
    if raw is None:
        return {}
    try:
        text = zlib.decompressobj().decompress(raw, 8 * _CHUNK)
        packages = json.loads(text)["packages"]
        return {
            str(each["name"]): safe_text(str(each["version"]), 32)
            for each in packages
            if each.get("kind", "runtime") == "runtime"
        }
    except (zlib.error, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _find_crates(executable: BinaryIO) -> dict[str, str]:
    """Return the crates whose sources are named in messages of panics (`/tonic-0.12.3/src/…`)."""
    found: dict[str, str] = {}
    rest = b""
    try:
        executable.seek(0)
        if executable.read(4) != b"\x7fELF":
            return {}
        for _ in range(_SEARCHED // _CHUNK):
            chunk = executable.read(_CHUNK)
            if not chunk:
                break
            for name, version in _CRATE.findall(rest + chunk):
                found.setdefault(name.decode(), version.decode())
            rest = chunk[-64:]
    except (OSError, ValueError):
        return {}
    return found
