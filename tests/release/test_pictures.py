"""The pictures of README.md show what the product prints and serves today, and nothing of a machine."""

import getpass
import re
import shutil
import socket
import struct
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

import pytest

from tests.contract.imports import ROOT
from tests.support.required_tools import missing
from tools.pictures.__main__ import PICTURES, RECORDED, draw_check, read_status_page
from tools.pictures.page import DIGEST, digest_page, find_shown, shoot_page
from tools.pictures.terminal import draw_terminal

HOW: Final = "`make pictures` makes them anew; look at each before you commit it"
LARGEST: Final = 150_000
SVG: Final = (PICTURES / "check.svg").read_text(encoding="utf-8")
RECORD: Final = (RECORDED / "status.html").read_text(encoding="utf-8")
PAGES: Final = sorted(PICTURES.glob("status-*.png"))
OF_A_MACHINE: Final = re.compile(r"/(?:tmp|home|root|Users|var)/|127\.0\.0\.1|localhost")


def read_chunks(picture: bytes) -> dict[bytes, list[bytes]]:
    """Return the chunks of a PNG by their type."""
    chunks: dict[bytes, list[bytes]] = {}
    at = 8
    while at < len(picture):
        (length,) = struct.unpack(">I", picture[at : at + 4])
        chunks.setdefault(picture[at + 4 : at + 8], []).append(picture[at + 8 : at + 8 + length])
        at += length + 12
    return chunks


@pytest.mark.slow
def test_the_terminal_shows_what_a_check_prints_today() -> None:
    """Drawn again from a check of the same backends, it is the same to the byte."""
    assert draw_check() == SVG, HOW


@pytest.mark.slow
def test_the_page_is_what_the_service_serves_today() -> None:
    """What the pictures were made from is recorded, and differs from today's page in times alone."""
    assert find_shown(read_status_page()) == find_shown(RECORD), HOW


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_pages_picture_is_of_the_recorded_page(path: Path) -> None:
    """It holds the digest of the HTML that it was made from, and no other text."""
    chunks = read_chunks(path.read_bytes())
    assert chunks[b"tEXt"] == [DIGEST + b"\0" + digest_page(RECORD)], HOW
    assert set(chunks) <= {b"IHDR", b"sRGB", b"sBIT", b"PLTE", b"IDAT", b"tEXt", b"IEND"}


@pytest.mark.slow
def test_a_page_is_shot_anew(tmp_path: Path) -> None:
    """Chromium makes the picture of the recorded page again, in either scheme another one."""
    if shutil.which("chromium") is None:
        missing("not installed: chromium")
    made = []
    for scheme in ("light", "dark"):
        shoot_page(RECORD, scheme, tmp_path / f"{scheme}.png")  # type: ignore[arg-type]
        made.append((tmp_path / f"{scheme}.png").read_bytes())
    now, kept = read_chunks(made[0]), read_chunks(PAGES[1].read_bytes())
    assert made[0] != made[1]
    assert (now[b"IHDR"], now[b"tEXt"]) == (kept[b"IHDR"], kept[b"tEXt"])


def test_nothing_of_this_machine_is_in_them() -> None:
    """No path, no address, no name of its host or user."""
    for text in (SVG, RECORD):
        assert OF_A_MACHINE.findall(text) == []
        for name in (socket.gethostname(), getpass.getuser()):
            assert not re.search(rf"(?<![\w:-]){re.escape(name)}(?![\w-])", text), name


def test_they_are_small_and_all_are_shown() -> None:
    """Each is on README.md's first screen, with words for who does not see it."""
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    for path in PICTURES.iterdir():
        assert path.stat().st_size <= LARGEST, path.name
        assert f"docs/pictures/{path.name}" in page
    alternatives = re.findall(r'!\[([^\]]*)\]|<img alt="([^"]*)"', page)
    assert len(alternatives) == len(re.findall(r"!\[|<img", page))
    assert all(len("".join(words)) > 40 for words in alternatives)


def test_a_terminal_is_drawn_as_it_was() -> None:
    """Words at their columns, with their colour and weight; a peer's text is never markup."""
    svg = draw_terminal("\x1b[1mA\x1b[0m  <b> &\x1b[31m red\x1b[0m", "what <it> is")
    tree = ET.fromstring(svg)
    drawn = [(each.text, each.get("fill"), each.get("font-weight")) for each in tree.iter() if each.tag.endswith("tspan")]  # fmt: skip
    assert drawn == [("A", None, "700"), ("<b> &", None, None), ("red", "#ff8a80", None)]
    at = [float(each.get("x", "")) for each in tree.iter() if each.tag.endswith("tspan")]
    assert at == sorted(at)
