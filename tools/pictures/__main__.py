"""Makes the pictures of README.md anew: `make pictures`."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tools.pictures.page import read_page, shoot_page
from tools.pictures.scene import EU, PAYMENTS, SEARCH, SHOP, US, running_scene
from tools.pictures.terminal import draw_terminal, type_command

PICTURES: Final = Path(__file__).parents[2] / "docs" / "pictures"
RECORDED: Final = Path(__file__).with_name("recorded")
COMMAND: Final = "mtls-probe check --config mtls-probe.yml"
_ATTEMPTED: Final = 20.0
"""Seconds of attempts that the page of the picture looks back on."""


def draw_check() -> str:
    """Return the picture of a check that finds one fault."""
    with TemporaryDirectory() as folder, running_scene(Path(folder), EU, US, PAYMENTS):
        return draw_terminal(type_command(COMMAND, Path(folder)), f"Output of: {COMMAND}")


def read_status_page(*, after: float = 0.0) -> str:
    """Return the status page of a fleet, three of whose targets have a fault."""
    with (
        TemporaryDirectory() as folder,
        running_scene(Path(folder), EU, US, PAYMENTS, SHOP, SEARCH) as configuration,
    ):
        return read_page(configuration, after=after)


def main() -> None:
    """Write every picture, and what those of the page were made from."""
    PICTURES.mkdir(exist_ok=True)
    RECORDED.mkdir(exist_ok=True)
    (PICTURES / "check.svg").write_text(draw_check(), encoding="utf-8")
    page = read_status_page(after=_ATTEMPTED)
    (RECORDED / "status.html").write_text(page, encoding="utf-8")
    shoot_page(page, "light", PICTURES / "status-light.png")
    shoot_page(page, "dark", PICTURES / "status-dark.png")
    for path in sorted(PICTURES.iterdir()):
        print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
