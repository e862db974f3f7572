"""Every chain: what an exporter sends, which rule that breaks, and the causes that name it."""

from collections.abc import Iterator

from tests.lab.client_chains.case import Case
from tests.lab.client_chains.certificate_cases import build_certificate_cases
from tests.lab.client_chains.chain_cases import build_chain_cases


def build_cases() -> Iterator[Case]:
    """Yield every case."""
    yield from build_certificate_cases()
    yield from build_chain_cases()
