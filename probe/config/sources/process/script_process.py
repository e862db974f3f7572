"""Interpreters: Python, Node, .NET, Ruby, PHP, and which of their OTLP exporters is there.

Pure but for `read_file`. An interpreter's memory shows its native libraries; packages are files, and
are looked for where that interpreter would find them.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from probe.config.sources.process.node_modules import find_loaded_packages
from probe.config.sources.process.recognised import ReadFile, Recognised
from probe.config.sources.process.running import ProcessView
from probe.model.runtime import CURL, DOTNET, NODE_GRPC, NODE_HTTP, PYTHON_GRPC, PYTHON_HTTP
from probe.model.target import SIGNALS, Protocol, Signal

_PYTHON: Final = re.compile(r"/(?:python|pypy)[\d.]*$|/libpython\d[\d.]*\w*\.so[\d.]*$")
_PACKAGES: Final = re.compile(r"(.*/(?:site|dist)-packages)/")
_VERSION: Final = re.compile(r"/python(\d\.\d{1,2})(?:/|$)")
_NODE: Final = re.compile(r"/(?:node|nodejs)$")
_AUTO_PYTHON: Final = "opentelemetry/instrumentation/auto_instrumentation"
_PYTHON_NAMES: Final[dict[str, Protocol]] = {
    "otlp_proto_grpc": "grpc",
    "otlp_proto_http": "http/protobuf",
}
_NODE_PRELOADS: Final = frozenset(
    {"-r", "--require", "--import", "--loader", "--experimental-loader"}
)
_NODE_AUTO: Final = re.compile(
    r"auto-instrumentations-node|autoinstrumentation\.js$|/autoinstrumentation/"
)
_NODE_PACKAGES: Final = {
    "sdk": "@opentelemetry/sdk-node",
    "grpc": "@opentelemetry/exporter-trace-otlp-grpc",
    "http/protobuf": "@opentelemetry/exporter-trace-otlp-proto",
    "http/json": "@opentelemetry/exporter-trace-otlp-http",
}
_DEEPEST: Final = 16
"""Directories above a script in which Node looks for packages here."""


def is_python(view: ProcessView) -> bool:
    """Return whether a Python runs in the process, also one that is embedded (uWSGI)."""
    return bool(_PYTHON.search(view.executable)) or any(map(_PYTHON.search, view.mapped))


def recognise_python(view: ProcessView, read_file: ReadFile) -> Recognised:
    """Return what is known of the exporters of a Python process."""
    environ = view.environ
    auto = _AUTO_PYTHON in environ.get("PYTHONPATH", "")
    native = any("/cygrpc" in path for path in view.mapped)
    installed = _find_first(
        _list_python_packages(view),
        {
            "grpc": "opentelemetry/exporter/otlp/proto/grpc/__init__.py",
            "http/protobuf": "opentelemetry/exporter/otlp/proto/http/__init__.py",
        },
        read_file,
    )
    protocol: Protocol | None = None
    by = ""
    sdk = ""
    if auto:
        protocol, by = "grpc", "the default of Python's automatic instrumentation"
        sdk = "the automatic instrumentation of PYTHONPATH"
    elif native:
        protocol, by = "grpc", "because grpcio is in its memory"
        sdk = "grpcio in its memory" if "grpc" in installed else ""
    elif installed == {"grpc"}:
        protocol, by = "grpc", "the only OTLP exporter that is installed"
    elif installed:
        protocol, by = "http/protobuf", "because grpcio is not in its memory"
    if installed and not sdk:
        sdk = "opentelemetry-exporter-otlp in its packages"
    return Recognised(
        runtime="Python",
        by=f"its program is {_shown_name(view)}",
        exporter=(PYTHON_HTTP if protocol == "http/protobuf" else PYTHON_GRPC).id,
        sdk=sdk,
        protocol=protocol,
        protocol_by=by,
        zero_code=auto,
        settings=environ,
        signal_protocols=dict(_read_exporter_names(environ)),
        roots=_find_certifi(view, read_file),
    )


def _find_certifi(view: ProcessView, read_file: ReadFile) -> str:
    """Return the file of the package certifi, whose roots `requests` takes; a distribution may lack it."""
    files = (f"{folder}/certifi/cacert.pem" for folder in _list_python_packages(view))
    return next((file for file in files if _exists(file, read_file)), "")


def is_node(view: ProcessView) -> bool:
    """Return whether the process is Node."""
    return bool(_NODE.search(view.executable))


def recognise_node(view: ProcessView, read_file: ReadFile) -> Recognised:
    """Return what is known of the exporters of a Node process."""
    preloads, script = read_node_arguments(view.arguments, view.environ)
    auto = next((name for name in preloads if _NODE_AUTO.search(name)), "")
    loaded = find_loaded_packages((script, *preloads), view.runs_in.working_directory, read_file)
    installed = {kind for kind, name in _NODE_PACKAGES.items() if name in loaded}
    by_name = bool(installed)
    if not installed:
        installed = _find_first(
            _list_node_folders(view, script, preloads),
            {kind: f"node_modules/{name}/package.json" for kind, name in _NODE_PACKAGES.items()},
            read_file,
        )
    protocol: Protocol | None = None
    by, sdk = "", ""
    notes: list[str] = []
    if auto:
        sdk = "the automatic instrumentation that it loads at its start"
    elif "sdk" in installed:
        sdk = f"@opentelemetry/sdk-node {'in its script' if by_name else 'in its packages'}"
    elif installed:
        names = ", ".join(_NODE_PACKAGES[kind] for kind in sorted(installed))
        sdk = f"{names} {'in its script' if by_name else 'in its packages'}"
    if installed == {"grpc"} or (by_name and installed == {"grpc", "sdk"}):
        protocol, by = "grpc", "as its only OTLP exporter does"
    elif auto or ("sdk" in installed and not by_name) or installed == {"sdk"}:
        protocol, by = "http/protobuf", "the default of Node's SDK"
    elif installed and "grpc" not in installed:
        protocol, by = "http/protobuf", "as its only OTLP exporter does"
        if installed == {"http/json"}:
            notes.append("its exporter sends JSON; the probe sends protobuf to the same endpoint")
    return Recognised(
        runtime="Node",
        by=f"its program is {_shown_name(view)}",
        exporter=(NODE_GRPC if protocol == "grpc" else NODE_HTTP).id,
        sdk=sdk,
        protocol=protocol,
        protocol_by=by,
        zero_code=bool(auto),
        settings=view.environ,
        notes=tuple(notes),
    )


def read_node_arguments(
    arguments: Iterable[str], environ: Mapping[str, str]
) -> tuple[tuple[str, ...], str]:
    """Return what Node loads before its script, by NODE_OPTIONS and its own options, and the script."""
    preloads = [*_find_preloads(_split_node_options(environ.get("NODE_OPTIONS", "")))]
    own = list(arguments)[1:]
    position = 0
    while position < len(own) and own[position].startswith("-") and own[position] != "--":
        position += 2 if own[position] in _NODE_PRELOADS else 1
    preloads += _find_preloads(own[:position])
    rest = [one for one in own[position:] if one != "--"]
    return tuple(preloads), rest[0] if rest else ""


def _find_preloads(options: list[str]) -> Iterator[str]:
    for position, option in enumerate(options):
        name, equals, value = option.partition("=")
        if name not in _NODE_PRELOADS:
            continue
        if equals:
            yield value
        elif position + 1 < len(options):
            yield options[position + 1]


def _split_node_options(text: str) -> list[str]:
    r"""Split NODE_OPTIONS at spaces; double quotes hold, and a backslash escapes within them."""
    found: list[str] = []
    token, started, quoted, escaped = [], False, False, False
    for char in text:
        if escaped:
            token.append(char)
            escaped = False
        elif quoted and char == "\\":
            escaped = True
        elif char == '"':
            quoted, started = not quoted, True
        elif char == " " and not quoted:
            if started:
                found.append("".join(token))
            token, started = [], False
        else:
            token.append(char)
            started = True
    return [*found, "".join(token)] if started else found


def recognise_dotnet(view: ProcessView) -> Recognised | None:
    """Return what is known of the exporters of a .NET process, or None where it is another one."""
    names = {path.rpartition("/")[2] for path in view.mapped}
    if not names & {"libcoreclr.so", "System.Private.CoreLib.dll"}:
        return None
    auto = any(name.startswith("OpenTelemetry.AutoInstrumentation") for name in names)
    has_exporter = "OpenTelemetry.Exporter.OpenTelemetryProtocol.dll" in names
    return Recognised(
        runtime=".NET",
        by="the Common Language Runtime is in its memory",
        exporter=DOTNET.id,
        sdk=(
            "OpenTelemetry's automatic instrumentation is in its memory"
            if auto
            else "OpenTelemetry's OTLP exporter is in its memory"
            if has_exporter
            else ""
        ),
        protocol="http/protobuf" if auto else "grpc",
        protocol_by=(
            "the default of .NET's automatic instrumentation"
            if auto
            else "the default of .NET's SDK"
        ),
        zero_code=auto,
        settings=view.environ,
    )


_OTHERS: Final = (
    ("Ruby", re.compile(r"/ruby[\d.]*$|/libruby[\w.-]*\.so[\d.]*$")),
    ("PHP", re.compile(r"/php(?:-fpm|-cgi)?[\d.]*$|/libphp[\d.]*\.so$")),
    ("Erlang", re.compile(r"/beam(?:\.smp)?$")),
    ("C++", re.compile(r"/libopentelemetry_[\w]*otlp[\w.]*\.so[\d.]*$")),
)


def recognise_others(view: ProcessView) -> Recognised | None:
    """Return the name of a runtime whose exporters the probe has no model of, or None."""
    for name, form in _OTHERS:
        for path in (view.executable, *view.mapped):
            if form.search(path):
                http: Protocol | None = (
                    "http/protobuf" if name in {"Ruby", "PHP", "Erlang"} else None
                )
                return Recognised(
                    runtime=name,
                    by=f"{path.rpartition('/')[2]} is in its memory",
                    exporter=CURL.id if name == "PHP" else "",
                    protocol=http,
                    protocol_by=f"the default of {name}'s SDK",
                    settings=view.environ,
                )
    return None


def _read_exporter_names(environ: Mapping[str, str]) -> Iterator[tuple[Signal, Protocol]]:
    """Yield the protocols that OTEL_*_EXPORTER names outright, which come before the variables."""
    for signal in SIGNALS:
        names = environ.get(f"OTEL_{signal.upper()}_EXPORTER", "").split(",")
        named = {_PYTHON_NAMES[name.strip()] for name in names if name.strip() in _PYTHON_NAMES}
        if len(named) == 1:
            yield signal, named.pop()


def _list_python_packages(view: ProcessView) -> list[str]:
    """Return the directories that this Python imports from, as far as the process shows them."""
    found: dict[str, None] = {}
    environ = view.environ
    for folder in environ.get("PYTHONPATH", "").split(":"):
        if folder:
            found[folder] = None
    shown = (view.executable, *view.mapped)
    for path in shown:
        if packages := _PACKAGES.match(path):
            found[packages[1]] = None
    versions = dict.fromkeys(match[1] for path in shown if (match := _VERSION.search(path)))
    program = view.arguments[0] if view.arguments else ""
    for prefix in (
        environ.get("VIRTUAL_ENV", ""),
        program.rpartition("/bin/")[0],
        # A script of a virtual environment (gunicorn) is called by its own path.
        *(one.rpartition("/bin/")[0] for one in view.arguments[1:3]),
        view.executable.rpartition("/bin/")[0],
    ):
        if not prefix.startswith("/"):
            continue
        for version in versions:
            found[f"{prefix}/lib/python{version}/site-packages"] = None
            found[f"{prefix}/local/lib/python{version}/dist-packages"] = None
    return list(found)[:64]


def _list_node_folders(view: ProcessView, script: str, preloads: Iterable[str]) -> list[str]:
    """Return the directories whose node_modules Node looks into: those above the script."""
    found: dict[str, None] = {}
    start = view.runs_in.working_directory
    for file in (script, *preloads, start + "/"):
        path = file.removeprefix("file://")
        if not path.startswith("/"):
            path = f"{start}/{path}"
        parts = path.split("/")[:-1]
        for depth in range(len(parts), max(len(parts) - _DEEPEST, 0), -1):
            found["/".join(parts[:depth]) or "/"] = None
    return list(found)[:64]


def _find_first(folders: Iterable[str], files: Mapping[str, str], read_file: ReadFile) -> set[str]:
    """Return which of `files` are in the first of `folders` that has any."""
    for folder in folders:
        here = {name for name, file in files.items() if _exists(f"{folder}/{file}", read_file)}
        if here:
            return here
    return set()


def _exists(path: str, read_file: ReadFile) -> bool:
    try:
        read_file(path)
    except (OSError, ValueError):
        return False
    return True


def _shown_name(view: ProcessView) -> str:
    return view.runs_in.command
