"""When an answer to a greeting without TLS proves that a port does not speak TLS, and when not."""

import pytest

from probe.diagnosis.diagnose import diagnose
from probe.model.evidence import Evidence, Experiment
from tests.stories.experiments import all_closed, tried, went_on
from tests.support.evidence import alert, attempt, partial_handshake, with_control

SETTINGS = "000012040000000000"
BAD_REQUEST = b"HTTP/1.1 400 Bad Request"


def closed() -> Evidence:
    """Return an attempt whose peer closed upon the ClientHello."""
    return attempt("handshake", "close", handshake=partial_handshake())


def test_a_port_that_answers_without_tls_alone_does_not_speak_it() -> None:
    """Every handshake is closed, and the greeting is answered."""
    greeted = tried("plaintext", "not_tls", first_bytes=SETTINGS)
    found = diagnose(with_control(closed(), *all_closed(), greeted))

    assert (found.cause, found.certain) == ("not_tls", True)


@pytest.mark.parametrize(
    "other",
    [
        went_on("every_group"),
        tried("every_version", "alert", handshake=partial_handshake(alert(40))),
    ],
    ids=["a ServerHello", "an alert"],
)
def test_a_port_that_took_part_in_a_handshake_speaks_tls(other: Experiment) -> None:
    """A backend that flaps, or was replaced during the round, answers one thing and the other."""
    greeted = tried("plaintext", "not_tls", first_bytes=SETTINGS)
    rest = [one for one in all_closed() if one.varied != other.varied]
    found = diagnose(with_control(closed(), *rest, other, greeted))

    assert found.cause != "not_tls"


@pytest.mark.parametrize("length", range(1, len(BAD_REQUEST) + 1))
def test_the_400_of_a_tls_port_proves_nothing_however_short(length: int) -> None:
    """Nginx and Go say 400 to a greeting on a TLS port; of the answer any part may come."""
    greeted = tried("plaintext", "not_tls", first_bytes=BAD_REQUEST[:length].hex())
    found = diagnose(with_control(closed(), *all_closed(), greeted))

    assert (found.cause, found.certain) == ("connection_closed", False)
