"""Report the texts of libraries that no row covers: `make messages`; `RECORD=` reads them anew.

Every module `extract_*.py` next to this file has `EXTRACTORS`: the name of a list, and a function
without arguments that reads the installed library and returns its `LibraryTexts`.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path

from tools.messages.coverage import count_uncovered, find_uncovered
from tools.messages.library_texts import LISTS, LibraryTexts, format_list, parse_list, read_lists


def find_extractors() -> Iterator[tuple[str, Callable[[], LibraryTexts]]]:
    """Yield the name of every list with the function that extracts it."""
    for path in sorted(Path(__file__).parent.glob("extract_*.py")):
        yield from import_module(f"tools.messages.{path.stem}").EXTRACTORS.items()


def record(chosen: Sequence[str]) -> None:
    """Write the chosen lists anew from the installed libraries; what was ignored stays ignored."""
    for name, extract in find_extractors():
        if chosen != ["1"] and name not in chosen:
            continue
        path = LISTS / f"{name}.txt"
        found = extract()
        if path.exists():
            found = found.ignore_as(parse_list(path.read_text(encoding="utf-8")))
        path.write_text(format_list(count_uncovered(found)), encoding="utf-8")


def report(chosen: Sequence[str]) -> None:
    """Print the share of each library, and the texts of the `chosen` ones that are not covered.

    A chosen list whose share has risen gets the new figure, below which it must not fall again.
    """
    for path, texts in read_lists():
        if chosen and path.stem not in chosen:
            continue
        uncovered = find_uncovered(texts)
        total = len(texts.texts)
        print(
            f"{path.stem:32} {total - len(uncovered):5} of {total:5} texts are covered or ignored"
            f" ({len(texts.ignored)} ignored)"
        )
        if chosen and len(uncovered) < texts.not_covered:
            path.write_text(format_list(count_uncovered(texts)), encoding="utf-8")
        if chosen:
            print("\n".join(f"    {each}" for each in uncovered))


def main() -> None:
    """Record what is asked for, then report."""
    parser = argparse.ArgumentParser(prog="python -m tools.messages", description=__doc__)
    parser.add_argument("--record", nargs="+", default=[], metavar="LIST", help="1: every list")
    parser.add_argument("--only", nargs="+", default=[], metavar="LIST")
    chosen = parser.parse_args()
    if chosen.record:
        record(chosen.record)
    report(chosen.only)


if __name__ == "__main__":
    main()
