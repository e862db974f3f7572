"""What /proc says of a process is read whatever the process has written into it."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.config.sources.process.proc_texts import (
    list_mapped_files,
    parse_stat,
    parse_status,
    split_arguments,
    split_environment,
)

_REST = b" S 7 0 0 0 0 4194304 " + b" ".join([b"0"] * 12) + b" 3534308 0"


@pytest.mark.parametrize("name", [b"java", b"a) S 1 (b", b"((", b"\xff x", b""])
def test_a_name_may_hold_anything(name: bytes) -> None:
    """It stands in parentheses, and the last one ends it."""
    stat = parse_stat(b"42 (" + name + b")" + _REST)
    assert stat.command.encode("utf-8", "surrogateescape") == name
    assert (stat.parent, stat.start_ticks, stat.ended, stat.kernel_thread) == (
        7,
        3534308,
        False,
        False,
    )


def test_a_zombie_and_a_kernel_thread_are_told_apart() -> None:
    """By the state, and by a flag of the kernel's."""
    assert parse_stat(b"42 (x)" + _REST.replace(b" S ", b" Z ", 1)).ended
    assert parse_stat(b"42 (x)" + _REST.replace(b"4194304", b"2129984", 1)).kernel_thread


def test_status_has_the_ids_that_decide_over_files() -> None:
    """The fourth is the file system's; two capabilities open every file."""
    text = (
        b"Tgid:\t42\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t9 10 \nCapPrm:\t0\nCapEff:\t4\n"
    )
    status = parse_status(text)
    assert (status.uids[3], status.gids[3], status.groups) == (4, 8, (9, 10))
    assert status.reads_everything
    assert not parse_status(text.replace(b"CapEff:\t4", b"CapEff:\t8")).reads_everything


def test_the_first_of_two_variables_counts() -> None:
    """As for getenv; what has no name or no `=` is not a variable."""
    assert split_environment(b"A=1\0B=x=y\0A=2\0=Z\0title\0") == {"A": "1", "B": "x=y"}


def test_empty_arguments_count() -> None:
    """An option may be empty; a process without a command line has none."""
    assert split_arguments(b"java\0\0-jar\0") == ("java", "", "-jar")
    assert split_arguments(b"") == split_arguments(b"\0\0") == ()


def test_libraries_are_listed_once() -> None:
    """A library has several mappings; memory without a file has no name."""
    line = b"7f00-7f01 r-xp 00000000 08:01 42    /usr/lib/my lib.so"
    text = b"\n".join(
        [
            line,
            line,
            line + b" (deleted)",
            b"7f00-7f01 rw-p 0 00:00 0",
            b"7f-8f rw-p 0 0:0 0 [heap]",
        ]
    )
    assert list_mapped_files(text) == ("/usr/lib/my lib.so",)


@given(st.binary(max_size=300))
def test_any_bytes_give_something_or_a_value_error(raw: bytes) -> None:
    """Nobody else's bytes are a bug of ours."""
    for parse in (parse_stat, parse_status):
        with suppress(ValueError):
            parse(raw)
    split_arguments(raw)
    split_environment(raw)
    list_mapped_files(raw)


@given(
    st.dictionaries(
        st.binary(min_size=1).filter(lambda b: not {0, 61} & set(b)),
        st.binary().filter(lambda b: 0 not in b),
    )
)
def test_an_environment_is_read_as_it_was_given(variables: dict[bytes, bytes]) -> None:
    """Also where it is not UTF-8 (PEP 383)."""
    raw = b"".join(name + b"=" + value + b"\0" for name, value in variables.items())
    found = split_environment(raw)
    encoded = {
        k.encode("utf-8", "surrogateescape"): v.encode("utf-8", "surrogateescape")
        for k, v in found.items()
    }
    assert encoded == variables
