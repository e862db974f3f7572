"""Evidence files of earlier versions mean what they meant."""

import msgspec
import pytest

from probe.diagnosis.diagnose import diagnose
from probe.model.evidence import Evidence, from_json, to_json
from probe.model.older_evidence import needs_upgrade
from tests.support.certificate_facts import BACKEND, OTHER_CA, backend
from tests.support.evidence import answered_attempt, unverified_attempt


def as_it_was(evidence: Evidence, *errors: tuple[int, int]) -> bytes:
    """Return the file that an earlier version wrote of `evidence`, with OpenSSL's errors."""
    value = msgspec.json.decode(to_json(evidence))
    value["handshake"].pop("path_faults", None)
    if errors:
        value["handshake"]["verify_errors"] = [
            {"code": code, "depth": depth} for code, depth in errors
        ]
    return msgspec.json.encode(value)


@pytest.mark.parametrize(
    ("evidence", "errors", "kinds", "cause"),
    [
        (
            unverified_attempt(backend(ends=-1)),
            [(10, 0)],
            ["expired"],
            "server_cert_expired",
        ),
        (
            unverified_attempt(backend(OTHER_CA, sans=("DNS:other",)), OTHER_CA),
            [(19, 1)],
            ["name_mismatch", "no_anchor"],
            "server_name_mismatch",
        ),
        (unverified_attempt(BACKEND), [(24, 0)], ["not_a_ca"], "server_chain_invalid"),
        (unverified_attempt(BACKEND), [(20, 0)], ["bad_signature"], "server_ca_untrusted"),
        (
            unverified_attempt(backend(signature_hash="sha1")),
            [],
            ["weak_signature"],
            "server_cert_weak",
        ),
        (
            unverified_attempt(BACKEND, shake={"stapled_status": "revoked"}),
            [(23, 0)],
            [],
            "server_cert_revoked",
        ),
    ],
    ids=["expired", "name and path", "not a CA", "reissued", "weak", "revoked"],
)
def test_openssls_codes_become_faults(
    evidence: Evidence, errors: list[tuple[int, int]], kinds: list[str], cause: str
) -> None:
    """In the order in which Go looks for them; what had no code is found by what is left."""
    read = from_json(as_it_was(evidence, *errors))

    assert read.handshake is not None
    assert [fault.kind for fault in read.handshake.path_faults] == kinds
    assert diagnose(read).cause == cause


def test_a_fault_has_its_certificate() -> None:
    """The place is that in what was sent; beyond it the fault is an anchor's."""
    read = from_json(as_it_was(unverified_attempt(BACKEND), (10, 0), (10, 1)))

    assert read.handshake is not None
    first, second = read.handshake.path_faults
    assert (first.position, first.sha256) == (0, BACKEND.sha256)
    assert (second.position, second.sha256) == (None, "")


def test_what_this_version_wrote_is_read_as_it_is() -> None:
    """Nothing is upgraded that has nothing to upgrade."""
    for evidence in (answered_attempt(), unverified_attempt(BACKEND, faults=(("expired", 0),))):
        assert not needs_upgrade(to_json(evidence))
        assert from_json(to_json(evidence)) == evidence


@pytest.mark.parametrize("errors", ["7", "[7]", "[{}]", '[{"code": "x", "depth": 0}]', "null"])
def test_a_damaged_file_is_no_exception_of_another_kind(errors: str) -> None:
    """Whoever hands in a file gets a ValueError, or evidence."""
    raw = as_it_was(unverified_attempt(BACKEND), (7, 0)).replace(
        b'[{"code":7,"depth":0}]', errors.encode()
    )
    try:
        from_json(raw)
    except ValueError:
        pass
