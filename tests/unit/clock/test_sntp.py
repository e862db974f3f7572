"""SNTP as bytes: what is asked, what an answer says of our clock, and which answers say nothing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.clock.sntp import (
    Comparison,
    SntpRefusalError,
    encode_question,
    is_answer,
    read_answer,
)
from tests.support.ntp_server import Says

COOKIE = b"\x01cookie!"
SENT = 1_795_341_600.0
YEAR = 365 * 86_400.0


def reading(says: Says, *, elapsed: float = 0.2, at: float = SENT) -> Comparison:
    """Return what an answer says that came half of `elapsed` after our question, by its clock."""
    raw = says.answer(encode_question(COOKIE), at + elapsed / 2)
    assert is_answer(raw, COOKIE)
    return read_answer(raw, sent=at, elapsed=elapsed)


def test_the_question_tells_nothing_of_our_time() -> None:
    """Version 4, mode 3, and random bytes where a client's own time would stand."""
    question = encode_question(COOKIE)
    assert (len(question), question[0], question[40:]) == (48, 0x23, COOKIE)
    assert question[1:40] == bytes(39)


@pytest.mark.parametrize("offset", [0.0, 3.5, -90.0, YEAR, -YEAR, 60 * 86_400.0])
def test_the_offset_is_remote_minus_local(offset: float) -> None:
    """By RFC 5905 §8: the mean of both ways; half the round trip and the server's error bound it."""
    found = reading(Says(offset=offset))
    assert found.offset == pytest.approx(offset, abs=1e-4)
    assert found.uncertainty == pytest.approx(0.1 + 0.005 + 0.02, abs=1e-4)


@pytest.mark.parametrize("offset", [YEAR, 12 * YEAR, 40 * YEAR])
def test_the_era_after_2036_is_read(offset: float) -> None:
    """The seconds start again in February 2036 (RFC 4330 §3)."""
    assert reading(Says(offset=offset)).offset == pytest.approx(offset, abs=1e-3)


@pytest.mark.parametrize(
    "fields",
    [
        {"leap": 3},
        {"stratum": 16},
        {"stratum": 255},
        {"mode": 3},
        {"mode": 5},
        {"version": 7},
        {"transmitted": bytes(8)},
        {"transmitted": b"\x80" + bytes(7)},
        {"transmitted": b"\xff" * 8},
        {"root_delay": 60_000.0},
        {"root_dispersion": 60_000.0},
    ],
)
def test_what_cannot_be_believed_is_refused(fields: dict[str, Any]) -> None:
    """A server that is not synchronised, is none, or contradicts itself, gives no reading."""
    with pytest.raises(SntpRefusalError) as caught:
        reading(Says(**fields))
    assert caught.value.kiss == ""


@pytest.mark.parametrize("code", ["DENY", "RATE", "RSTR"])
def test_a_kiss_of_death_is_distinguished(code: str) -> None:
    """Stratum 0: the server asks to be left alone, and says why."""
    with pytest.raises(SntpRefusalError) as caught:
        reading(Says(stratum=0, code=code.encode()))
    assert caught.value.kiss == code


@pytest.mark.parametrize(
    "raw", [b"", b"\0" * 47, Says().answer(encode_question(b"another!"), SENT)]
)
def test_an_answer_to_another_question_is_none(raw: bytes) -> None:
    """Who did not see our question cannot answer it."""
    assert not is_answer(raw, COOKIE)


@given(st.binary(min_size=48, max_size=80))
def test_no_datagram_does_more_than_be_refused(raw: bytes) -> None:
    """Whatever 48 bytes say, there is a finite reading or a refusal."""
    try:
        found = read_answer(raw, sent=SENT, elapsed=0.1)
    except SntpRefusalError:
        return
    assert abs(found.offset) < 1e10
    assert 0 <= found.uncertainty <= 16
