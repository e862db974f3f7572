"""The table and the stories: colour where it belongs, and hostile text that does nothing."""

import io
import re
import unicodedata
from typing import Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from probe.causes.catalogue import CATALOGUE
from probe.diagnosis import Diagnosis, Finding, diagnose
from probe.evidence import Ending, Evidence, TargetFacts
from probe.exporters.runtime import RUNTIMES
from probe.handshake.prepared import target_facts
from probe.outputs.story import story
from probe.outputs.terminal import Row, print_table
from probe.target import Endpoint, Target, TlsSettings
from tests.golden.build import CASES

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
CONFIRMED: Final = Diagnosis(outcome="confirmed", stage="export")
REFUSED: Final = Diagnosis(
    outcome="failed",
    stage="accept",
    cause="client_ca_untrusted",
    family="backend_ca_trust",
    facts=("the backend sent alert unknown_ca (48)",),
    fix=("add the CA",),
)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Return that it is one."""
        return True


def row(
    diagnosis: Diagnosis,
    name: str = "eu",
    expect: str | None = None,
    tls: TlsSettings | None = None,
) -> Row:
    """Return what `check` knows of one target."""
    target = Target(
        name=name,
        endpoint=Endpoint("collector", 4317),
        expect_cause=expect,
        tls=tls or TlsSettings(),
    )
    evidence = Evidence(
        target=target_facts(target, 60.0),
        at=0.0,
        ending=Ending(stage=diagnosis.stage, kind="alert"),
    )
    return evidence, diagnosis


def printed(*rows: Row, stream: io.StringIO | None = None) -> str:
    """Return what is printed of `rows`."""
    stream = stream or io.StringIO()
    print_table(rows, stream)
    return stream.getvalue()


def without_margin(text: str) -> list[str]:
    """Return the lines without the spaces that fill a column."""
    return [line.rstrip() for line in text.splitlines()]


def harmless(line: str) -> bool:
    """Return whether `line` holds no control, format, surrogate or separating character."""
    return not HIDDEN & set(map(unicodedata.category, line))


def test_a_confirmed_target_is_one_row() -> None:
    """Where nothing is wrong there is no story."""
    assert without_margin(printed(row(CONFIRMED))) == [
        "TARGET  ENDPOINT        OUTCOME    STAGE   CAUSE",
        "eu      collector:4317  confirmed  export",
    ]


def test_a_failure_has_its_story() -> None:
    """What happened, what was seen, what it means, who must act, and what to do."""
    _, _, *story = without_margin(printed(row(REFUSED)))
    meaning = CATALOGUE["client_ca_untrusted"].meaning
    assert story == [
        "",
        "eu  collector:4317",
        "  what happened  The backend does not trust the CA of the exporter's certificate "
        "(client_ca_untrusted), found at accept",
        "  seen           the backend sent alert unknown_ca (48)",
        f"  it means       {meaning}",
        "                 who must act: the backend's side",
        "  fix            1. add the CA",
    ]


def test_the_worst_story_comes_first() -> None:
    """Critical before warning before what is only not proven; what was expected comes last."""
    weak = Diagnosis(outcome="failed", stage="accept", cause="client_cert_weak")
    silent = Diagnosis(outcome="unconfirmed", stage="export", certain=False)
    rows = [
        row(REFUSED, "as-expected", expect="client_ca_untrusted"),
        row(silent, "silent"),
        row(weak, "weak"),
        row(REFUSED, "refused"),
    ]
    stories = [line.split()[0] for line in printed(*rows).splitlines()[5:] if "  collector" in line]
    assert stories == ["refused", "weak", "silent", "as-expected"]
    assert printed(*rows).splitlines()[-1] == "3 of 4 targets are not as expected"
    assert printed(*rows[:1] * 2).splitlines()[-1] == "all 2 targets are as expected"


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


def test_a_pipe_gets_one_line_for_each_target() -> None:
    """However long its name is: who searches there finds it whole."""
    name = "x" * 250
    assert printed(row(CONFIRMED, name)).splitlines()[1].startswith(f"{name}  collector:4317  ")


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


def test_a_pipe_gets_each_sentence_on_a_line_of_its_own() -> None:
    """Who searches a log finds it whole."""
    meaning = CATALOGUE["client_ca_untrusted"].meaning
    assert meaning in printed(row(REFUSED))


def test_what_experiments_showed_is_told() -> None:
    """What was varied, and what came of it."""
    case = next(one for one in CASES if one.evidence.experiments)
    text = printed((case.evidence, diagnose(case.evidence)))
    assert "\n  tried          " in text


def test_uncertainty_is_said() -> None:
    """`certain: false` is on the row, and what remains possible in the story."""
    diagnosis = Diagnosis(
        outcome="failed",
        stage="accept",
        cause="client_ca_untrusted",
        certain=False,
        also=("client_cert_revoked",),
    )
    text = printed(row(diagnosis))
    assert "client_ca_untrusted (not certain)" in text
    assert "proven too, or still possible: client_cert_revoked" in text
    assert "likely but not certain" in text


def test_what_would_decide_stands_apart_from_what_was_seen() -> None:
    """Nobody has looked at it yet."""
    case = next(one for one in CASES if one.name == "client_ca_untrusted--lone")
    text = printed((case.evidence, diagnose(case.evidence)))
    assert "\n  to decide      " in text
    assert "what would decide" not in text


def test_an_exporter_alone_fails_and_several_fail() -> None:
    """One line for all that end alike, in words that agree."""
    each = {runtime.name for runtime in RUNTIMES}
    told = {
        told.text.partition(":")[0]
        for case in CASES
        for told in story(case.evidence, diagnose(case.evidence))
        if told.kind == "exporters"
    }
    alone = {line.partition(" fails ")[0] for line in told if " fails " in line}
    together = {line.partition(" fail ")[0] for line in told if " fail " in line}
    assert alone
    assert together
    assert alone <= each
    assert not together & each


def test_who_got_in_where_a_refusal_was_expected_stands_out() -> None:
    """A success that is alarming: mTLS is not enforced; an ordinary one has no such mark."""
    shown = printed(row(CONFIRMED, expect="client_cert_not_sent"))
    assert "confirmed (not as expected)" in shown
    assert "none; client_cert_not_sent was expected" in shown
    assert "expected" not in printed(row(CONFIRMED))


def test_a_failure_that_is_expected_says_so() -> None:
    """A target that must fail this way is not to be taken for a broken one."""
    assert "failed (as expected)" in printed(row(REFUSED, expect="client_ca_untrusted"))
    other = printed(row(REFUSED, expect="client_cert_not_sent"))
    assert "(as expected)" not in other
    assert "where client_cert_not_sent was expected" in other
    assert "as expected" not in printed(row(REFUSED))


def test_unconfirmed_is_no_success() -> None:
    """Silence after a handshake has a story too."""
    text = printed(row(Diagnosis(outcome="unconfirmed", stage="export", certain=False)))
    assert "unconfirmed" in text
    assert "no proof that the backend lets this exporter in" in text


def test_a_finding_is_told_of_a_confirmed_target() -> None:
    """What is true but stopped nothing is a note."""
    finding = Finding(cause="client_cert_expires_soon", fact="it expires in 3 days")
    diagnosis = Diagnosis(outcome="confirmed", stage="export", findings=(finding,))
    assert "note           it expires in 3 days (client_cert_expires_soon)" in printed(
        row(diagnosis)
    )


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
    assert {facts.cert_file, facts.key_file, facts.ca_file, facts.reference_identifier} == {shown}


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
