"""nginx as one process in the foreground, with everything that it writes in a folder of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.lab.servers import accepting, process
from tests.lab.stack import with_clock

_TEMPORARY: Final = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@contextmanager
def run_nginx(
    folder: Path, port: int, *, http: str = "", top: str = "", clock: str = ""
) -> Iterator[None]:
    """Run nginx until it accepts on `port`; `http` goes into its http section, `top` before it."""
    paths = "".join(f"{name}_temp_path {folder}/{name};\n" for name in _TEMPORARY)
    text = (
        # Modules come first; the rest may stand in any order.
        f"{top}\ndaemon off;\nmaster_process off;\npid {folder}/pid;\n"
        f"error_log {folder}/error.log info;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{paths}{http}\n}}\n"
    )
    file = folder / "nginx.conf"
    file.write_text(text, encoding="utf-8")
    command = with_clock(["nginx", "-p", str(folder), "-c", str(file)], clock)
    with process(command, folder / "nginx.log") as log:
        accepting(port, log)
        yield
