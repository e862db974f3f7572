"""The documentation is whole: links lead somewhere, and what it names exists."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
import pytest

from probe.cli.main import COMMANDS, cli
from probe.config.loader import load_configuration
from probe.config.schema import DefaultsEntry, FileEntry
from probe.diagnosis.catalogue import CATALOGUE
from probe.metrics.blackbox import BLACKBOX_FAMILIES
from probe.metrics.families import SERVICE_FAMILIES, TARGET_FAMILIES
from tests.contract.imports import ROOT
from tests.contract.reference_pages import COMMAND_LINE, list_options, written_command_line

DOCS: Final = ROOT / "docs"
PAGES: Final = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    ROOT / "config" / "helm" / "mtls-probe" / "README.md",
    ROOT / "config" / "kubernetes" / "README.md",
    ROOT / "grafana" / "README.md",
    ROOT / "tests" / "faults" / "README.md",
    *sorted(DOCS.glob("*.md")),
)
LINK: Final = re.compile(r"\[[^\]]+\]\((?!https?:|mailto:)([^)#]*)(#[^)]*)?\)")
HEADING: Final = re.compile(r"^#+ (.*)$", re.MULTILINE)
COMMAND: Final = re.compile(r"mtls-probe ([a-z]+)((?: [^\n`|#]*)?)")
OPTION: Final = re.compile(r"(?<!\S)(--[a-z][a-z-]+)")
MAKE: Final = re.compile(r"\bmake ([a-z][a-z-]*)")
CAUSE_LIKE: Final = re.compile(r"mtls-probe explain ([a-z]+(?:_[a-z]+)+)")
EXIT_CODES: Final = {"0", "1", "2", "3"}

NAME: Final = re.compile(r"`([a-z]+(?:_[a-z0-9]+)+)`")
METRIC: Final = re.compile(r"(?<![\w.:])(mtls_probe_[a-z_]+[a-z])(?![\w*=]|\.py)")
SERIES_SUFFIX: Final = re.compile(r"_(?:bucket|count|sum)$")
METRICS: Final = {
    family.name for family in (*TARGET_FAMILIES, *SERVICE_FAMILIES, *BLACKBOX_FAMILIES)
}
BASES: Final = (ROOT, ROOT / "probe")
FOLDERS: Final = {path.name for base in BASES for path in base.iterdir() if path.is_dir()}
PATH: Final = re.compile(r"`(\w+)(/[\w./-]*)`")
YAML: Final = re.compile(r"```yaml\n(.*?)```", re.DOTALL)
SETTING: Final = re.compile(r"`([a-z_]+: [\[{].*?[\]}])`")


def read(page: Path) -> str:
    """Return the text of a page."""
    return page.read_text(encoding="utf-8")


REFERENCES: Final = tuple(
    DOCS / name for name in ("configuration.md", "metrics.md", "json.md", "log-events.md")
)
"""Pages that other tests compare with the code."""
ABOUT_CODE: Final = {"adding-a-cause.md", "architecture.md", "upgrading.md", "CONTRIBUTING.md"}
"""Pages that name functions, or names of before."""
FOREIGN: Final = {"sending_queue", "key_file_mode", "always_off", "grafana_dashboard"}
"""Names of a Collector, of spiffe-helper, of the SDK and of Grafana, which the probe has not."""
KNOWN: Final = {
    *CATALOGUE,
    *FOREIGN,
    *(name for page in REFERENCES for name in re.findall(r"\b[a-z]+(?:_[a-z0-9]+)+", read(page))),
}


def find_configurations(page: Path) -> Iterator[str]:
    """Yield what the page shows of a configuration file: blocks of YAML, and single settings."""
    keys = FileEntry.__struct_fields__
    targets = DefaultsEntry.__struct_fields__
    for text in (*YAML.findall(read(page)), *SETTING.findall(read(page))):
        if "…" in text or "ID" in text:
            continue
        names = set(re.findall(r"^([a-z_]+):", text, re.MULTILINE))
        if names and names <= {*keys}:
            is_whole = names & {"targets", "sources", "modules"}
            yield text if is_whole else f"{text}\ntargets: [{{endpoint: 'collector:4317'}}]"
        elif names and names <= {*targets, "expect"}:
            yield f"targets: [{{endpoint: 'collector:4317', {text}}}]"


every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def anchors(page: Path) -> set[str]:
    """Return the anchors that a forge makes of the page's headings."""
    return {
        "#" + re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in HEADING.findall(page.read_text(encoding="utf-8"))
    }


def code_of(page: Path) -> str:
    """Return what the page sets as code, in blocks or within a line."""
    found = re.findall(r"```\w*\n(.*?)```|`([^`\n]+)`", page.read_text(encoding="utf-8"), re.DOTALL)
    return "\n".join(block or inline for block, inline in found)


def options_of(command: str) -> set[str]:
    """Return the options that the command knows."""
    context = click.Context(cli)
    found = cli.get_command(context, command)
    assert found is not None
    return {
        option
        for parameter in found.get_params(click.Context(found))
        for option in (*parameter.opts, *parameter.secondary_opts)
    }


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    """A link within the repository names a file that is there, and a heading of it."""
    broken = []
    for path, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        aim = (page.parent / path).resolve() if path else page
        if not aim.exists() or (anchor and anchor not in anchors(aim)):
            broken.append(path + anchor)
    assert broken == []


def test_the_index_lists_every_page() -> None:
    """Nobody finds a page that the index does not list."""
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    assert [
        p.name for p in DOCS.glob("*.md") if p.name != "README.md" and p.name not in index
    ] == []


@every_page
def test_commands_exist_with_their_options(page: Path) -> None:
    """Commands in a page exist, and have the options that the page gives them."""
    unknown = []
    for command, rest in COMMAND.findall(code_of(page)):
        if command not in COMMANDS:
            unknown.append(command)
            continue
        unknown += [f"{command} {o}" for o in OPTION.findall(rest) if o not in options_of(command)]
    assert unknown == []


@every_page
def test_make_targets_exist(page: Path) -> None:
    """`make X` of a page is a target of the Makefile."""
    targets = set(
        re.findall(
            r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
        )
    )
    assert set(MAKE.findall(code_of(page))) <= targets


@every_page
def test_causes_exist(page: Path) -> None:
    """The cause whose page a text asks to read is in the catalogue."""
    if page.name != "adding-a-cause.md":  # its cause is an example
        assert set(CAUSE_LIKE.findall(code_of(page))) <= set(CATALOGUE)


@every_page
def test_names_in_backticks_exist(page: Path) -> None:
    """`snake_case` in a page is a cause, or a name that one of the reference pages has."""
    if page.name not in ABOUT_CODE and ROOT / "tests" not in page.parents:
        assert set(NAME.findall(read(page))) - KNOWN == set()


@every_page
def test_metrics_exist(page: Path) -> None:
    """A metric is written as Prometheus stores it."""
    found = set(METRIC.findall(read(page)))
    assert {name for name in found if SERIES_SUFFIX.sub("", name) not in METRICS} == set()


@every_page
def test_files_exist(page: Path) -> None:
    """A path in backticks is a file or a folder, seen from the root or from `probe/`."""
    missing = [
        folder + rest
        for folder, rest in PATH.findall(read(page))
        if folder in FOLDERS and not any((base / (folder + rest)).exists() for base in BASES)
    ]
    assert missing == []


def test_the_rooms_of_the_architecture_exist_with_their_files() -> None:
    """Every room is in the table, and the files to read first are in it."""
    page = read(DOCS / "architecture.md")
    rows = re.findall(r"^\| (`\w+/`(?:, `\w+/`)*) \|.*\|([^|]*)\|$", page, re.MULTILINE)
    documented = set()
    for names, files in rows:
        rooms = re.findall(r"`(\w+)/`", names)
        documented |= set(rooms)
        for file in re.findall(r"`(\w+\.py)`", files):
            assert any(list((ROOT / "probe" / room).rglob(file)) for room in rooms), file
    assert documented == {path.parent.name for path in (ROOT / "probe").glob("*/__init__.py")}


@every_page
def test_configurations_load(page: Path, tmp_path: Path) -> None:
    """Whatever a page shows of a configuration file, whole or one key, can be loaded."""
    for text in find_configurations(page):
        file = tmp_path / "mtls-probe.yml"
        file.write_text(text, encoding="utf-8")
        load_configuration(file, {"TOKEN": "a-token"}, known_causes=CATALOGUE)


def test_every_command_is_documented() -> None:
    """The page of the command line has a row for each command, and no other."""
    text = (DOCS / "command-line.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `mtls-probe ([a-z]+)` \|", text, re.MULTILINE)) == set(COMMANDS)


def test_every_exit_code_is_documented() -> None:
    """The table of exit codes is whole."""
    text = (DOCS / "command-line.md").read_text(encoding="utf-8")
    table = text.split("## Exit codes", 1)[1]
    assert set(re.findall(r"^\| (\d+) \|", table, re.MULTILINE)) == EXIT_CODES


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_documented(command: str) -> None:
    """Each command has its table of options; `make references` writes it from the code."""
    text = COMMAND_LINE.read_text(encoding="utf-8")
    assert f"<!-- table: {command} -->" in text
    assert [option.opts for option in list_options(command) if not option.help] == []


def test_the_page_of_the_command_line_is_current() -> None:
    """`python -m tests.contract.reference_pages` was run after the last change."""
    assert COMMAND_LINE.read_text(encoding="utf-8") == written_command_line()
