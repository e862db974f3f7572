"""Keys that no longer have an effect: a warning in place of an error, and nothing else changes."""

from pathlib import Path

import pytest

from probe.config.errors import ConfigurationError
from probe.config.loader import load_configuration
from tests.support.configuration_texts import Load
from tests.support.web_fleet import Fleet

EXAMPLE = Path(__file__).parents[3] / "config" / "mtls-probe.yml"
TARGETS = "targets: [{endpoint: 'c:4317'}]\n"


@pytest.mark.parametrize(
    "written",
    [
        "alertmanager: {url: 'http://user:S3cret-password@alertmanager:9093'}",
        "alertmanager: {url: 'http://alertmanager:9093', timeout: 5s}",
        "alertmanager: http://user:S3cret-password@alertmanager:9093",
        "alertmanager: [a, b]",
        "alertmanager:",
    ],
)
def test_an_alertmanager_key_is_one_warning_and_no_error(load: Load, written: str) -> None:
    """Whatever it holds: the warning says where it stands and what to do, and shows no value."""
    without, having = load(TARGETS), load(TARGETS + written)

    (warning,) = having.warnings
    assert "line 2: alertmanager has no effect" in warning
    assert "mtls-probe rules" in warning
    assert "S3cret" not in warning
    assert having.targets == without.targets


def test_without_it_there_is_no_warning(load: Load) -> None:
    """Neither in a file of one line nor in the documented example."""
    assert load(TARGETS).warnings == ()
    assert load_configuration(EXAMPLE, {}).warnings == ()


def test_a_key_that_never_was_stays_an_error(load: Load) -> None:
    """Only what an earlier release took is let through."""
    with pytest.raises(ConfigurationError, match="alertmanagers"):
        load(TARGETS + "alertmanagers: {url: 'http://alertmanager:9093'}")


async def test_the_status_page_shows_the_warnings_of_the_configuration_in_force() -> None:
    """Who never looks at stderr sees them there, escaped; without any there is no banner."""
    async with Fleet("eu").serve() as client, client.get("/") as response:
        assert "without the effect that they seem to have" not in await response.text()

    fleet = Fleet("eu")
    async with (
        fleet.serve(warnings=("line 2: <b>old</b>",)) as client,
        client.get("/") as response,
    ):
        text = await response.text()
    assert "without the effect that they seem to have" in text
    assert "line 2: &lt;b&gt;old&lt;/b&gt;" in text


async def test_there_is_no_page_of_alerts() -> None:
    """Prometheus has them."""
    async with Fleet("eu").serve() as client, client.get("/api/v1/alerts") as response:
        assert response.status == 404
