"""A resolver whose answers a test sets, as a name server's zone: addresses that come and go."""

from math import inf

from probe.attempt.resolver import ResolutionError, Resolver


class NameTable(Resolver):
    """Answers with the addresses that are set for now; none is a failure of the look-up."""

    def __init__(self, *addresses: str) -> None:
        """Answer with `addresses`, in that order."""
        super().__init__()
        self.addresses = addresses
        self.asked = 0

    async def resolve(self, host: str, deadline: float = inf) -> tuple[str, ...]:
        """Return the addresses that are set.

        Raises:
            ResolutionError: where there are none.
        """
        self.asked += 1
        if not self.addresses:
            raise ResolutionError("EAI_AGAIN")
        return self.addresses
