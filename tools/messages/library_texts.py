"""The texts that one library can print, as `tests/corpora/library_texts/LIBRARY.txt` keeps them.

A list begins with the library's name, its version, and how many of its texts no row of the table
covers. One line is one text, with `…` for what varies. Texts that say nothing about a fault stand
below `# ignored: WHY`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

LISTS: Final = Path(__file__).parents[2] / "tests/corpora/library_texts"

_PLACEHOLDER: Final = re.compile(
    r"%%|%[-+#0]*(?:\*|\d+)?(?:\.(?:\*|\d+))?(?:hh|h|ll|l|z|j)?[a-zA-Z]"  # printf of C, Go, Python, PHP
    r"|%\d+\$[a-z]|%\(\w+\)[a-z]"  # with a position or a name
    r"|\$?\{[^{}\s]{0,60}\}"  # format of Rust, .NET, Java, Python, a template of JavaScript
    r"|#\{[^{}]{0,60}\}"  # Ruby
)
_ELLIPSES: Final = re.compile(r"…(?:\s*…)+")


@dataclass(frozen=True, slots=True)
class LibraryTexts:
    """What a library can print; `ignored` maps a text to why it says nothing about a fault."""

    library: str
    version: str
    texts: tuple[str, ...]
    ignored: Mapping[str, str] = field(default_factory=dict)
    not_covered: int = 0

    def ignore_as(self, earlier: "LibraryTexts") -> "LibraryTexts":
        """Return the same texts, of which those stay ignored that `earlier` ignores."""
        ignored = {text: why for text, why in earlier.ignored.items() if text in set(self.texts)}
        return replace(self, ignored=ignored)


def write_placeholders(text: str) -> str:
    """Return `text` on one line, with `…` in the place of every placeholder."""
    plain = _PLACEHOLDER.sub(lambda found: "%" if found[0] == "%%" else "…", text)
    return _ELLIPSES.sub("…", " ".join(plain.split()))


def choose_texts(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the texts sorted, each once, without those that have fewer than two words."""
    written = {write_placeholders(each) for each in texts}
    return tuple(
        sorted(
            each for each in written if " " in each and len(re.findall(r"[A-Za-z]{2,}", each)) > 1
        )
    )


def parse_list(content: str) -> LibraryTexts:
    """Return the texts of a list's content."""
    head: dict[str, str] = {}
    texts: list[str] = []
    ignored: dict[str, str] = {}
    why = None
    for line in filter(None, content.splitlines()):
        if line.startswith("# "):
            key, _, value = line[2:].partition(": ")
            head[key] = value
            why = value if key == "ignored" else why
            continue
        text = line.removeprefix("\\")  # a text that begins with "#"
        texts.append(text)
        if why is not None:
            ignored[text] = why
    return LibraryTexts(
        library=head["library"],
        version=head["version"],
        texts=tuple(texts),
        ignored=ignored,
        not_covered=int(head.get("not covered", 0)),
    )


def format_list(texts: LibraryTexts) -> str:
    """Return the content of the list: what `parse_list` reads."""
    lines = [
        f"# library: {texts.library}",
        f"# version: {texts.version}",
        f"# not covered: {texts.not_covered}",
    ]
    lines += [_escape(each) for each in texts.texts if each not in texts.ignored]
    for why in sorted(set(texts.ignored.values())):
        lines += ["", f"# ignored: {why}"]
        lines += [_escape(each) for each in texts.texts if texts.ignored.get(each) == why]
    return "\n".join(lines) + "\n"


def read_lists() -> Iterator[tuple[Path, LibraryTexts]]:
    """Yield every recorded list with its path."""
    for path in sorted(LISTS.glob("*.txt")):
        yield path, parse_list(path.read_text(encoding="utf-8"))


def _escape(text: str) -> str:
    return f"\\{text}" if text.startswith(("#", "\\")) else text
