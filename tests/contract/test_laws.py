"""The laws of the architecture, read from the imports and the shape of the source."""

import ast
from collections.abc import Callable
from graphlib import TopologicalSorter
from typing import Final

import pytest

from tests.contract.imports import MODULES, Module

# Down the line only: each room names the rooms that it may import.
FACTS: Final = frozenset({"credential_facts", "evidence", "record"})
EVERYTHING_BELOW_THE_LEDGER: Final = FACTS | {"causes", "diagnosis", "weakness"}
TEXT: Final = frozenset({"described_value", "safe_text"})
SECRETS: Final = frozenset({"known_secrets", "secret_register"})
ALLOWED: Final[dict[str, frozenset[str]]] = {
    "text_kind": frozenset(),
    "described_value": frozenset({"text_kind"}),
    "safe_text": frozenset(),
    "escaped_text": frozenset(),
    "secret_forms": frozenset(),
    "bug_report": TEXT,
    "shell_words": frozenset(),
    "secret_register": frozenset({"escaped_text", "secret_forms"}),
    "layered_register": frozenset({"secret_register"}),
    "known_secrets": frozenset({"described_value", "secret_register", "target"}),
    "target": frozenset({"described_value", "setting_variables"}),
    "setting_variables": frozenset(),
    "own_limits": frozenset(),
    "token_bucket": frozenset(),
    "trace_context": frozenset({"record"}),
    "cipher_suites": frozenset(),
    "record": frozenset(),
    "credential_facts": frozenset({"record"}),
    "evidence": TEXT | {"credential_facts", "record", "setting_variables", "trace_context"},
    "weakness": frozenset({"credential_facts"}),
    "grpc_media": frozenset(),
    "causes": FACTS
    | TEXT
    | {"cipher_suites", "grpc_media", "setting_variables", "shell_words", "weakness"},
    "diagnosis": FACTS | TEXT | {"causes", "weakness"},
    "credentials": FACTS
    | TEXT
    | {"cipher_suites", "own_limits", "setting_variables", "shell_words", "target", "weakness"},
    "inspection": FACTS
    | {"causes", "credentials", "handshake", "safe_text", "shell_words", "target", "weakness"},
    "module": frozenset({"special_addresses", "target"}),
    "sources": SECRETS
    | TEXT
    | {
        "bug_report",
        "cipher_suites",
        "credentials",
        "module",
        "setting_variables",
        "source_state",
        "target",
    },
    "handshake": FACTS
    | SECRETS
    | {
        "credentials",
        "described_value",
        "grpc_media",
        "own_limits",
        "safe_text",
        "target",
        "trace_context",
        "weakness",
    },
    "special_addresses": frozenset(),
    "source_state": frozenset(),
    "ledger": FACTS | {"diagnosis", "safe_text", "target", "trace_context"},
    "schedule": frozenset({"safe_text", "target"}),
    "line": FACTS
    | {
        "credentials",
        "diagnosis",
        "handshake",
        "ledger",
        "safe_text",
        "secret_register",
        "settling",
        "target",
        "token_bucket",
        "trace_context",
    },
    "directories": frozenset({"own_limits"}),
    "serving": TEXT | {"cipher_suites", "secret_register", "sources", "token_bucket", "watching"},
    "watching": frozenset({"directories"}),
    "settling": FACTS | {"causes", "target"},
    "exporters": EVERYTHING_BELOW_THE_LEDGER | {"safe_text"},
    "outputs": EVERYTHING_BELOW_THE_LEDGER
    | {"exporters", "inspection", "ledger", "safe_text", "source_state", "target", "token_bucket"}
    | {"trace_context"},
    "demo": frozenset({"safe_text", "target"}),
}
WIRING: Final = frozenset(
    {
        "__init__",
        "__main__",
        "cli",
        "commands",
        "on_demand",
        "on_demand_rounds",
        "reloading",
        "service",
        "telemetry",
    }
)
"""Rooms that put the others together; no other room imports them."""

DOES_IO: Final = frozenset(
    f"handshake/{name}.py"
    for name in (
        "attempt",
        "clock",
        "connect",
        "connection",
        "dial",
        "experiments",
        "opening",
        "own_addresses",
        "own_time",
        "recheck",
        "resolver",
    )
)
"""The modules of the handshake that touch the network; every other one is sans-I/O."""

SOCKETS: Final = frozenset(
    f"handshake/{name}.py"
    for name in (
        "attempt",
        "connect",
        "connection",
        "dial",
        "opening",
        "own_addresses",
        "resolver",
    )
)
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
LONGEST: Final = 320
"""Lines; a file begins to be too long at 300."""

CLOCK_AND_FILES: Final = frozenset({"now", "open", "today", "utcnow"})


def breaking(law: Callable[[Module], bool]) -> list[str]:
    """Return the names of the modules for which `law` does not hold."""
    return [module.name for module in MODULES if not law(module)]


def is_pure(module: Module) -> bool:
    """Return whether `module` belongs to the part that maps plain values to plain values."""
    if module.room == "handshake":
        return module.name not in DOES_IO
    return module.room in {
        "bug_report",
        "causes",
        "cipher_suites",
        "credential_facts",
        "described_value",
        "diagnosis",
        "escaped_text",
        "evidence",
        "module",
        "special_addresses",
        "record",
        "safe_text",
        "secret_forms",
        "setting_variables",
        "shell_words",
        "target",
        "text_kind",
        "token_bucket",
        "trace_context",
        "weakness",
    }


def test_the_table_of_rooms_points_one_way() -> None:
    """The allowed imports have no cycle, so whoever obeys the table keeps the line straight."""
    TopologicalSorter(ALLOWED).prepare()


def test_every_room_has_its_place() -> None:
    """A room that the table does not name could import anything: give it a place in ALLOWED."""
    assert breaking(lambda module: module.room in WIRING or module.room in ALLOWED) == []


def test_imports_point_down_the_line() -> None:
    """A room that imports one behind it makes data flow back, and no room readable on its own."""
    against = {
        module.name: sorted(module.rooms_imported - ALLOWED[module.room])
        for module in MODULES
        if module.room in ALLOWED and not module.rooms_imported <= ALLOWED[module.room]
    }
    assert against == {}


def test_the_pure_part_touches_nothing_outside() -> None:
    """Diagnosis and protocols work from what they are given: no network, file, clock or thread.

    Recorded evidence then gives the same diagnosis a year later, and tests need no socket.
    """
    against = {
        module.name: module.imports_any(*OUTSIDE_WORLD) | (module.calls & CLOCK_AND_FILES)
        for module in MODULES
        if is_pure(module)
    }
    assert {name: found for name, found in against.items() if found} == {}


def test_sockets_stay_where_attempts_are_made() -> None:
    """The attempt owns its socket, so that an alert is read even after a write has failed.

    The demo's backends have sockets of their own, and the listener has those that were accepted.
    """
    assert (
        breaking(
            lambda module: (
                not module.imports_any("socket")
                or module.name in SOCKETS | {"serving/listener.py"}
                or module.room == "demo"
            )
        )
        == []
    )


def test_connections_are_opened_in_one_place() -> None:
    """Whatever is sent to a target leaves by one door, which a reader can watch."""
    opens = {"connect_ex", "create_connection", "open_connection", "sock_connect"}
    assert (
        breaking(lambda module: not module.calls & opens or module.name == "handshake/dial.py")
        == []
    )


@pytest.mark.parametrize(
    ("library", "rooms"),
    [
        ("apscheduler", {"schedule"}),
        ("prometheus_client", {"outputs"}),
        ("aiohttp", {"handshake/clock.py", "outputs", "service", "serving", "sources"}),
        ("click", {"cli", "commands", "sources"}),
        ("rich", {"outputs"}),
        ("jinja2", {"outputs"}),
        ("ruamel", {"sources"}),
        ("OpenSSL", {"credentials", "handshake", "demo"}),
        ("opentelemetry.proto", {"handshake"}),
        ("opentelemetry.sdk", {"outputs"}),
        ("opentelemetry.exporter", {"outputs"}),
        ("opentelemetry.semconv", {"outputs"}),
    ],
)
def test_a_library_keeps_to_its_rooms(library: str, rooms: set[str]) -> None:
    """A library that few rooms import can be changed, or replaced, in those rooms alone."""
    assert (
        breaking(
            lambda module: (
                not module.imports_any(library) or not {module.room, module.name}.isdisjoint(rooms)
            )
        )
        == []
    )


def test_unofficial_bindings_keep_to_small_modules() -> None:
    """Calls that pyOpenSSL does not offer may change with any release: few places make them."""
    small = {"credentials/bindings.py", "handshake/bindings.py"}
    assert (
        breaking(
            lambda module: (
                not module.imports_any("cryptography.hazmat.bindings")
                or module.name in small
                or module.room == "demo"
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
            lambda module: not module.imports_any("ssl") or module.name == "serving/context.py"
        )
        == []
    )


def test_a_module_has_one_concern() -> None:
    """A file that no longer fits a reader's head holds two concerns."""
    assert (
        breaking(
            lambda module: len(module.path.read_text(encoding="utf-8").splitlines()) <= LONGEST
        )
        == []
    )


def test_a_module_says_what_it_is() -> None:
    """The first thing in a file is one sentence on what the file is."""
    assert breaking(lambda module: bool(ast.get_docstring(module.tree))) == []


def test_a_module_is_named_for_what_it_holds() -> None:
    """A name that fits anything attracts everything."""
    vague = {"common", "data", "helper", "helpers", "manager", "misc", "models", "util", "utils"}
    assert breaking(lambda module: not vague & set(module.parts)) == []


def test_the_laws_see_the_product() -> None:
    """The modules were found at all: no law holds by having nothing to read."""
    assert {"cli.py", "evidence.py", "target.py"} <= {module.name for module in MODULES}
