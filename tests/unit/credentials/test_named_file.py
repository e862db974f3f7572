"""Steps about files begin like those of causes: a sentence with a capital, a command as it is typed."""

import os
import stat
from pathlib import Path
from typing import get_args

import pytest

from probe.credentials import convert as conversion
from probe.credentials.convert import Damage
from probe.credentials.formats.recognise import Format
from probe.credentials.named_file import COMMAND, NamedFile, begin_step
from probe.credentials.read_file import read_file
from probe.model.finding import Finding, Role


@pytest.mark.parametrize("role", get_args(Role))
def test_every_step_of_a_conversion_is_a_sentence_or_a_command(role: Role) -> None:
    """A command is never given a capital, and a sentence always is."""
    file = NamedFile(role, "/a b")
    steps = {step for kind in Format for step in conversion.convert(kind, file, b"x")}
    steps |= {
        *conversion.convert_openssh(file),
        *conversion.copy_again(file),
        *conversion.correct_exchanged(file),
        *conversion.send_request(file),
        *conversion.compare_keys("/a", "/b"),
    }
    steps |= {step for damage in get_args(Damage) for step in conversion.repair(damage, file)}
    for step in steps:
        begun = begin_step(step)
        assert begun[0].isupper() != bool(COMMAND.match(step))
        assert begun.lower() == step.lower()
    assert {bool(COMMAND.match(step)) for step in steps} == {True, False}


@pytest.mark.parametrize("role", get_args(Role))
def test_a_file_that_cannot_be_read_has_sentences(role: Role, tmp_path: Path) -> None:
    """Missing, a directory, a FIFO, a broken link, too large, text in the place of a path."""
    fifo, link, large = tmp_path / "fifo", tmp_path / "link", tmp_path / "large"
    large.write_bytes(b"x" * 11)
    link.symlink_to(tmp_path / "nowhere")
    os.mkfifo(fifo, stat.S_IRUSR)
    for path in (tmp_path / "gone", tmp_path, fifo, link, large, "-----BEGIN X-----\nMII"):
        fault = read_file(NamedFile(role, str(path)), limit=10)
        assert isinstance(fault, Finding)
        assert fault.fix
        assert all(step[0].isupper() for step in fault.fix), fault.fix
