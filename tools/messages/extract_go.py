"""What Go's standard library, grpc-go, the Go SDK of OpenTelemetry and the Collector can print.

The folders of the installed sources are given to `go_texts/main.go`, which reads their errors and
log lines. Modules come from the module cache, in the version that stands here.
"""

import json
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from tools.messages.library_texts import LibraryTexts, choose_texts

PROGRAM: Final = Path(__file__).parent / "go_texts/main.go"
OTLP: Final = "go.opentelemetry.io/otel/exporters/otlp"
COLLECTOR: Final = "go.opentelemetry.io/collector"
CONTRIB: Final = "github.com/open-telemetry/opentelemetry-collector-contrib"


def list_go_texts(folders: list[str]) -> tuple[str, ...]:
    """Return the texts of the packages in `folders`; `/...` at the end includes those below."""
    command = ["go", "run", str(PROGRAM), *folders]
    printed = subprocess.run(command, check=True, capture_output=True, text=True)
    return choose_texts(json.loads(line) for line in printed.stdout.splitlines())


def ask_go(*words: str) -> str:
    """Return what the `go` command prints."""
    return subprocess.check_output(["go", *words], text=True).strip()


def extract_standard_library(library: str, packages: str) -> LibraryTexts:
    """Return the texts of packages of the machine's Go."""
    source = f"{ask_go('env', 'GOROOT')}/src"
    folders = [f"{source}/{each}" for each in packages.split()]
    return LibraryTexts(library, ask_go("env", "GOVERSION"), list_go_texts(folders))


def extract_modules(library: str, modules: str, packages: str = "/...") -> LibraryTexts:
    """Return the texts of modules of the cache, all of which have the version of the first."""
    cache = ask_go("env", "GOMODCACHE")
    folders = [
        f"{cache}/{module}{package}" for module in modules.split() for package in packages.split()
    ]
    version = modules.split(maxsplit=1)[0].rpartition("@")[2]
    return LibraryTexts(library, version, list_go_texts(folders))


EXTRACTORS: Final[dict[str, Callable[[], LibraryTexts]]] = {
    "go_crypto": partial(
        extract_standard_library,
        "Go crypto/tls and crypto/x509",
        "crypto/tls crypto/x509 encoding/pem encoding/asn1",
    ),
    "go_net": partial(
        extract_standard_library,
        "Go net, net/http (with HTTP/2) and net/url",
        "net net/http net/http/internal/... net/url net/textproto os io syscall",
    ),
    "grpc_go": partial(
        extract_modules,
        "grpc-go",
        "google.golang.org/grpc@v1.84.0",
        "/. /credentials/... /internal/transport/... /internal/resolver/... /internal/balancer/..."
        " /resolver/... /balancer /balancer/base /balancer/pickfirst/... /status /codes",
    ),
    "go_otlp": partial(
        extract_modules,
        "OTLP exporters of the Go SDK",
        f"{OTLP}/otlptrace/otlptracegrpc@v1.45.0 {OTLP}/otlptrace/otlptracehttp@v1.45.0"
        f" {OTLP}/otlptrace@v1.45.0 {OTLP}/otlpmetric/otlpmetricgrpc@v1.45.0"
        f" {OTLP}/otlpmetric/otlpmetrichttp@v1.45.0 {OTLP}/otlplog/otlploggrpc@v0.21.0"
        f" {OTLP}/otlplog/otlploghttp@v0.21.0",
    ),
    "collector": partial(
        extract_modules,
        "OpenTelemetry Collector",
        f"{COLLECTOR}/service@v0.162.0 {COLLECTOR}/config/configtls@v1.68.0"
        f" {COLLECTOR}/config/configgrpc@v1.68.0 {COLLECTOR}/config/confighttp@v0.162.0"
        f" {COLLECTOR}/config/confignet@v1.68.0 {COLLECTOR}/config/configauth@v1.68.0"
        f" {COLLECTOR}/exporter/otlpexporter@v0.162.0 {COLLECTOR}/exporter/otlphttpexporter@v0.162.0"
        f" {COLLECTOR}/exporter/exporterhelper@v0.162.0 {COLLECTOR}/receiver/otlpreceiver@v0.162.0"
        f" {CONTRIB}/exporter/fileexporter@v0.162.0"
        f" {CONTRIB}/extension/storage/filestorage@v0.162.0"
        f" {CONTRIB}/extension/basicauthextension@v0.162.0"
        f" {CONTRIB}/extension/bearertokenauthextension@v0.162.0"
        f" {CONTRIB}/extension/oidcauthextension@v0.162.0"
        f" {CONTRIB}/extension/oauth2clientauthextension@v0.158.0",
    ),
}
