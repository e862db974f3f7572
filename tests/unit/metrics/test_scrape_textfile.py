"""One round as metrics for the textfile collector, and outputs that are written in one step."""

import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from probe.cli.results import replace_file
from probe.diagnosis.diagnose import diagnose
from probe.metrics.scrape import ONLY_WITH_A_SCHEDULE, render_textfile
from probe.model.target import Endpoint, Target
from probe.text.safe_text import safe_text
from tests.stories.all_stories import BY_NAME, STORIES
from tests.support.command_line import configuration, entry, run_probe
from tests.support.demo_pki import PKI
from tests.support.required_tools import missing

NEW, OLD = b"new " * 100_000, b"old " * 100_000


def metrics_of_all_stories() -> bytes:
    """Return the metrics of the attempts of all stories in one round."""
    observed = []
    for case in STORIES:
        target = Target(name=case.name, endpoint=Endpoint("collector", 4317))
        observed.append((target, case.evidence, diagnose(case.evidence)))
    return render_textfile(observed)


def test_it_holds_what_a_single_round_can_know() -> None:
    """Outcome, cause, certificates, and what alerts join on; no counters that begin anew."""
    names = {
        sample.name
        for family in text_string_to_metric_families(metrics_of_all_stories().decode())
        for sample in family.samples
    }
    assert {
        "mtls_probe_success",
        "mtls_probe_cause",
        "mtls_probe_cause_info",
        "mtls_probe_finding",
        "mtls_probe_certificate_not_after_timestamp_seconds",
        "mtls_probe_last_attempt_timestamp_seconds",
    } <= names
    assert not names & ONLY_WITH_A_SCHEDULE
    assert not any(name.startswith(("process_", "python_")) for name in names)
    # A gauge that nobody has set would say that a reload failed.
    assert "mtls_probe_config_last_reload_successful" not in names


@pytest.mark.slow
def test_promtool_finds_nothing_to_say_about_it() -> None:
    """No duplicate, no timestamp, no family in pieces."""
    promtool = shutil.which("promtool") or missing("promtool is not installed")
    ended = subprocess.run(
        [promtool, "check", "metrics"],
        input=metrics_of_all_stories(),
        capture_output=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout + ended.stderr) == (0, b"")


@given(st.lists(st.text(st.characters(), min_size=1, max_size=30), max_size=3, unique=True))
@settings(max_examples=100, deadline=None)
def test_no_name_breaks_it(names: list[str]) -> None:
    """Quotes, backslashes, line breaks, surrogates: each target has its one series."""
    case = BY_NAME["client_ca_untrusted"]
    meaning = diagnose(case.evidence)
    endpoint = Endpoint("collector", 4317)
    observed = [(Target(name=name, endpoint=endpoint), case.evidence, meaning) for name in names]
    read = [
        sample.labels["target"]
        for family in text_string_to_metric_families(render_textfile(observed).decode())
        for sample in family.samples
        if sample.name == "mtls_probe_success"
    ]
    assert read == list(map(safe_text, names))


def test_a_reader_sees_the_old_one_or_the_new_one(tmp_path: Path) -> None:
    """Never half of it, however often both happen."""
    file = tmp_path / "mtls.prom"
    file.write_bytes(OLD)
    ended = threading.Event()
    halves: list[int] = []

    def read() -> None:
        while not ended.is_set():
            content = file.read_bytes()
            if content not in {OLD, NEW}:
                halves.append(len(content))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(100):
        replace_file(file, NEW if number % 2 else OLD)
    ended.set()
    reader.join()
    assert halves == []
    assert file.stat().st_mode & 0o777 == 0o644
    assert [path.name for path in tmp_path.iterdir()] == ["mtls.prom"]


def test_what_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    """And no file of ours next to it."""
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match=r"."):
        replace_file(tmp_path / "folder", NEW)
    with pytest.raises(OSError, match=r"."):
        replace_file(tmp_path / "missing" / "file", NEW)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    """A named pipe (and /dev/null, for root) stays what it is; who reads there gets it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()), daemon=True)
    reader.start()
    replace_file(pipe, NEW)
    reader.join(10)
    assert got == [NEW]
    assert pipe.is_fifo()


def test_a_link_stays_and_what_it_names_changes(tmp_path: Path) -> None:
    """Others may have made it, to a folder that the node exporter reads."""
    (tmp_path / "folder").mkdir()
    file, link = tmp_path / "folder" / "file", tmp_path / "link"
    link.symlink_to(file)
    replace_file(link, OLD)
    replace_file(link, NEW)
    assert link.is_symlink()
    assert file.read_bytes() == NEW
    assert [path.name for path in file.parent.iterdir()] == ["file"]


@pytest.mark.slow
async def test_a_dash_is_standard_output(tmp_path: Path) -> None:
    """As everywhere else; no file of that name appears."""
    config = configuration(tmp_path, {"endpoint": "127.0.0.1:1", "tls": {"ca_file": "/x"}})
    command = ("check", "--config", config, "--output", "jsonl", "--output-file", "-")
    ended = await run_probe(*command, cwd=tmp_path)
    assert ended.code == 1
    assert ended.document["cause"] == "server_ca_file_missing"
    assert [path.name for path in tmp_path.iterdir()] == [config.name]


@pytest.mark.parametrize("output", ["table", "json", "jsonl", "junit", "prometheus"])
@pytest.mark.slow
async def test_check_writes_each_output_into_a_file(tmp_path: Path, output: str) -> None:
    """The exit code stays the check's own; nothing goes to standard output."""
    backend = PKI.backend("refusing", client_ca=PKI.other_ca)
    await backend.start()
    target = entry(backend, PKI.settings(tmp_path, PKI.exporter()), name="<script>")
    config = configuration(tmp_path, target)
    file = tmp_path / "out"
    try:
        arguments = ("check", "--config", config, "--output", output, "--output-file", file)
        ended = await run_probe(*arguments)
    finally:
        await backend.stop()
    assert (ended.code, ended.out) == (1, "")
    text = file.read_text("utf-8")
    assert "client_ca_untrusted" in text
    assert ("<script>" in text) is (output != "junit")


@pytest.mark.slow
async def test_a_file_that_cannot_be_written_is_the_probes_own_fault(tmp_path: Path) -> None:
    """With the file and the reason."""
    config = configuration(tmp_path, {"endpoint": "127.0.0.1:1", "tls": {"ca_file": "/x"}})
    file = tmp_path / "no such folder" / "out"
    ended = await run_probe("check", "--config", config, "--output-file", file)
    assert ended.code == 3
    assert "no such folder" in ended.err
    assert os.strerror(2) in ended.err
