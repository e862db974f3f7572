"""Writes docs/exporters.md: what each exporter accepts, from what was measured."""

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.lab.exporters.generators.files import credential_files
from tests.lab.exporters.measured_facts import MeasuredExporter, read_facts
from tests.lab.exporters.offers_section import render_offers

PAGE: Final = Path(__file__).parents[3] / "docs" / "exporters.md"

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "Go": ("collector", "collector-http", "go-grpc", "go-http"),
    "Java": ("java-okhttp", "java-jdk"),
    "Java Netty": ("java-grpc", "java-grpc-shaded"),
    "Python gRPC": ("python-grpc",),
    "Python HTTP": ("python-http",),
    "Node": ("node-grpc", "node-http"),
    "Rust tonic": ("rust-tonic",),
    "Rust reqwest": ("rust-reqwest",),
    "curl": ("curl",),
    "Ruby": ("ruby",),
}
"""Exporters that read files by the same code share a column; a difference shows in the cell."""

_MARKS: Final = {"ok": "✓", "load": "✗", "connect": "○", "fail": "○", "abort": "†", "hang": "∞"}

_HEAD: Final = """\
# What each exporter accepts

<!-- Written by `make references` from tests/lab/exporters/measured. -->

Every cell of this page was measured: the real exporter loaded the file and exported one span to a backend that demands a client certificate. [The laboratory](../tests/lab/exporters/README.md) has the programs, the cases and the texts that each exporter printed.

| mark | means |
|---|---|
| ✓ | the span arrived |
| ✗ | the exporter refuses the file |
| ○ | the exporter takes the file, and the connection fails |
| † | the process ends |
| ✓/○ | the exporters of this column differ, in the order in which they are listed below |

.NET is not on this page: what the probe says about it was read in its source, not measured.

## Who was measured

| column | exporters | how credentials get in |
|---|---|---|
"""

_SETTINGS: Final = {
    "Go": "the Collector's `tls:` block; the SDK's `OTEL_EXPORTER_OTLP_*`. The SDK logs a file that it cannot use and goes on without it",
    "Java": "`OTEL_EXPORTER_OTLP_*`, for the agent too",
    "Java Netty": "an application's own channel: `GrpcSslContexts.forClient().trustManager(…).keyManager(…)`. Without one, this sender reads `OTEL_EXPORTER_OTLP_*`, refuses bad files, and then uses none of them",
    "Python gRPC": "`OTEL_EXPORTER_OTLP_*`; without `_CERTIFICATE`, the other two are ignored",
    "Python HTTP": "`OTEL_EXPORTER_OTLP_*`; `REQUESTS_CA_BUNDLE` and `CURL_CA_BUNDLE` win over `_CERTIFICATE`",
    "Node": "`OTEL_EXPORTER_OTLP_*`. A file that cannot be read is a warning, and the exporter goes on without it",
    "Rust tonic": "in code: `ClientTlsConfig::ca_certificate` and `identity`; no variable is read",
    "Rust reqwest": "in code: `tls_certs_only` and `Identity::from_pem`; no variable is read",
    "curl": "`CURLOPT_CAINFO`, `CURLOPT_SSLCERT`, `CURLOPT_SSLKEY`: PHP's curl stands for the PHP SDK",
    "Ruby": "as the Ruby SDK does it: `ca_file`, `OpenSSL::X509::Certificate.new`, `OpenSSL::PKey::RSA.new`",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: what it is about, and the cases whose marks stand in each cell."""

    what: str
    cases: tuple[str, ...]


def render_page() -> str:
    """Return the page."""
    facts = read_facts("files")
    cells = _Cells(facts)
    return "\n".join(
        [
            _HEAD + _render_exporters(facts),
            *_render_sections(cells),
            *_render_chains(),
            *render_offers(),
            "",
        ]
    )


class _Cells:
    """The marks of the measured facts."""

    def __init__(self, facts: dict[str, MeasuredExporter]) -> None:
        self.columns = {
            column: [facts[each] for each in exporters if each in facts]
            for column, exporters in COLUMNS.items()
            if any(each in facts for each in exporters)
        }

    def mark(self, column: str, case: str) -> str:
        """Return one mark, or several where the exporters of the column differ."""
        marks = [_MARKS[each.answers[case].outcome] for each in self.columns[column]]
        return marks[0] if len(set(marks)) == 1 else "/".join(marks)

    def row(self, cases: Sequence[str]) -> list[str]:
        """Return the cells of one row."""
        return [" ".join(self.mark(column, case) for case in cases) for column in self.columns]


def _render_exporters(facts: dict[str, MeasuredExporter]) -> str:
    lines = []
    for column, exporters in COLUMNS.items():
        measured = [each for each in exporters if each in facts]
        if not measured:
            continue
        versions: dict[str, str] = {}
        for each in measured:
            versions |= facts[each].versions
        listed = ", ".join(f"{_short(name)} {version}" for name, version in versions.items())
        lines.append(
            f"| {column} | {', '.join(f'`{e}`' for e in measured)}: {listed} | {_SETTINGS[column]} |"
        )
    return "\n".join([*lines, ""])


def _short(name: str) -> str:
    return (
        name.removeprefix("go.opentelemetry.io/")
        .removeprefix("collector/config/")
        .removeprefix("otel/exporters/otlp/otlptrace/")
    )


def _render_sections(cells: _Cells) -> Iterable[str]:
    cases = {each.id: each for each in credential_files()}

    def rows(choose: Callable[[str], bool]) -> list[Row]:
        return [Row(each.what, (each.id,)) for each in cases.values() if choose(each.id)]

    def groups(prefix: str, roles: Sequence[str]) -> list[Row]:
        """Return a row for each id that `prefix` begins and the first role ends."""
        found = []
        for id_, case in cases.items():
            if id_.startswith(prefix) and id_.endswith(f"-{roles[0]}"):
                base = id_.removesuffix(f"-{roles[0]}")
                ids = [f"{base}-{role}" for role in roles]
                if all(each in cases for each in ids):
                    found.append(Row(case.what, tuple(ids)))
        return found

    yield from _section(
        "Kinds of keys",
        "A certificate and its key of each kind.",
        rows(lambda case: case.startswith("kind-")),
        cells,
    )
    yield from _section(
        "Formats of the key",
        "The certificate is good; the key file is as the row says.",
        rows(
            lambda case: (
                case.startswith(
                    (
                        "key-",
                        "label-",
                        "encrypted-",
                        "dek-",
                        "two-keys",
                        "parameters-",
                        "plain-then",
                        "sec1-par",
                    )
                )
                or (case.startswith("format-") and case.endswith("-key"))
            )
        ),
        cells,
    )
    yield from _section(
        "Formats of the certificate and of the CA file",
        "Two marks: as the client's certificate, and as the CA file.",
        groups("format-", ("cert", "ca")),
        cells,
    )
    wrappings = [
        row
        for row in groups("", ("cert", "key", "ca", "sec1"))
        if not row.cases[0].startswith(("before-", "after-", "format-", "odd-", "between-"))
    ]
    yield from _section(
        "Wrapping and damage",
        "Three marks: of the certificate, of the key (PKCS#8), of the CA file.",
        [Row(row.what, row.cases[:3]) for row in wrappings],
        cells,
    )
    yield from _section(
        "One file for several things",
        "Certificates, keys and comments in one file, in both orders.",
        rows(lambda case: case.startswith(("one-file", "cert-then", "key-then", "old-", "joined"))),
        cells,
    )
    yield from _section(
        "What stands between, before and behind",
        "Five marks: between leaf and intermediate; between another CA and ours; before the certificate, the key, the CA.",
        [
            Row(
                cases[case].what.removesuffix(" between leaf and intermediate"),
                (
                    case,
                    *(case.replace("-chain", "-ca"),),
                    *(f"before-{case[8:-6]}-{role}" for role in ("cert", "key", "ca")),
                ),
            )
            for case in cases
            if case.startswith("between-") and case.endswith("-chain")
        ],
        cells,
    )
    yield from _section(
        "Chains in the certificate file",
        "The client's certificate is signed by an intermediate; the backend knows the root.",
        rows(lambda case: case.startswith("chain-")),
        cells,
    )
    yield from _section(
        "What may be the CA file",
        "An anchor is what the server's chain may end in.",
        rows(lambda case: case.startswith(("anchor", "bundle-"))),
        cells,
    )
    yield from _section(
        "Odd certificates",
        "Two marks: as the client's certificate, and as another CA's in front of ours. Go, as the backend, refuses some that the client could read.",
        groups("odd-", ("cert", "other")),
        cells,
    )
    yield from _section(
        "Missing, and in the wrong place",
        "A setting that is not given, a file that is not there, a directory.",
        rows(
            lambda case: case.startswith(
                ("not-set", "missing", "directory", "swapped", "ca-as-", "cert-as-")
            )
        ),
        cells,
    )


_LEVELS: Final = ("leaf", "intermediate", "root")


def _render_chains() -> Iterable[str]:
    """Yield what each exporter makes of a server's chain with one rule broken or bent."""
    facts = {**read_facts("chains"), **read_facts("handshakes")}
    names = {"go": "Go"} | {
        exporter: column for column, ids in COLUMNS.items() for exporter in ids if exporter in facts
    }
    shown = [each for each in names if each in facts]
    known = set.intersection(*(set(facts[each].answers) for each in shown)) if shown else set()
    rules = [
        case.removeprefix("rule/").removesuffix("/leaf")
        for case in facts[shown[0]].answers
        if case.startswith("rule/") and case.endswith("/leaf")
    ]
    table = []
    for rule in rules:
        cases = [f"rule/{rule}/{level}" for level in _LEVELS]
        if not known.issuperset(cases):
            continue
        marks = [
            " ".join("✓" if facts[each].answers[case].outcome == "ok" else "✗" for case in cases)
            for each in shown
        ]
        if len(set(marks)) > 1:
            table.append(f"| {rule} | {' | '.join(marks)} |")
    yield "\n## Rules for the server's chain\n"
    yield (
        "The server sends a leaf and an intermediate; the exporter trusts the root. One rule is "
        "broken or bent, in the leaf, the intermediate or the root: three marks, ✓ where the chain "
        "is trusted. Only rules on which exporters differ; the names are those of the cases "
        "([generators](../tests/lab/exporters/generators/chain_rules.py)).\n"
    )
    yield f"| | {' | '.join(f'`{each}`' for each in shown)} |\n|---|{':-:|' * len(shown)}"
    yield "\n".join(table)


def _section(title: str, intro: str, rows: Sequence[Row], cells: _Cells) -> Iterable[str]:
    """Yield a table of the rows that differ; what is the same everywhere is a list."""
    alike: dict[str, list[str]] = {}
    table = []
    for row in rows:
        marks = cells.row(row.cases)
        if len(set(marks)) == 1 and "✓" in marks[0]:
            alike.setdefault(f"Everywhere **{marks[0]}**", []).append(row.what)
        elif "✓" not in "".join(marks):
            alike.setdefault("Nowhere does the span arrive with", []).append(row.what)
        else:
            table.append(f"| {_cell(row.what)} | {' | '.join(marks)} |")
    yield f"\n## {title}\n\n{intro}\n"
    if table:
        yield f"| | {' | '.join(cells.columns)} |\n|---|{':-:|' * len(cells.columns)}"
        yield "\n".join(table)
    for summary, whats in sorted(alike.items()):
        yield f"\n{summary}: {'; '.join(_cell(each) for each in whats)}."


def _cell(text: str) -> str:
    return (
        text.replace("|", "\\|")
        .replace("<", "&lt;")
        .replace("*", "\\*")
        .replace("\\n", "`\\n`")
        .replace("\\r", "`\\r`")
    )


if __name__ == "__main__":
    PAGE.write_text(render_page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")
