"""Writes the golden files from their stories: python -m tests.golden.build."""

from pathlib import Path
from typing import Final

from tests.golden.case import Case, cases_in
from tests.golden.stories import (
    client_certificates,
    clocks,
    experiments,
    local_files,
    negotiation,
    network,
    otlp,
    rotation,
    server_certificates,
    trust,
)

FOLDER: Final = Path(__file__).parent

CASES: Final[tuple[Case, ...]] = tuple(
    case
    for module in (
        local_files,
        trust,
        client_certificates,
        clocks,
        server_certificates,
        negotiation,
        experiments,
        network,
        otlp,
        rotation,
    )
    for case in cases_in(module)
)


def files() -> dict[str, bytes]:
    """Return the content of every golden file by its name."""
    return {name: content for case in CASES for name, content in case.files().items()}


def main() -> None:
    """Write the files, and take away those whose story is gone."""
    wanted = files()
    for path in FOLDER.glob("*.json"):
        if path.name not in wanted:
            path.unlink()
    for name, content in wanted.items():
        (FOLDER / name).write_bytes(content)


if __name__ == "__main__":
    main()
