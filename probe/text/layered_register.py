"""A register of secrets for one request: what it is given holds for that request alone.

Who asks for an attempt chooses what is registered for it (a query, a path, a host's name). In the
register of the process such a value would be masked wherever it stands, in the evidence of other
targets and in the log, take a secret's place, or be taken for a text that is shown by design.
"""

from typing import Final

from probe.text.secret_register import SecretRegister, replace_spans

MOST: Final = 256
"""Secrets of one request."""


class LayeredRegister(SecretRegister):
    """Masks what another register holds, and what it holds itself."""

    def __init__(self, below: SecretRegister) -> None:
        """Add nothing to `below`, ever."""
        super().__init__(MOST)
        self._below = below

    @property
    def version(self) -> int:
        """A number that grows with whatever changes what is masked."""
        return super().version + self._below.version

    def __len__(self) -> int:
        """Return how many secrets are held, here and below."""
        return super().__len__() + len(self._below)

    def mask(self, text: str) -> str:
        """Return `text` without the secrets of either."""
        # Together: where one has the beginning of another, the longer one is masked.
        spans = [*self._below.find_secrets(text), *self.find_secrets(text)]
        return replace_spans(text, spans) if spans else text
