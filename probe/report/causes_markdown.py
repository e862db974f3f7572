"""CAUSES.md: the pages of the whole catalogue with an index, generated and never edited by hand.

`python -m probe.report.causes_markdown` writes it to standard output, or into a named file.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.cause import FAMILIES, PARTIES, Cause, Family
from probe.report.cause_page import cause_page

_INTRODUCTION = """\
# Causes

Every reason for which mtls-probe says that a target failed: what it means, what proves it, what
exporters print for it, and how to fix it. `mtls-probe explain CAUSE` shows one of these pages.
Numbers 1 to 6 are the six documented causes. This file is generated from the catalogue in
`probe/diagnosis`; paths and names in the steps are examples."""


def render_causes(catalogue: Mapping[str, Cause] = CATALOGUE) -> str:
    """Return the whole document, ending in a line break."""
    return "\n\n".join(_list_blocks(catalogue)) + "\n"


def group_by_family(catalogue: Mapping[str, Cause] = CATALOGUE) -> dict[Family, tuple[Cause, ...]]:
    """Return the causes of each family that has any, in the order of pages and indexes."""
    groups = {
        family: tuple(cause for cause in catalogue.values() if cause.family == family)
        for family in FAMILIES
    }
    return {family: causes for family, causes in groups.items() if causes}


def _list_blocks(catalogue: Mapping[str, Cause]) -> Iterator[str]:
    yield _INTRODUCTION
    families = group_by_family(catalogue)
    yield "\n".join(
        (
            "| Family | Cause | Documented | What it is | Who must act |",
            "|---|---|---|---|---|",
            *(row for causes in families.values() for row in map(_render_row, causes)),
        )
    )
    for family, causes in families.items():
        yield f"## {FAMILIES[family]}"
        for cause in causes:
            yield f'<a id="{cause.id}"></a>'
            yield cause_page(cause, catalogue, level=3).rstrip("\n")


def _render_row(cause: Cause) -> str:
    number = str(cause.documented_cause or "")
    link = f"[`{cause.id}`](#{cause.id})"
    return f"| {cause.family} | {link} | {number} | {cause.title} | {PARTIES[cause.party]} |"


def main(arguments: list[str]) -> None:
    """Write the document into the file that `arguments` name, else to standard output."""
    text = render_causes()
    if arguments:
        Path(arguments[0]).write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main(sys.argv[1:])
