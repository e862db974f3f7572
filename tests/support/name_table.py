"""A resolver whose answers a test sets, as a name server's zone: addresses that come and go."""

from math import inf

from probe.attempt.resolver import ResolutionError, Resolver
from probe.attempt.target_network import OWN_NETWORK, Network


class NameTable(Resolver):
    """Answers with the addresses that are set for now; none is a failure of the look-up."""

    def __init__(self, *addresses: str) -> None:
        """Answer with `addresses`, in that order."""
        super().__init__()
        self.addresses = addresses

    async def resolve(
        self,
        host: str,
        deadline: float = inf,
        network: Network = OWN_NETWORK,
    ) -> tuple[str, ...]:
        """Return the addresses that are set.

        Raises:
            ResolutionError: where there are none.
        """
        if not self.addresses:
            raise ResolutionError("EAI_AGAIN")
        return self.addresses
