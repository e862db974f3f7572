"""`explain` on stores that cannot write, and on what is denied elsewhere."""

import pytest

from tests.support.explanations import first, ids
from tests.unit.messages.printed_lines import printed

STORAGE = [line for line in printed() if line.cause == "otlp_storage_failure"]


@pytest.mark.parametrize("line", STORAGE, ids=lambda line: line.source)
def test_a_store_that_cannot_write_is_recognised(line: object) -> None:
    """The words of the store, or of the operating system about writing, lead to its disk."""
