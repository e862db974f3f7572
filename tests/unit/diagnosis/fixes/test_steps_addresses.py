"""Steps about one address of a name: commands connect to that address and ask for the name."""

from probe.diagnosis.fixes.server_fixes import match_names
from probe.diagnosis.fixes.steps import fill_steps
from probe.model.evidence import NameCheck
from tests.support.evidence import HOST, target

CONNECT = ("To see it: openssl s_client -connect {host}:{port} </dev/null",)


def test_a_command_connects_to_the_address_and_asks_for_the_name() -> None:
    """Otherwise it would show whichever replica the resolver names first."""
    (step,) = fill_steps(CONNECT, target(address="192.0.2.1"))
    assert step.endswith(f"-connect 192.0.2.1:4317 -servername {HOST} </dev/null")
    (step,) = fill_steps(CONNECT, target(address="2001:db8::1", reference_identifier="other.name"))
    assert step.endswith("-connect '[2001:db8::1]:4317' -servername other.name </dev/null")


def test_an_address_is_never_asked_for() -> None:
    """An exporter that verifies the address sends no name."""
    fields = {"address": "192.0.2.1", "reference_identifier": "192.0.2.1"}
    (step,) = fill_steps(CONNECT, target(**fields))
    assert step.endswith("-connect 192.0.2.1:4317 </dev/null")
    (step,) = fill_steps(CONNECT, target())
    assert step.endswith(f"-connect {HOST}:4317 </dev/null")


def test_an_exporter_that_verifies_the_address_is_told_the_name() -> None:
    """Nobody set the address as a name, so nothing is to be removed."""
    check = NameCheck(reference="192.0.2.1", matched=False, presented=(f"DNS:{HOST}",))
    seen = target(
        address="192.0.2.1", reference_identifier="192.0.2.1", source_kinds=("collector",)
    )
    party, steps = match_names(seen, check)
    assert party == "exporter"
    assert fill_steps(steps, seen)[0].startswith("Set server_name_override")
    assert f"to {HOST}:" in fill_steps(steps, seen)[0]
