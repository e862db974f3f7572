"""The pages' colours: one palette, and enough contrast in both schemes."""

import re

import pytest

from probe.web.pages.rendering import STYLE
from tests.support.colour_contrast import contrast


def colours(scheme: str) -> dict[str, str]:
    """Return the style sheet's variables in a colour scheme."""
    light, dark = re.findall(r":root \{([^}]*)\}", STYLE)
    pairs = re.findall(r"--(\w+): (#[0-9a-f]{6})", light)
    if scheme == "dark":
        pairs += re.findall(r"--(\w+): (#[0-9a-f]{6})", dark)
    return dict(pairs)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("ground", ["bg", "panel"])
@pytest.mark.parametrize("ink", ["text", "link", "quiet", "bad", "unsure", "good"])
def test_every_text_has_enough_contrast(scheme: str, ground: str, ink: str) -> None:
    """WCAG 2.2 AA, 1.4.3: 4.5 to 1, in both colour schemes and on both grounds."""
    palette = colours(scheme)

    assert contrast(palette[ink], palette[ground]) >= 4.5


def test_no_colour_stands_outside_the_palette() -> None:
    """So the test above sees every colour, and both schemes have the same names."""
    assert len(re.findall(r"#[0-9a-f]{3,8}\b", STYLE)) == len(
        re.findall(r"--\w+: #[0-9a-f]{6}", STYLE)
    )
    assert not re.search(r"\b(rgba?|hsla?|opacity)\b", STYLE)
    assert colours("light").keys() == colours("dark").keys()
    assert colours("light") != colours("dark")
