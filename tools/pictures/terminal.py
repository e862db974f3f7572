"""A command on a terminal, and the picture of what it printed there."""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Final

from rich.ansi import AnsiDecoder
from rich.console import Console
from rich.segment import Segment

COLUMNS: Final = 96
_FONT: Final = 14
_CELL: Final = 8.43
_LINE: Final = 19
_MARGIN: Final = 18
_ENDS_WITHIN: Final = 30
_COLOURS: Final = {1: "#ff8a80", 2: "#6fd08c", 3: "#f2b84b"}
"""By the terminal's numbers."""
_RUN: Final = re.compile(r"\S+(?: \S+)*")
_TEXT: Final = "#e8eaed"
_BACKGROUND: Final = "#14171a"
_BORDER: Final = "#3a3f45"
_FAMILY: Final = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


def type_command(command: str, folder: Path) -> str:
    """Type a command of the product on a terminal in `folder`; return the terminal's text with colours."""
    probe = Path(sys.executable).with_name("mtls-probe")
    words = command.split()
    assert words[0] == probe.name
    ours, terminal = pty.openpty()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "COLUMNS": str(COLUMNS),
        "LINES": "60",
    }
    with subprocess.Popen(
        [str(probe), *words[1:]],
        cwd=folder, env=environment, stdin=terminal, stdout=terminal, stderr=subprocess.PIPE,
    ) as running:  # fmt: skip
        os.close(terminal)
        said = b""
        try:
            while data := os.read(ours, 65_536):
                said += data
        except OSError:  # EIO: Linux's end of a terminal that nobody has open any more
            pass
        finally:
            os.close(ours)
        running.wait(_ENDS_WITHIN)
    shown = said.decode().replace("\r\n", "\n").rstrip()
    return f"\x1b[1m$ {command}\x1b[0m\n{shown}\n"


def draw_terminal(said: str, title: str) -> str:
    """Return an SVG of the terminal's text; a dark window, readable on a light page and a dark one.

    Each piece of text has the width of its cells, whatever monospaced font is there.
    """
    lines = [list(_read_segments(line)) for line in said.splitlines()]
    width = round(COLUMNS * _CELL + 2 * _MARGIN)
    height = len(lines) * _LINE + 2 * _MARGIN
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}">',
        f"<title>{escape(title)}</title>",
        f'<rect x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="8" '
        f'fill="{_BACKGROUND}" stroke="{_BORDER}"/>',
        f'<g font-family="{_FAMILY}" font-size="{_FONT}" fill="{_TEXT}">',
    ]
    for number, segments in enumerate(lines):
        bottom = _MARGIN + number * _LINE + _FONT
        drawn.append(f'<text y="{bottom}">{"".join(_draw_segments(segments))}</text>')
    return "\n".join([*drawn, "</g>", "</svg>", ""])


def _read_segments(line: str) -> list[Segment]:
    (text,) = AnsiDecoder().decode(line) if line else (None,)
    return [] if text is None else list(text.render(Console()))


def _draw_segments(segments: list[Segment]) -> Iterator[str]:
    """Yield what draws each run of words, at its column: spaces between columns are not text."""
    column = 0
    for text, style, _ in segments:
        bold = ' font-weight="700"' if style and style.bold else ""
        colour = _COLOURS.get(style.color.number or 0) if style and style.color else None
        fill = f' fill="{colour}"' if colour else ""
        for found in _RUN.finditer(text):
            words = found[0]
            yield (
                f'<tspan x="{_MARGIN + (column + found.start()) * _CELL:.2f}" '
                f'textLength="{len(words) * _CELL:.2f}" lengthAdjust="spacingAndGlyphs"{bold}{fill}>'
                f"{escape(words, quote=False)}</tspan>"
            )
        column += len(text)
