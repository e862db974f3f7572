"""Every model answers whatever a peer sends, within bounds, for every runtime that has one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.exporters.path_verdict import PathRequest, verify_path
from probe.exporters.verifiers import VERIFIERS
from probe.x509.anchors import AnchorPool


@pytest.mark.parametrize("runtime", VERIFIERS)
@given(chain=st.lists(st.binary(max_size=64), max_size=4), anchors=st.lists(st.binary(max_size=64)))
def test_no_bytes_are_trusted_and_none_raises(
    runtime: str, chain: list[bytes], anchors: list[bytes]
) -> None:
    """Arbitrary bytes are a fault, never an exception."""
    request = PathRequest(tuple(chain), AnchorPool(anchors), "otel.example.com", 1.8e9)
    verdict = verify_path(VERIFIERS, runtime, request)
    assert verdict.faults
    assert not verdict.paths
