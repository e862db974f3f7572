"""systemd accepts config/systemd/mtls-probe.service, and the probe works within its limits."""

import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

EXPOSURE_LIMIT = 2.0
"""Of 10; the rest is mostly the network, which the probe needs."""

# MDWE: PR_SET_MDWE with PR_MDWE_REFUSE_EXEC_GAIN (prctl(2)), as MemoryDenyWriteExecute= does.
WITHOUT_WRITABLE_CODE = """
import ctypes, sys
if ctypes.CDLL(None).prctl(65, 1, 0, 0, 0):
    sys.exit(77)
import probe.tls.client
"""


@pytest.fixture
def unit(config: Path) -> Path:
    """The unit as it is shipped."""
    return config / "systemd" / "mtls-probe.service"


def settings(unit: Path) -> dict[str, str]:
    """Return the last value of each setting."""
    lines = unit.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def test_systemd_knows_every_setting(
    unit: Path, optional_program: Callable[[str], str], tmp_path: Path
) -> None:
    """`systemd-analyze verify` prints nothing, with a program at the unit's path."""
    analyze = optional_program("systemd-analyze")
    text = re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={sys.executable}", unit.read_text("utf-8"))
    (tmp_path / unit.name).write_text(text, encoding="utf-8")
    command = [analyze, "verify", "--man=no", tmp_path / unit.name]
    verified = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")


def test_systemd_sees_mistakes(
    unit: Path, optional_program: Callable[[str], str], tmp_path: Path
) -> None:
    """A misspelt setting is reported."""
    analyze = optional_program("systemd-analyze")
    text = re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={sys.executable}", unit.read_text("utf-8"))
    wrong = text.replace("ProtectClock=", "ProtectClocks=")
    (tmp_path / unit.name).write_text(wrong, encoding="utf-8")
    command = [analyze, "verify", "--man=no", tmp_path / unit.name]
    verified = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "ProtectClocks" in verified.stderr


def test_the_unit_is_closed(unit: Path, optional_program: Callable[[str], str]) -> None:
    """The security score of systemd-analyze is low."""
    command = [optional_program("systemd-analyze"), "security", "--offline=yes", "--no-pager", unit]
    judged = subprocess.run(command, capture_output=True, text=True, check=False)
    exposure = re.search(r"exposure level for \S+: ([\d.]+)", judged.stdout)
    if exposure is None:
        pytest.skip(f"this systemd-analyze judges no file: {judged.stderr.strip()}")
    assert float(exposure[1]) <= EXPOSURE_LIMIT


def test_what_the_service_does(unit: Path) -> None:
    """A user of its own, and reload by SIGHUP."""
    found = settings(unit)
    assert found["Type"] == "exec"
    assert found["DynamicUser"] == "yes"
    assert found["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert found["ProtectSystem"] == "strict"


def test_a_port_that_is_taken_for_a_moment_keeps_it_down_no_longer(unit: Path) -> None:
    """Whatever the exit code of `run`, systemd starts it again, without a limit."""
    found = settings(unit)
    with socket.create_server(("127.0.0.1", 0)) as holder:
        address = f"127.0.0.1:{holder.getsockname()[1]}"
        command = [sys.executable, "-m", "probe", "run", "--listen", address]
        ended = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert ended.returncode > 0
    assert found["Restart"] == "on-failure"
    assert str(ended.returncode) not in found.get("RestartPreventExitStatus", "").split()
    assert found["StartLimitIntervalSec"] == "0"


def test_a_wrong_configuration_does_not_keep_a_machine_busy(unit: Path) -> None:
    """It has the same exit code, and a start costs up to a second of CPU: the pause is much longer."""
    assert int(settings(unit)["RestartSec"].removesuffix("s")) >= 10


def test_keys_stay_in_memory(unit: Path) -> None:
    """They are neither in a core dump nor in swap."""
    found = settings(unit)
    assert found["LimitCORE"] == "0"
    assert found["MemorySwapMax"] == "0"


def test_the_key_is_not_copied_at_start(unit: Path) -> None:
    """LoadCredential= copies once: a rotated key would not be seen."""
    assert not {"LoadCredential", "LoadCredentialEncrypted", "SetCredential"} & set(settings(unit))


def test_writable_code_is_not_denied_while_it_is_needed(unit: Path) -> None:
    """MemoryDenyWriteExecute= would keep the service from starting where cffi makes code."""
    command = [sys.executable, "-c", WITHOUT_WRITABLE_CODE]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode == 77:
        pytest.skip("this kernel cannot deny it to one process")
    starts = ended.returncode == 0
    assert starts or settings(unit).get("MemoryDenyWriteExecute") != "yes", ended.stderr
