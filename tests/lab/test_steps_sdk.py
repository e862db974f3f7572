"""The same with Python's SDK in the exporter's place: steps name its variables, and its restart."""

from pathlib import Path
from typing import Final

import pytest

from probe.model.target import Protocol
from tests.lab.following.faults import FAULTS
from tests.lab.following.sdk_stage import sdk_stage
from tests.lab.test_steps import repair, require

BOTH: Final = (
    "ca_not_in_client_ca_file", "no_client_certificate", "expired_leaf", "pkcs12_for_both",
    "encrypted_key", "server_ca_untrusted",
)  # fmt: skip
OVER_HTTP: Final = (
    "chain_incomplete", "without_client_auth", "key_in_der", "base64_of_pem", "utf16", "truncated",
    "certificate_missing", "key_file_not_set", "key_in_the_certificates_place", "ca_file_missing",
    "no_ca_file", "signed_with_sha1", "name_not_among_the_sans", "key_of_another_certificate", "expired_server",
)  # fmt: skip
CASES: Final[list[tuple[str, Protocol]]] = [
    *((name, "grpc") for name in (*BOTH, "byte_order_mark")),
    *((name, "http/protobuf") for name in (*BOTH, *OVER_HTTP)),
]


@pytest.mark.parametrize(("name", "protocol"), CASES)
def test_an_application_exports_again(name: str, protocol: Protocol, otelcol: Path) -> None:
    """The probe runs next to it, with its variables."""
    fault = FAULTS[name]
    require(fault)
    with sdk_stage(otelcol, protocol) as there:
        repair(there, fault)
