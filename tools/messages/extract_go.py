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
GRPC: Final = "google.golang.org/grpc@v1.82.1"
OTEL: Final = "go.opentelemetry.io/otel/exporters/otlp"


def list_go_texts(folders: list[str]) -> tuple[str, ...]:
    """Return the texts of the packages in `folders`; `/...` at the end includes those below."""
    command = ["go", "run", str(PROGRAM), *folders]
    printed = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    return choose_texts(json.loads(line) for line in printed.stdout.splitlines())


def ask_go(*words: str) -> str:
    """Return what the `go` command prints."""
    return subprocess.check_output(["go", *words], text=True).strip()  # noqa: S603, S607


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
        "crypto/tls crypto/x509 crypto/x509/internal/... encoding/pem encoding/asn1",
    ),
}
