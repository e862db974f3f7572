"""A signal's own variable decides, so that it is the one that facts and steps name."""

from pathlib import Path

import pytest

from probe.attempt.target_facts import collect_target_facts
from probe.credentials.named_file import COMMAND
from probe.credentials.store import CredentialStore
from probe.diagnosis.fixes.steps import fill_steps
from probe.model.finding import Finding
from probe.model.target import (
    GENERAL_VARIABLES,
    Endpoint,
    Target,
    TlsSettings,
    name_variables,
)
from tests.support.pki import issue
from tests.support.sdk_environment import P, only, targets

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
        tuple(f"{key} {text}" for key, text in PLACEHOLDERS.items()),
        collect_target_facts(target, 60.0),
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


def test_an_equal_value_of_a_signal_is_named_with_the_general_one() -> None:
    """One target for all signals: a change of either variable alone leaves a signal as it was."""
    target = only(ENDPOINT=ENDPOINT, CERTIFICATE="/ca.crt", TRACES_CERTIFICATE="/ca.crt")
    assert named(target)["ca_file"] == f"{P}TRACES_CERTIFICATE and {P}CERTIFICATE"


def test_a_setting_without_a_variable_has_none() -> None:
    """Server name, ciphers and the like are not set in an environment."""
    assert name_variables("server_name_override", ()) == ""


def faults(signal: str, folder: Path, **variables: str) -> tuple[Finding, ...]:
    """Return what is wrong with the files of an SDK's only target; `folder` has a certificate."""
    issued = issue("checkout")
    (folder / "tls.crt").write_bytes(issued.pem)
    (folder / "tls.key").write_bytes(issued.key_pem)
    own = f"{signal}_" if signal else ""
    target = only(
        **{own + name: value for name, value in {"ENDPOINT": ENDPOINT, **variables}.items()}
    )
    found = CredentialStore().open(target).read().facts.faults
    assert all(step[0].isupper() or COMMAND.match(step) for fault in found for step in fault.fix)
    return found


@pytest.mark.parametrize("signal", ["", "TRACES", "LOGS"])
def test_a_fault_of_a_file_names_the_variable_that_decides(signal: str, tmp_path: Path) -> None:
    """Text in the place of a path, half a pair, no such file, a directory, two exchanged."""
    prefix = f"{P}{signal}_" if signal else P
    cert, key = f"{tmp_path}/tls.crt", f"{tmp_path}/tls.key"
    pem = "-----BEGIN PRIVATE KEY-----\\nMIG\\n-----END PRIVATE KEY-----"
    (text,) = faults(signal, tmp_path, CLIENT_CERTIFICATE=cert, CLIENT_KEY=pem)
    assert text.fact.startswith(f"{prefix}CLIENT_KEY holds PEM text")
    assert text.fix[0].endswith(f"path in {prefix}CLIENT_KEY")
    assert "key_pem" not in "".join(text.fix)

    (half,) = faults(signal, tmp_path, CLIENT_CERTIFICATE=cert)
    assert half.fact.startswith(f"{prefix}CLIENT_KEY is not set, though {cert} is")
    assert f"et {prefix}CLIENT_KEY to the private key" in half.fix[0]

    (gone,) = faults(signal, tmp_path, CERTIFICATE="/nowhere/ca.crt")
    assert gone.fix[0].endswith(f"or correct {prefix}CERTIFICATE")

    (folder,) = faults(signal, tmp_path, CERTIFICATE=str(tmp_path))
    assert f"et {prefix}CERTIFICATE to the file itself" in folder.fix[0]

    steps = [
        step
        for fault in faults(signal, tmp_path, CLIENT_CERTIFICATE=key, CLIENT_KEY=cert)
        for step in fault.fix
    ]
    assert set(steps) == {
        f"Set {prefix}CLIENT_CERTIFICATE to the file with the certificate and {prefix}CLIENT_KEY to "
        "the file with its private key: perhaps the two are exchanged"
    }


def test_a_fault_of_a_file_names_the_key_where_that_is_what_is_set(tmp_path: Path) -> None:
    """A Collector's, this probe's: its keys, as they stand in the file."""
    named = Target(
        name="a",
        endpoint=Endpoint.parse("c:4317"),
        tls=TlsSettings(cert_file=f"{tmp_path}/tls.crt"),
    )
    (tmp_path / "tls.crt").write_bytes(issue("checkout").pem)
    (half,) = CredentialStore().open(named).read().facts.faults
    assert half.fact.startswith("key_file is not set")


def test_targets_with_other_variables_share_no_faults() -> None:
    """The same files, named by two signals: each finding names its own variable."""
    found = targets(
        TRACES_ENDPOINT=ENDPOINT, METRICS_ENDPOINT=ENDPOINT,
        TRACES_CERTIFICATE="/nowhere/ca.crt", METRICS_CERTIFICATE="/nowhere/ca.crt",
    )  # fmt: skip
    store = CredentialStore()
    for name in ("traces", "metrics"):
        (fault,) = store.open(found[f"sdk-{name}"]).read().facts.faults
        assert f"{P}{name.upper()}_CERTIFICATE" in fault.fix[0]


def test_a_missing_scheme_over_http_names_the_protocol_that_decides() -> None:
    """To speak gRPC on that port, the variable that says http/protobuf is the one to change."""
    for own in ("", "TRACES_"):
        target = only(TRACES_ENDPOINT="collector:4318", **{f"{own}PROTOCOL": "http/protobuf"})
        assert f"set {P}{own}PROTOCOL=grpc" in target.faults[0].fact
