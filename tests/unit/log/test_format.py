"""The form of the log: nothing raw in it, and no line of DEBUG."""

import json
import logging

import pytest
import structlog

from probe.log.format import configure_logging


@pytest.mark.parametrize("human", [False, True])
def test_an_exceptions_text_is_escaped(human: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """A traceback keeps its lines; what a peer may have put into the message does nothing."""
    configure_logging(human=human)
    try:
        raise ValueError("peer said \x1b[31m\u202e")
    except ValueError:
        structlog.get_logger().exception("probe_fault", target="t")
    _, text = capsys.readouterr()
    if not human:
        line = json.loads(text)
        assert line["exception.type"] == "ValueError"
        assert line["exception.message"] == r"peer said \x1b[31m\u202e"
        text = line["exception.stacktrace"]
    assert r"ValueError: peer said \x1b[31m\u202e" in text
    assert all(line.isprintable() for line in text.splitlines())
    assert len(text.splitlines()) > 3


def test_header_blocks_stay_out_of_the_log() -> None:
    """Hpack logs header values at DEBUG: never here, also where the root logger is at DEBUG."""
    configure_logging(human=False)
    assert not logging.getLogger("hpack").isEnabledFor(logging.DEBUG)


def test_debug_lines_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    """The log begins at INFO."""
    configure_logging(human=False)
    structlog.get_logger().debug("detail")
    structlog.get_logger().info("news")
    _, text = capsys.readouterr()
    assert [json.loads(line)["event"] for line in text.splitlines()] == ["news"]
