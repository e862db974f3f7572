"""Every program that reads env files is modelled, and held to what the real one made of 520 files."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.config.sources.sdk.env_files.env_readers import (
    COMPOSE,
    DOCKER,
    MAX_BYTES,
    READERS,
    READERS_BY_ID,
    SHELL,
    SYSTEMD,
    EnvReader,
    choose_reader,
    find_lines,
    list_disagreeing,
)
from probe.config.sources.sdk.env_files.line_error import LineError
from tests.contract.imports import ROOT

SIZE: Final = MAX_BYTES // 4
MEASURED: Final = ROOT / "tests" / "corpora" / "env_files.jsonl"
HOST: Final = {"HOSTV": "hv"}
"""The environment in which the real programs were run."""
PIECES: Final = [
    *("A", "OTEL_B", "=", ":", " ", "\t", "\n", "\r\n", "'", '"', "`", "\\", "#", "$", "${", "}"),
    *("export ", ";", "x", "é", "\ufeff", "\0", "$HOSTV", "${A:-", "https://c:4317", "|", "~"),
]


def measured_files() -> Iterator[tuple[str, str, dict[str, str] | None]]:
    """Yield each file with a reader and what it made of it, None where it refused it."""
    for line in MEASURED.read_text().splitlines():
        case: dict[str, Any] = json.loads(line)
        for ids, found in case["read"]:
            for each in ids:
                yield case["text"], each, found


def read(reader: EnvReader, text: str) -> dict[str, str] | None:
    """Return what our model of `reader` makes of `text`."""
    try:
        return reader.read(text.encode(), HOST)
    except LineError:
        return None


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.id)
def test_each_model_reads_as_the_real_program_did(reader: EnvReader) -> None:
    """No file of the corpus is read otherwise; what is more than assignments to a shell is refused."""
    wrong = [
        (text, found)
        for text, each, found in measured_files()
        if each == reader.id
        and read(reader, text) != found
        and not (reader is SHELL and read(reader, text) is None)
    ]

    assert wrong == []


def test_the_shells_model_reads_most_of_what_shells_read() -> None:
    """Refusing is safe, and useless where it is done too often."""
    taken = [text for text, each, found in measured_files() if each == "shell" and found]

    assert len([text for text in taken if read(SHELL, text) is not None]) > 0.9 * len(taken)


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_every_text_is_read_or_refused_with_a_reason(text: str) -> None:
    """Values are text; a line is within the file."""
    for reader in READERS:
        try:
            found = reader.read(text.encode(), HOST)
        except LineError as error:
            assert 0 <= error.line <= text.count("\n") + 1
            assert error.reason
        else:
            assert all(isinstance(value, str) for value in found.values())


@given(st.binary())
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    """A file need not be text."""
    for reader in READERS:
        try:
            reader.read(raw, {})
        except LineError as error:
            assert re.match(r"line \d+: |\w", str(error))


@given(
    st.dictionaries(
        st.from_regex(r"OTEL_[A-Z_]{1,20}", fullmatch=True),
        st.from_regex(r"[a-zA-Z0-9:/.,_%-]{0,30}", fullmatch=True),
    )
)
def test_plain_values_are_the_same_to_every_program(variables: dict[str, str]) -> None:
    """Without quotes, blanks and signs there is one reading."""
    raw = "".join(f"{name}={value}\n" for name, value in variables.items()).encode()

    assert all(reader.read(raw, {}) == variables for reader in READERS)
    assert list(list_disagreeing(raw, {}, COMPOSE)) == []


@pytest.mark.parametrize(
    "text",
    [
        *("A=1\n" * (SIZE // 4), "\n" * SIZE, "A='" * (SIZE // 3)),
        *("A=" + "\\a" * (SIZE // 2), 'A="' + "\\" * SIZE, "A=" + "${A:-" * 50_000),
        *(
            "A=" + "x " * (SIZE // 2),
            "A=x\nB=$A$A$A\n" * 100 + "A=$B$B$B\n" * 100,
            " " * SIZE,
        ),
        *("'\n" * (SIZE // 2), 'A="\n' * (SIZE // 4), "#\\\n" * (SIZE // 3)),
        *("=" * SIZE, "A:\n" * (SIZE // 3), "A='" + "\\'" * (SIZE // 2 - 2)),
    ],
)
@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.id)
def test_no_file_takes_long(reader: EnvReader, text: str) -> None:
    """The largest that is read, in its worst form."""
    begun = time.process_time()
    read(reader, text[:SIZE])

    assert time.process_time() - begun < 5


@pytest.mark.parametrize(
    ("path", "raw", "chosen"),
    [
        ("/etc/default/otel", b"A=1", SYSTEMD),
        ("/etc/sysconfig/app", b"export A=1", SYSTEMD),
        ("/app/.env", b"A=1", COMPOSE),
        ("/app/.env", b"export A=1", SHELL),
        ("/etc/profile.d/otel.sh", b"A=1", SHELL),
        ("prod.env", b"A=1", COMPOSE),
    ],
)
def test_the_path_says_who_reads_the_file(path: str, raw: bytes, chosen: EnvReader) -> None:
    """Distributions keep files of units in known directories."""
    assert choose_reader(path, raw) is chosen


def test_who_reads_otherwise_is_named_with_the_variables() -> None:
    """Only variables that an exporter is made of count."""
    raw = b'OTEL_EXPORTER_OTLP_ENDPOINT="https://c:4317"\nNAME="a b"\n'

    assert list(list_disagreeing(raw, {}, COMPOSE)) == [(DOCKER, ("OTEL_EXPORTER_OTLP_ENDPOINT",))]


def test_lines_are_found_by_the_name() -> None:
    """Of two, the later one: it counts."""
    raw = b"# A=1\nA=2\nexport B = 3\n  A=4\n"

    assert find_lines(raw, {"A": "4", "B": "3"}) == {"A": 4, "B": 3}


def test_every_reader_has_a_name_of_its_own() -> None:
    """Messages and `format` tell them apart."""
    assert len(READERS_BY_ID) == len({reader.name for reader in READERS}) == len(READERS)
    assert Path(MEASURED).is_file()
