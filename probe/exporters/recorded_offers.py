"""What exporters that are not written in Go offered on the wire, recorded with the real ones.

`make exporters` records them again (tests/lab/exporters); a test fails where one differs.
"""

from typing import Final

from probe.model.client_offer import ClientOffer

RECORDED: Final[dict[str, ClientOffer]] = {}
"""By runtime."""
