"""The status page as the service serves it, and its picture by Chromium."""

import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal
from urllib.request import urlopen

WIDTH: Final = 1120
HEIGHT: Final = 700
DIGEST: Final = b"recorded-html-sha256"
"""Keyword of the text in a picture that says of which page it is."""
_WITHIN: Final = 30.0
_LISTENING: Final = re.compile(r'"event": "listening", "address": "([^"]+)"')
_RULE: Final = re.compile(r"\s*\.([\w-]+)[^{]*\{")
"""A rule of the style that begins with a class."""
_VARIES: Final = (
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:]+Z"), "<time>"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"), "<time>"),
    (re.compile(r"\b\d+ (?:s|min|h)\b"), "<age>"),
    (re.compile(r'(<svg class="strip).*?</svg>', re.DOTALL), r"\1</svg>"),
)


def read_page(configuration: Path, *, after: float = 0.0) -> str:
    """Serve `configuration` until every target was tried, and for `after` seconds; return the page."""
    with _serving(configuration) as address:
        end = time.monotonic() + _WITHIN
        while not _all_tried(address):
            assert time.monotonic() < end, "not every target was tried"
            time.sleep(0.1)
        time.sleep(after)
        with urlopen(f"http://{address}/", timeout=_WITHIN) as answer:
            page: str = answer.read().decode()
    return page


def find_shown(page: str) -> str:
    """Return the page without times, ages and attempts so far, and without styles of other pages."""
    style, end, body = page.partition("</style>")
    classes = {name for names in re.findall(r'class="([^"]*)"', body) for name in names.split()}
    lines = (line for line in style.splitlines() if line.strip())
    page = "\n".join(line for line in lines if _is_of(line, classes)) + end + body
    for pattern, placeholder in _VARIES:
        page = pattern.sub(placeholder, page)
    return page


def _is_of(line: str, classes: set[str]) -> bool:
    """Return whether a line of the style may concern a page with these classes."""
    rule = _RULE.match(line)
    return rule is None or rule[1] in classes


def shoot_page(page: str, scheme: Literal["light", "dark"], aim: Path) -> None:
    """Write a PNG of the page's top into `aim`, with the digest of `page`."""
    from playwright.sync_api import sync_playwright

    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium's refuses to run as root
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=arguments
        )
        shown = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=scheme)
        shown.set_content(page)
        picture = shown.screenshot()
        browser.close()
    aim.write_bytes(_add_text(picture, DIGEST, digest_page(page)))


def digest_page(page: str) -> bytes:
    """Return what a picture holds to say of which page it is."""
    return hashlib.sha256(page.encode()).hexdigest().encode()


def _add_text(picture: bytes, keyword: bytes, text: bytes) -> bytes:
    """Return a PNG with one more tEXt chunk, in front of its last chunk."""
    chunk = b"tEXt" + keyword + b"\0" + text
    whole = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    end = picture.rindex(b"IEND") - 4
    return picture[:end] + whole + picture[end:]


@contextmanager
def _serving(configuration: Path) -> Iterator[str]:
    probe = Path(sys.executable).with_name("mtls-probe")
    log = configuration.with_suffix(".log")
    with log.open("wb") as stderr:
        service = subprocess.Popen(
            [str(probe), "run", "--config", configuration.name],
            cwd=configuration.parent,
            env={"PATH": os.environ["PATH"], "HOME": str(configuration.parent), "LANG": "C.UTF-8"},
            stderr=stderr,
        )
    try:
        end = time.monotonic() + _WITHIN
        while (found := _LISTENING.search(log.read_text(encoding="utf-8"))) is None:
            assert service.poll() is None, log.read_text(encoding="utf-8")
            assert time.monotonic() < end
            time.sleep(0.05)
        yield found[1]
    finally:
        service.terminate()
        service.wait(_WITHIN)


def _all_tried(address: str) -> bool:
    with urlopen(f"http://{address}/api/v1/targets", timeout=_WITHIN) as answer:
        document = json.load(answer)
    return bool(document["results"]) and not document.get("pending")
