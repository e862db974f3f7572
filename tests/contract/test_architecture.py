"""The rules of docs/architecture.md, read from the imports and the shape of the source."""

import ast
from collections.abc import Callable
from graphlib import TopologicalSorter
from typing import Final

import pytest

from tests.contract.drawing import GROUPS, PAGE, draw
from tests.contract.imports import MODULES, Module

# Each room names the rooms that it may import ("one-way imports" in docs/architecture.md).
ALLOWED: Final[dict[str, frozenset[str]]] = {
    "text": frozenset(),
    "model": frozenset({"text"}),
    "system": frozenset({"text"}),
    "surroundings": frozenset({"model", "system", "text"}),
    "x509": frozenset({"model", "text"}),
    "credentials": frozenset(
        {"exporters", "model", "surroundings", "system", "text", "tls", "x509"}
    ),
    "tls": frozenset({"exporters", "model", "text", "x509"}),
    "otlp": frozenset({"model", "text"}),
    "changes": frozenset({"model", "text", "x509"}),
    "diagnosis": frozenset({"changes", "exporters", "model", "text", "x509"}),
    "messages": frozenset({"model"}),
    "exporters": frozenset({"model", "text", "x509"}),
    "forecast": frozenset({"diagnosis", "exporters", "model", "text", "x509"}),
    "comparison": frozenset({"diagnosis", "exporters", "messages", "model", "x509"}),
    "inspection": frozenset(
        {"credentials", "diagnosis", "exporters", "model", "surroundings", "text", "x509"}
    ),
    "attempt": frozenset(
        {
            "credentials",
            "exporters",
            "model",
            "otlp",
            "surroundings",
            "system",
            "text",
            "tls",
            "x509",
        }
    ),
    "clock": frozenset({"attempt", "model", "otlp", "system", "text"}),
    "config": frozenset({"exporters", "model", "surroundings", "text"}),
    "ledger": frozenset({"model"}),
    "log": frozenset({"changes", "ledger", "model", "system", "text"}),
    "report": frozenset(
        {
            "changes",
            "comparison",
            "diagnosis",
            "exporters",
            "forecast",
            "inspection",
            "ledger",
            "messages",
            "model",
            "text",
            "x509",
        }
    ),
    "schemas": frozenset({"config", "diagnosis", "model", "report"}),
    "alerting": frozenset({"diagnosis", "model"}),
    "metrics": frozenset({"changes", "diagnosis", "ledger", "model", "report", "text", "x509"}),
    "telemetry": frozenset({"config", "diagnosis", "ledger", "model", "text"}),
    "web": frozenset(
        {
            "changes",
            "comparison",
            "config",
            "diagnosis",
            "forecast",
            "ledger",
            "metrics",
            "model",
            "report",
            "system",
            "text",
            "x509",
        }
    ),
    "backend": frozenset(
        {"credentials", "diagnosis", "exporters", "model", "otlp", "text", "tls", "x509"}
    ),
    "demo": frozenset({"backend", "model"}),
}
WIRING: Final = frozenset({"__init__", "__main__", "cli", "service"})
"""Rooms that put the others together; no other room imports them."""

PURE: Final = frozenset(
    {
        "changes",
        "comparison",
        "diagnosis",
        "exporters",
        "forecast",
        "messages",
        "model",
        "otlp",
        "text",
        "tls",
        "x509",
    }
)
"""Rooms that map plain values to plain values."""

PURE_MODULES: Final = frozenset({
    "attempt/masking.py", "attempt/otlp_session.py", "attempt/proxy.py", "attempt/session.py",
    "attempt/target_facts.py", "clock/sntp.py",
})  # fmt: skip
"""Pure modules in a room that is not pure: transport and time are passed to them."""

LOCKED: Final = frozenset({"text/secret_register.py"})
"""Pure but for a lock: every thread masks by the same register."""

SOCKETS: Final = frozenset(
    f"attempt/{name}.py"
    for name in (
        "address_order",
        "connect",
        "target_network",
        "prober",
        "pump",
        "resolver",
        "stub_resolver",
    )
)
"""The modules that hold a socket to a target, or ask the system for an address."""
OUTSIDE_WORLD: Final = (
    "aiohttp",
    "apscheduler",
    "asyncio",
    "os",
    "pathlib",
    "prometheus_client",
    "selectors",
    "shutil",
    "socket",
    "subprocess",
    "tempfile",
    "threading",
    "time",
    "uvloop",
)
LONGEST: Final = 400
"""Lines of a file."""
SHORTEST: Final = 40
"""Lines below which a file, other than an `__init__`, needs a reason."""
MOST_SHORT_FILES: Final = 40

CLOCK_AND_FILES: Final = frozenset({"now", "open", "today", "utcnow"})


def breaking(rule: Callable[[Module], bool]) -> list[str]:
    """Return the names of the modules for which `rule` does not hold."""
    return [module.name for module in MODULES if not rule(module)]


def lines_of(module: Module) -> int:
    """Return how many lines the source of `module` has."""
    return len(module.path.read_text(encoding="utf-8").splitlines())


def test_the_table_of_rooms_points_one_way() -> None:
    """The allowed imports have no cycle, so modules that obey the table form one pipeline."""
    TopologicalSorter(ALLOWED).prepare()


def test_the_drawing_is_current() -> None:
    """docs/architecture.md shows the imports as they are: `python -m tests.contract.drawing`."""
    assert {room for rooms in GROUPS.values() for room in rooms} == set(ALLOWED) | {
        "cli",
        "service",
    }
    assert draw() in PAGE.read_text(encoding="utf-8")


def test_every_room_has_its_place() -> None:
    """A room that the table does not name could import anything: give it a place in ALLOWED."""
    assert breaking(lambda module: module.room in WIRING or module.room in ALLOWED) == []


def test_imports_point_one_way() -> None:
    """A room that imports one behind it makes data flow back, and no room readable on its own."""
    against = {
        module.name: sorted(module.rooms_imported - ALLOWED[module.room])
        for module in MODULES
        if module.room in ALLOWED and not module.rooms_imported <= ALLOWED[module.room]
    }
    assert against == {}


def test_the_command_line_stands_on_top() -> None:
    """The service can be used without the command line, so it does not import it."""
    assert (
        breaking(lambda module: module.room != "service" or "cli" not in module.rooms_imported)
        == []
    )


def test_modules_of_a_room_import_each_other_one_way() -> None:
    """Two modules that import each other are one module in two files."""
    names = {module.dotted: module for module in MODULES}
    graph = {
        dotted: {each for each in module.imports if each in names and each != dotted}
        for dotted, module in names.items()
    }
    TopologicalSorter(graph).prepare()


def test_pure_rooms_touch_nothing_outside() -> None:
    """Diagnosis and protocols work only on their arguments: no network, file, clock or thread.

    Recorded evidence then gives the same diagnosis a year later, and tests need no socket.
    """
    against = {
        module.name: module.imports_any(*OUTSIDE_WORLD) | (module.calls & CLOCK_AND_FILES)
        for module in MODULES
        if (module.room in PURE or module.name in PURE_MODULES) and module.name not in LOCKED
    }
    assert {name: found for name, found in against.items() if found} == {}


def test_no_two_files_have_one_name() -> None:
    """A name that occurs twice makes a reader open the wrong file."""
    names = [module.path.name for module in MODULES if module.path.name != "__init__.py"]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_few_files_are_short() -> None:
    """A concern that fills a few lines is mostly a part of another one."""
    short = breaking(
        lambda module: module.path.name.startswith("__") or lines_of(module) >= SHORTEST
    )
    assert len(short) < MOST_SHORT_FILES, short


def test_sockets_stay_where_attempts_are_made() -> None:
    """The attempt owns its socket, so that an alert is read even after a write has failed.

    The demo's backends have their own sockets, and the listener has those that were accepted.
    """
    assert (
        breaking(
            lambda module: (
                not module.imports_any("socket")
                or module.name in SOCKETS | {"web/server/listener.py"}
                or module.room == "backend"
            )
        )
        == []
    )


def test_connections_are_opened_in_one_place() -> None:
    """Everything that is sent to a target goes through one module, which a reader can check.

    What `listen` hands on goes through another, to the one address that its user gives.
    """
    opens = {"connect_ex", "create_connection", "open_connection", "sock_connect"}
    places = {"attempt/connect.py", "backend/forward.py"}
    assert breaking(lambda module: not module.calls & opens or module.name in places) == []


@pytest.mark.parametrize(
    ("library", "rooms"),
    [
        ("apscheduler", {"service/schedule.py"}),
        ("dns", {"attempt/stub_resolver.py"}),
        ("prometheus_client", {"metrics"}),
        ("aiohttp", {"clock", "config", "service", "web"}),
        ("click", {"cli", "config"}),
        ("rich", {"report"}),
        ("jinja2", {"web"}),
        ("ruamel", {"config", "alerting"}),
        ("OpenSSL", {"attempt", "backend", "credentials", "tls", "x509"}),
        ("opentelemetry.proto", {"otlp"}),
        ("opentelemetry.sdk", {"telemetry"}),
        ("opentelemetry.exporter", {"telemetry"}),
        ("opentelemetry.semconv", {"telemetry"}),
    ],
)
def test_a_library_keeps_to_its_rooms(library: str, rooms: set[str]) -> None:
    """A library that few rooms import can be updated, or replaced, in those rooms only."""
    assert (
        breaking(
            lambda module: (
                not module.imports_any(library) or not {module.room, module.name}.isdisjoint(rooms)
            )
        )
        == []
    )


JUDGED_IN_X509: Final = frozenset(
    {"authority_key_id", "extended_key_usage", "key_bits", "not_after", "signature_hash"}
)
"""What of a certificate nobody else compares with anything."""


def test_certificates_are_judged_in_one_room() -> None:
    """Two rooms that each judge a date or a usage disagree sooner or later."""
    compared = {
        module.name: {
            part.attr
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Compare)
            for part in ast.walk(node)
            if isinstance(part, ast.Attribute)
        }
        for module in MODULES
        if module.room != "x509"
    }
    assert {name for name, found in compared.items() if found & JUDGED_IN_X509} == set()


def test_unofficial_bindings_keep_to_one_module() -> None:
    """Calls that pyOpenSSL does not offer may change with any release: one place makes them."""
    assert (
        breaking(
            lambda module: (
                not module.imports_any("cryptography.hazmat.bindings")
                or module.name == "tls/bindings.py"
                or module.room == "backend"
            )
        )
        == []
    )


def test_no_module_uses_the_standard_librarys_tls() -> None:
    """Python's own TLS shows neither alert numbers nor verification errors at their depth.

    Its OpenSSL may also be another one than pyOpenSSL's, in the same process.
    """
    assert (
        breaking(
            lambda module: (
                not module.imports_any("ssl") or module.name == "web/server/server_tls.py"
            )
        )
        == []
    )


def test_a_module_has_one_concern() -> None:
    """A file that no longer fits a reader's head holds two concerns."""
    assert breaking(lambda module: lines_of(module) <= LONGEST) == []


def test_a_module_says_what_it_is() -> None:
    """The first thing in a file is one sentence on what the file is."""
    assert breaking(lambda module: bool(ast.get_docstring(module.tree))) == []


def test_a_module_is_named_for_what_it_holds() -> None:
    """A name that fits anything attracts everything."""
    vague = {"common", "data", "helper", "helpers", "manager", "misc", "models", "util", "utils"}
    assert breaking(lambda module: not vague & set(module.parts)) == []


def test_the_rules_see_the_product() -> None:
    """The modules were found: no rule passes because there is nothing to read."""
    assert {"cli/main.py", "model/evidence.py", "model/target.py"} <= {
        module.name for module in MODULES
    }
