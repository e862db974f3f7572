"""The table on a terminal: its width, its colour, and text that would do harm."""

import io
import re
import unicodedata
from typing import Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from probe.model.evidence import TargetFacts
from probe.model.target import TlsSettings
from probe.report.story import Row
from probe.report.terminal import print_table
from probe.text.description import describe_path
from tests.support.printed_tables import CONFIRMED, REFUSED, printed, row, without_margin

COLOUR: Final = re.compile(r"\x1b\[[\d;]*3[0-7]")
HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
HOSTILE: Final = {
    "markup of a page": ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    "an escape sequence": ("a\x1b]0;owned\x07b", r"a\x1b]0;owned\x07b"),
    "a C1 control": ("a\x9b31mb", r"a\x9b31mb"),
    "a line break": ("a\nhealthy  confirmed", r"a\x0ahealthy  confirmed"),
    "a carriage return": ("a\rb", r"a\x0db"),
    "a bidi override": ("a\u202eb", r"a\u202eb"),
    "a lone surrogate": ("a\udcffb", r"a\udcffb"),
    "rich's markup": ("[red]a[/red]", "[red]a[/red]"),
    "rich's markup, broken": ("a[/]b", "a[/]b"),
    "an emoji's code": (":boom:", ":boom:"),
}


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Return that it is one."""
        return True


def harmless(line: str) -> bool:
    """Return whether `line` holds no control, format, surrogate or separating character."""
    return not HIDDEN & set(map(unicodedata.category, line))


def on_terminal(monkeypatch: pytest.MonkeyPatch, width: int, *rows: Row) -> list[str]:
    """Return the lines that a terminal of `width` columns shows."""
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("NO_COLOR", "1")
    text = printed(*rows, stream=Terminal())
    return without_margin(re.sub(r"\x1b\[[\d;]*m", "", text))


@pytest.mark.parametrize(
    ("width", "length", "titles"),
    [
        (180, 50, ["TARGET", "ENDPOINT", "OUTCOME", "STAGE", "CAUSE"]),
        (80, 50, ["TARGET", "ENDPOINT", "OUTCOME", "CAUSE"]),
        (80, 250, ["TARGET", "ENDPOINT", "OUTCOME", "CAUSE"]),
        (60, 50, ["TARGET", "OUTCOME", "CAUSE"]),
        (40, 50, ["TARGET", "OUTCOME", "CAUSE"]),
    ],
)
def test_a_narrow_terminal_has_fewer_columns(
    width: int, length: int, titles: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stories tell the rest; nothing runs over the edge, and at 80 no cause is broken."""
    confirmed = row(CONFIRMED, "a-rather-long-name-of-a-target-in-production")
    mismatch = msgspec.structs.replace(REFUSED, cause="client_cert_key_mismatch", certain=False)
    evidence, _ = row(mismatch, "x" * length)
    target = msgspec.structs.replace(evidence.target, endpoint=f"{'y' * length}:4317")
    evidence = msgspec.structs.replace(evidence, target=target)
    shown = on_terminal(monkeypatch, width, confirmed, (evidence, mismatch))
    table = shown[: shown.index("")]
    assert table[0].split() == titles
    assert max(map(len, table)) <= width
    if width >= 80:
        assert any("client_cert_key_mismatch" in line for line in table)
        assert any("confirmed" in line for line in table)


def test_wide_characters_keep_the_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chinese and Japanese ones take two; neither the table nor a story runs over the edge."""
    words = " ".join(["漢字の対象"] * 20)
    diagnosis = msgspec.structs.replace(REFUSED, fix=(words,))
    shown = on_terminal(monkeypatch, 80, row(diagnosis, "漢字" * 30), row(CONFIRMED, "エ"))
    assert max(map(cell_len, shown[: shown.index("")])) <= 80
    lines = [line for line in shown if "漢字の対象" in line]
    assert all(60 < cell_len(line) <= 80 for line in lines[:-1])
    assert len(lines) > 2


@pytest.mark.parametrize("width", [40, 80, 200])
def test_on_a_terminal_a_story_is_wrapped_and_stays_in_its_column(
    width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing runs over the edge but a word that must stay whole: people copy paths."""
    path = "/etc/otel/" + "x" * 60 + "/tls.crt"
    diagnosis = msgspec.structs.replace(REFUSED, fix=(f"look at {path} first", "then elsewhere"))
    lines = on_terminal(monkeypatch, width, row(diagnosis))
    story = lines[lines.index("eu  collector:4317") + 1 :]
    assert all(len(line) <= max(width, 47) or path in line for line in story)
    assert any(path in line for line in story)
    assert all(line.startswith("  ") for line in story)


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_text_is_shown_and_does_nothing(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A target's name is printed as one line of plain text, on a terminal and in a pipe."""
    monkeypatch.setenv("COLUMNS", "200")
    raw, shown = HOSTILE[kind]
    for stream in (io.StringIO(), Terminal()):
        lines = printed(row(REFUSED, raw), row(CONFIRMED), stream=stream).splitlines()
        plain = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in lines]
        assert plain[1].startswith(f"{shown}  ")
        assert plain[2].startswith("eu  ")
        assert plain[3] == ""
        assert plain[4].startswith(f"{shown}  ")
        assert all(map(harmless, plain))


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_paths_reach_no_fix(kind: str) -> None:
    """What the diagnosis puts into a step from the target's own settings has been made safe."""
    raw, shown = HOSTILE[kind]
    tls = TlsSettings(cert_file=raw, key_file=raw, ca_file=raw, server_name_override=raw)
    evidence, _ = row(REFUSED, tls=tls)
    facts: TargetFacts = evidence.target
    files = {facts.cert_file, facts.key_file, facts.ca_file}
    assert facts.reference_identifier == shown
    # Text of several lines is not a path: its description is shown instead.
    several = "\n" in raw or "\r" in raw
    assert files == {describe_path(raw) if several else shown}
    assert all(map(harmless, files))


@given(st.text(max_size=40))
@settings(max_examples=60, deadline=None)
def test_no_name_breaks_the_table(name: str) -> None:
    """Whatever a target is called, nothing comes out that a terminal would act on."""
    assert all(map(harmless, printed(row(CONFIRMED, name)).split("\n")))


def test_colour_is_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal gets it, a pipe never does, whatever FORCE_COLOR says."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert COLOUR.search(printed(row(REFUSED), stream=Terminal()))
    assert "\x1b" not in printed(row(REFUSED))


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR leaves no colour on a terminal."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")
    shown = printed(row(REFUSED), stream=Terminal())
    assert "failed" in shown
    assert not COLOUR.search(shown)


def test_a_reader_who_has_gone_is_the_callers_matter() -> None:
    """A broken pipe is raised; rich would end the process with its own code."""

    class Gone(io.StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        print_table([row(CONFIRMED)], Gone())
