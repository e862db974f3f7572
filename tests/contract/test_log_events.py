"""The events of the log: each has a stable name, is declared once, and is on its page."""

import re

from probe.log.log_events import EVENTS
from tests.contract.log_events import PAGE, log_calls, page


def test_every_event_of_the_source_is_declared_and_every_declared_one_is_logged() -> None:
    """An event that no table has cannot be found; one that nothing logs is waited for in vain."""
    calls = list(log_calls())
    assert [call.place for call in calls if call.event is None] == []
    assert {call.event for call in calls} == set(EVENTS)


def test_every_field_is_declared_with_its_event() -> None:
    """The page says which fields an event has."""
    undeclared = {
        (call.place, field)
        for call in log_calls()
        if call.event is not None
        for field in call.fields - set(EVENTS[call.event].fields)
    }
    assert undeclared == set()


def test_names_are_in_snake_case() -> None:
    """A name is a word to search for, not a sentence."""
    assert [name for name in EVENTS if not re.fullmatch(r"[a-z]+(_[a-z]+)*", name)] == []


def test_the_page_is_current() -> None:
    """docs/log-events.md is generated: `make references`."""
    assert PAGE.read_text(encoding="utf-8") == page()
