"""Options of curl, openssl and grpcurl, in the words of `check`."""

from typing import Final

import click
import pytest

from probe.cli.check_command import check
from probe.cli.habits import translate_habits
from tests.support.every_row import every_row

VALUED: Final = ("--ca", "--cert", "--header", "--resolve")
FLAGS: Final = ("-v", "--verbose")
SAME: Final = {
    "-k a:1": "--insecure-skip-verify a:1",
    "-vk a:1": "-v --insecure-skip-verify a:1",
    "--cacert=x a:1": "--ca x a:1",
    "--cacert x a:1": "--ca x a:1",
    "-Hname:value a:1": "--header name:value a:1",
    "-connect a:1 -cert x": "a:1 --cert x",
    "--connect-to a:1:127.0.0.2:1": "--resolve a:1:127.0.0.2",
    "--connect-to a:1:[::1]:": "--resolve a:1:[::1]",
    "--connect-to a::127.0.0.2:": "--resolve a=127.0.0.2",
    "-sSf a:1": "--quiet a:1",
    # Values, what stands behind --, and what nobody knows are left alone.
    "--header -k a:1": "--header -k a:1",
    "-- -k": "-- -k",
    "--no-such -": "--no-such -",
    "--ca": "--ca",
    "-H": "--header",
}


@every_row(row=SAME.items())
def test_what_means_the_same_is_translated(row: tuple[str, str]) -> None:
    """Each line becomes one of this command's own."""
    written, meant = row
    assert " ".join(translate_habits(written.split(), VALUED, FLAGS)) == meant


@pytest.mark.parametrize(
    "line", ["--connect-to a:1:b:1", "--connect-to a:1:127.0.0.1:2", "-d s3cret"]
)
def test_what_cannot_be_had_so_is_a_usage_error_that_quotes_no_value(line: str) -> None:
    """It says what to write."""
    with pytest.raises(click.UsageError) as raised:
        list(translate_habits(line.split(), VALUED, FLAGS))
    assert "write" in raised.value.message
    assert "s3cret" not in raised.value.message


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--cert tls.crt --ca --header", "--ca lacks its value: --header follows"),
        ("--cert tls.crt:s3cret", "mtls-probe inspect FILE"),
        ("-E tls.pem:s3cret a:1", "mtls-probe inspect FILE"),
    ],
)
def test_a_value_that_is_none_is_refused_and_not_quoted(line: str, said: str) -> None:
    """The next option in its place, and curl's passphrase behind a file's name."""
    with pytest.raises(click.UsageError) as raised:
        list(translate_habits(line.split(), VALUED, FLAGS))
    assert said in raised.value.message
    assert "s3cret" not in raised.value.message


def test_a_colon_in_a_path_is_part_of_it() -> None:
    """Only what looks like a file with a passphrase is refused."""
    line = "--cert certs:v2/tls.crt --ca /a.crt:/b"
    assert " ".join(translate_habits(line.split(), VALUED, FLAGS)) == line


def test_a_line_that_a_shell_completes_is_left_alone() -> None:
    """What is not whole yet ends with no error."""
    context = check.make_context("check", ["-d", "a:1"], resilient_parsing=True)
    assert context.info_name == "check"
