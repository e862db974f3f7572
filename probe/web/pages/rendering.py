"""What every page has: the templates, the style sheet, and the policy that allows nothing else.

The templates escape every value (autoescape), and each has passed `safe_text` before. No page needs
a script or another file.
"""

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from probe import __version__
from probe.report.outcome import find_mood
from probe.text.time_format import format_stage_time, rfc3339
from probe.web.pages.history_strip import HEIGHT, WIDTH

_TEMPLATES: Final = Path(__file__).with_name("templates")
STYLE: Final = Markup((_TEMPLATES / "status.css").read_text(encoding="utf-8"))  # noqa: S704  # our own file, and its hash is in the policy
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

CONTENT_SECURITY_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Nothing but the page's own style sheet, by its hash, the empty icon, and the search form."""


def list_frame_values() -> dict[str, object]:
    """Return what the frame of every page needs."""
    return {"style": STYLE, "version": __version__, "strip_width": WIDTH, "strip_height": HEIGHT}


def load_template(name: str) -> Template:
    """Return one of the pages' templates, which escapes every value."""
    return _get_environment().get_template(name)


def compile_template(name: str) -> None:
    """Compile a page's template and what all of them have in common, which takes a while."""
    for each in ("page.html", "parts.html", name):
        load_template(each)


@cache
def _get_environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        rfc3339=rfc3339,
        stage_time=format_stage_time,
        mood=lambda entry: find_mood(entry.outcome, expected=entry.expected),
    )
    return environment
