"""The project's language: the glossary of docs/architecture.md over code, messages and pages."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from tests.contract.imports import MODULES, ROOT

PHRASES: Final = {
    r"\bin clear\b": "in plaintext, without TLS",
    r"\bmend(?:s|ed|ing)?\b": "fix",
    r"\b(?:tell|tells|telling) of\b": "report",
    r"\b(?:un)?told\b": "reported, said; unspecific",
    r"\b(?:hear|hears|heard|hearing)\b": "receive, see",
    r"\bfarewell\b": "close",
    r"\bat hand\b": "available",
    r"\bbeside\b": "next to, besides, with",
    r"\bwithout a word\b|\b(?:no|last) word\b(?! of)": "without an alert, without an answer",
    r"\b(?:is|are|stands?|lies?) in the way of\b": "blocks",
    r"(?<![Tt]here )\b(?:is|are|was|were) no "
    r"(?!longer\b|more\b|less\b|other\b|such\b|need\b|later\b|earlier\b)[a-z]": "is not a …, has no …",
    r"\bnames no\b": "has no, does not name a",
    r"\bas (?:its|the|their) variables read\b": "according to its environment variables",
    r"\bwho is asked\b": "the actor by its name",
    r"\baffair\b": "who decides it, where it is done",
    r"\b(?:lets?|letting) (?:\w+ ){0,2}?in\b(?!\s+(?:one|a|the|its|their|this|that)\b)": "accept",
    r"\bsettl(?:e|es|ed|ing)\b": "decide",
    r"interfaces\.md|causes\.md|\b[Ll]aws? [0-9]": "the rule's name, a link to docs/",
}
"""What is not written, in text of any kind, and what is written instead."""

ABBREVIATION: Final = re.compile(r"(?<![\w:-])SSL(?![\w/-]|\.\w)")
"""Write TLS. In comments and pages only: other texts quote what OpenSSL and others print."""
QUOTED: Final = re.compile(r"https?://\S+|`[^`\n]*`")
PRINTED_BY_OTHERS: Final = ("CAUSES.md", "docs/metrics.md", "tests/contract/test_wording.py")
"""Files that quote others: what exporters print, and the help texts of blackbox_exporter."""

NAMES: Final = {
    "walk", "settle", "settles", "settled", "settling", "patient", "untold", "told", "heard", "hear",
    "farewell", "greeting", "spoke", "dial", "carrier", "beside", "mended",
}  # fmt: skip
"""Parts of names that a newcomer would not understand."""
CLASSES: Final = {"Sign", "Line", "Fleet", "Plans", "TlsPlan", "Remark", "AtHand", "Beside"}
NO_VERB: Final = re.compile(r"_*(?:[a-z]+ed|told|shown|found|proven|written|further|beside|alone)$")
"""Names of functions that are a participle or a preposition."""

SUFFIXES: Final = {
    ".py",
    ".md",
    ".html",
    ".yml",
    ".yaml",
    ".toml",
    ".sh",
    ".service",
    ".go",
    ".js",
    ".java",
    ".css",
    "",
}
FOLDERS: Final = (".ci", "config", "docs", "grafana", "probe", "tests", "tools")
OTHERS: Final = (
    "CHANGELOG.md",
    "LICENSE",
    ".git",
    "tests/corpora/",
    "tests/contract/test_language.py",
)
TABLE: Final = ROOT / "probe/messages/table"
"""What libraries print is in their words; what it means is in ours."""
OURS_IN_TABLE: Final = ("meanings", "advice")
STRINGS: Final = {tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}


def list_files() -> Iterator[Path]:
    """Yield every file of the repository that people read."""
    for path in (*ROOT.iterdir(), *(one for name in FOLDERS for one in (ROOT / name).rglob("*"))):
        name = str(path.relative_to(ROOT))
        quoted = path.parent == TABLE and path.stem not in OURS_IN_TABLE
        is_ours = not quoted and not name.startswith(OTHERS) and "__pycache__" not in path.parts
        if is_ours and path.suffix in SUFFIXES and path.is_file():
            yield path


def read_prose(path: Path) -> Iterator[tuple[int, str, bool]]:
    """Yield the lines of a page, or of a module's comments and strings.

    Each comes with its number, and with whether it is ours for certain: a string of the code may
    quote what somebody else prints.
    """
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix != ".py":
        for number, line in enumerate(text.splitlines(), 1):
            yield number, line, True
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT or token.type in STRINGS:
            is_ours = token.type == tokenize.COMMENT or token.string.startswith('"""')
            for offset, line in enumerate(token.string.splitlines()):
                yield token.start[0] + offset, line, is_ours


@cache
def search_prose() -> list[str]:
    """Return each place where a text does not use the glossary."""
    anything = re.compile("|".join(PHRASES))
    found = []
    for path in list_files():
        name = str(path.relative_to(ROOT))
        for number, line, is_ours in read_prose(path):
            text = QUOTED.sub("", line) if "`" in line or "://" in line else line
            if is_ours and ABBREVIATION.search(text) and name not in PRINTED_BY_OTHERS:
                found.append(f"{name}:{number}: 'SSL' (TLS)")
            if anything.search(text):
                found += [
                    f"{name}:{number}: {match[0]!r} ({instead})"
                    for pattern, instead in PHRASES.items()
                    if (match := re.search(pattern, text))
                ]
    return found


def test_prose_uses_the_glossary() -> None:
    """A reader who has never met the authors knows every word, and each means one thing."""
    assert search_prose() == [], "\n".join(search_prose())


def test_names_use_the_glossary() -> None:
    """A name of the code is a word of the field."""
    found = []
    for module in MODULES:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                parts = set(node.name.lower().split("_"))
                if parts & NAMES or node.name in CLASSES or node.name.endswith("_words"):
                    found.append(f"{module.name}:{node.lineno}: {node.name}")
    assert found == [], "\n".join(found)


def test_functions_are_named_by_verbs() -> None:
    """`load_credentials`, `is_expired`: a participle says neither what is done nor what comes back."""
    found = []
    for module in MODULES:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                is_property = any("property" in ast.unparse(each) for each in node.decorator_list)
                if NO_VERB.match(node.name) and not is_property:
                    found.append(f"{module.name}:{node.lineno}: {node.name}")
    assert found == [], "\n".join(found)
