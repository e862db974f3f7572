"""What an exporter is asked and what it answers: the protocol of the lab of real exporters.

A program of this folder gets cases as lines of JSON and answers each with a line (README.md).
"""

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["ok", "load", "connect", "fail", "abort", "hang"]
"""What became of one export.

`ok`: the backend took it. `load`: the exporter refused a file, or said that it did without it, and
the export failed. `connect`: the files were taken, and the handshake or the request failed.
`fail`: the backend answered with an error. `abort`: the process ended. `hang`: no answer in time.
"""


@dataclass(frozen=True, slots=True)
class FileCase:
    """Credential files, as an exporter's settings name them; an empty path is a setting not given."""

    id: str
    cert: str
    key: str
    ca: str
    backend: str = "root"

    def request(self, endpoint: str) -> dict[str, str]:
        """Return what a program reads."""
        return {
            "id": self.id,
            "kind": "files",
            "cert": self.cert,
            "key": self.key,
            "ca": self.ca,
            "endpoint": endpoint,
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """What one exporter did with one case."""

    id: str
    outcome: Outcome
    text: str
    """What it printed, without what differs from one run to the next."""
