"""What Git knows of the tree: is it clean, of when is its last commit, which tags are there."""

import subprocess
import tarfile
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path


@dataclass(frozen=True)
class Repository:
    """A working tree."""

    root: Path

    def list_changes(self) -> list[str]:
        """Return what is not committed."""
        return self._ask("status", "--porcelain").decode().splitlines()

    def read_epoch(self) -> int:
        """Return the time of the last commit, which is that of every file built from it."""
        return int(self._ask("log", "-1", "--format=%ct"))

    def read_date(self) -> str:
        """Return the day of the last commit, in UTC."""
        return datetime.fromtimestamp(self.read_epoch(), UTC).date().isoformat()

    def find_tag(self, version: str) -> str | None:
        """Return the commit that the version's tag names; None where there is no such tag."""
        name = f"refs/tags/v{version}"
        if not self._ask("for-each-ref", name):
            return None
        return self._ask("rev-parse", f"{name}^{{commit}}").decode().strip()

    def read_head(self) -> str:
        """Return the last commit."""
        return self._ask("rev-parse", "HEAD").decode().strip()

    def write_tag(self, version: str, message: str) -> None:
        """Tag the last commit."""
        text = f"mtls-probe {version}\n\n{message}"
        self._ask("tag", "--annotate", "--cleanup=verbatim", f"v{version}", "--message", text)

    def export(self, folder: Path) -> None:
        """Write the files of the last commit to `folder`, and nothing that is only lying about."""
        with tarfile.open(fileobj=BytesIO(self._ask("archive", "HEAD"))) as archive:
            archive.extractall(folder, filter="data")

    def _ask(self, *arguments: str) -> bytes:
        command = ("git", "-C", str(self.root), *arguments)
        return subprocess.run(command, check=True, capture_output=True).stdout
