"""A signal's own variable decides, so that it is the one that facts and steps name."""


import pytest

from probe.causes.steps import fill_steps
from probe.handshake.prepared import target_facts
from probe.setting_variables import GENERAL_VARIABLES, deciding_variables, name_variables
from probe.target import Target
from tests.unit.sdk_environment import P, only, targets

ENDPOINT = "https://collector:4317"
PLACEHOLDERS = {
    "ca_file": "{ca_setting}",
    "cert_file": "{cert_setting}",
    "key_file": "{key_setting}",
    "endpoint": "{endpoint_setting}",
    "headers": "{headers_setting}",
    "protocol": "{protocol_setting}",
}
VALUES = {
    "CERTIFICATE": "/ca.crt",
    "CLIENT_CERTIFICATE": "/tls.crt",
    "CLIENT_KEY": "/tls.key",
    "ENDPOINT": ENDPOINT,
    "HEADERS": "tenant=a",
    "PROTOCOL": "grpc",
}


def named(target: Target) -> dict[str, str]:
    """Return, by setting, what a step calls it."""
    steps = fill_steps(
        tuple(f"{key} {text}" for key, text in PLACEHOLDERS.items()), target_facts(target, 60.0)
    )
    return dict(step.split(" ", 1) for step in steps)


def test_every_setting_with_a_variable_is_tried() -> None:
    """The tables of this file hold all of them."""
    assert set(PLACEHOLDERS) == set(GENERAL_VARIABLES)
    assert {P + name for name in VALUES} == set(GENERAL_VARIABLES.values())


def test_general_variables_alone_are_named_by_the_general_names() -> None:
    """Nothing is carried along where no signal has a variable of its own."""
    target = only(**VALUES)
    assert target.signal_variables == ()
    assert named(target) == GENERAL_VARIABLES


@pytest.mark.parametrize("signal", ["traces", "metrics", "logs"])
def test_each_variable_of_a_signal_is_named(signal: str) -> None:
    """All of them set: a step for that signal's target names each, and no general one."""
    own = f"{signal.upper()}_"
    target = only(**{own + name: value for name, value in VALUES.items()})
    assert named(target) == {
        key: general.replace(P, P + own) for key, general in GENERAL_VARIABLES.items()
    }


@pytest.mark.parametrize("setting", sorted(GENERAL_VARIABLES))
def test_one_variable_of_a_signal_is_named_and_the_others_stay_general(setting: str) -> None:
    """The signal's target names it; the target of the other signals does not."""
    name = GENERAL_VARIABLES[setting].removeprefix(P)
    other = {"ENDPOINT": "https://other:4317", "PROTOCOL": "http/protobuf"}.get(name, "/x=y")
    found = targets(**VALUES, **{f"TRACES_{name}": other})
    changed = {setting}
    if setting in {"cert_file", "key_file"}:
        # A certificate and its key come from one kind of variable, the missing half too.
        changed = {"cert_file", "key_file"}
    assert named(found["sdk-traces"]) == {
        key: general.replace(P, f"{P}TRACES_") if key in changed else general
        for key, general in GENERAL_VARIABLES.items()
    }
    assert named(found["sdk"]) == GENERAL_VARIABLES


def test_an_equal_value_of_a_signal_is_named_beside_the_general_one() -> None:
    """One target for all signals: a change of either variable alone leaves a signal as it was."""
    target = only(ENDPOINT=ENDPOINT, CERTIFICATE="/ca.crt", TRACES_CERTIFICATE="/ca.crt")
    assert named(target)["ca_file"] == f"{P}TRACES_CERTIFICATE and {P}CERTIFICATE"
    assert deciding_variables("ca_file", target.signal_variables) == (
        f"{P}TRACES_CERTIFICATE",
        f"{P}CERTIFICATE",
    )


def test_a_setting_without_a_variable_has_none() -> None:
    """Server name, ciphers and the like are not set in an environment."""
    assert name_variables("server_name_override", ()) == ""
