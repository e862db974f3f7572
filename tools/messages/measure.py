"""Measures `explain` on recorded texts: `python -m tools.messages.measure FILE.jsonl …`.

A text counts as right where its true cause is first, or within the highest score of at most six
candidates. Every line of a file is an object with `text` (or `message`) and the true `cause` (or
`expected`). Misses are listed with `-v`; `--only WORD` keeps the texts whose id has the word.
"""

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any, Final

from probe.messages.explain import Explanation, explain
from probe.report.message_table import load_message_table

MOST_TIED: Final = 6


def is_right(explanation: Explanation, cause: str) -> bool:
    """Return whether `cause` is first, or in a tie of at most six for the first place."""
    tied = explanation.tied
    if not tied:
        return False
    if explanation.candidates[0].cause == cause:
        return True
    return tied <= MOST_TIED and cause in {one.cause for one in explanation.candidates[:tied]}


def read_texts(file: Path) -> list[dict[str, Any]]:
    """Return the records of a JSONL file, with `text`, `cause`, `also` and `id`."""
    records = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        one = json.loads(line)
        one["text"] = one.get("text", one.get("message", ""))
        one["cause"] = one.get("cause", one.get("expected", ""))
        one["also"] = one.get("also", one.get("also_compatible", []))
        one["id"] = one.get("id", f"{file.stem}:{number}")
        records.append(one)
    return records


def main() -> None:
    """Print the figures of each file, and the misses."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    table = load_message_table()
    for file in options.files:
        figures: Counter[str] = Counter()
        for one in read_texts(file):
            if options.only not in one["id"]:
                continue
            explanation = explain(one["text"], table)
            named = [each.cause for each in explanation.candidates]
            right = is_right(explanation, one["cause"])
            figures["texts"] += 1
            figures["right"] += right
            figures["first compatible"] += bool(named) and named[0] in {one["cause"], *one["also"]}
            figures["among three"] += one["cause"] in named[:3]
            if options.verbose and not right:
                print(f"--- {one['id']}: {one['cause']}")
                print(one["text"][:700])
                for each in explanation.candidates[:7]:
                    print(f"      {each.score} {each.cause}: {each.why[:110]}")
        total = figures["texts"] or 1
        shares = ", ".join(
            f"{name} {figures[name]} ({figures[name] / total:.1%})"
            for name in ("right", "first compatible", "among three")
        )
        print(f"{file.name}: {figures['texts']} texts: {shares}")


if __name__ == "__main__":
    main()
