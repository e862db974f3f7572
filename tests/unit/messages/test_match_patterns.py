"""Every pattern of `explain` can match and leads to a page, and the texts on the pages are patterns."""

from probe.diagnosis.catalogue import CATALOGUE
from probe.messages.patterns import alert_meanings
from probe.messages.patterns import message_families as families
from probe.messages.patterns.alert_patterns import ALERT_NAMES, PrintedAlert
from probe.messages.patterns.pasted import normal_form
from probe.messages.patterns.pattern import Pattern
from probe.messages.printed import list_printed_texts
from tests.support.every_row import every_row
from tests.support.explanations import PATTERNS, ids


def test_what_we_say_that_exporters_print_is_recognised() -> None:
    """Nearly every text on a cause's page leads back to that cause."""
    texts = [
        (cause.id, one.text.replace("…", "x"))
        for cause in CATALOGUE.values()
        for one in list_printed_texts(cause.id, cause.alerts)
        if cause.id != "clock_skew"
    ]
    lost = [(cause, text) for cause, text in texts if cause not in ids(text)]

    assert len(texts) > 200
    assert len(lost) < 0.1 * len(texts), lost


def test_every_cause_named_is_in_the_catalogue() -> None:
    """No pattern leads to a cause that has no page."""
    shapes = [shape.pattern for shape in families.SHAPES]
    of_signs = {
        each.cause
        for pattern in (*PATTERNS, *shapes)
        for each in (*pattern.exporter, *pattern.backend)
    }
    of_alerts = {
        each.cause
        for number in ALERT_NAMES
        for sent in (True, False)
        for withholds in (True, False)
        for each in alert_meanings.read_alert(
            PrintedAlert(number, sent), printed_by_backend=False, withholds=withholds
        )
    }

    assert of_signs | of_alerts <= set(CATALOGUE)


@every_row(pattern=PATTERNS)
def test_a_pattern_can_match(pattern: Pattern) -> None:
    """Each phrase has words in its normal form, and weights are shares."""
    for phrase in pattern.phrases:
        assert all(normal_form(part) for part in phrase.split("…")), phrase
    assert all(0 < each.weight <= 1 for each in (*pattern.exporter, *pattern.backend))
