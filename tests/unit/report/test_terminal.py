"""The table and the stories: colour where it belongs, and hostile text that does nothing."""

from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.diagnose import diagnose
from probe.model.diagnosis import Diagnosis
from probe.model.finding import Finding
from probe.model.runtime import RUNTIMES
from probe.report.story import build_story
from tests.stories.all_stories import BY_NAME, STORIES
from tests.support.printed_tables import CONFIRMED, REFUSED, printed, row, without_margin


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


def test_a_pipe_gets_one_line_for_each_target() -> None:
    """However long its name is: who searches there finds it whole."""
    name = "x" * 250
    assert printed(row(CONFIRMED, name)).splitlines()[1].startswith(f"{name}  collector:4317  ")


def test_a_pipe_gets_each_sentence_on_a_line_of_its_own() -> None:
    """Who searches a log finds it whole."""
    meaning = CATALOGUE["client_ca_untrusted"].meaning
    assert meaning in printed(row(REFUSED))


def test_what_experiments_showed_is_reported() -> None:
    """What was varied, and what came of it."""
    case = next(one for one in STORIES if one.evidence.experiments)
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
    case = BY_NAME["client_ca_untrusted--lone"]
    text = printed((case.evidence, diagnose(case.evidence)))
    assert "\n  to decide      " in text
    assert "what would decide" not in text


def test_an_exporter_alone_fails_and_several_fail() -> None:
    """One line for all that end alike, in words that agree."""
    each = {runtime.name for runtime in RUNTIMES}
    endings = {
        one.text.partition(":")[0]
        for case in STORIES
        for one in build_story(case.evidence, diagnose(case.evidence))
        if one.section == "exporters"
    }
    alone = {line.partition(" fails ")[0] for line in endings if " fails " in line}
    together = {line.partition(" fail ")[0] for line in endings if " fail " in line}
    assert alone
    assert together
    assert alone <= each
    assert not together & each


def test_who_is_accepted_where_a_refusal_was_expected_stands_out() -> None:
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
    assert "no proof that the backend accepts this exporter" in text


def test_a_finding_is_reported_of_a_confirmed_target() -> None:
    """What is true but stopped nothing is a note."""
    finding = Finding(cause="client_cert_expires_soon", fact="it expires in 3 days")
    diagnosis = Diagnosis(outcome="confirmed", stage="export", findings=(finding,))
    assert "note           it expires in 3 days (client_cert_expires_soon)" in printed(
        row(diagnosis)
    )
