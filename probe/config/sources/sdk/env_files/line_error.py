"""`LineError`: a line of an env file that its reader refuses. It says where and why, never what."""


class LineError(ValueError):
    """Why a reader does not take a file; `line` counts from 1, and is 0 where it is not known."""

    def __init__(self, line: int, reason: str) -> None:
        """Keep both."""
        super().__init__(f"line {line}: {reason}" if line else reason)
        self.line = line
        self.reason = reason
