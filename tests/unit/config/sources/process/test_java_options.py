"""The options of a Java machine are those that the real launcher and machine would take."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.config.sources.process.java_options import (
    JavaOptions,
    apply_agent_options,
    read_java_options,
    split_argument_file,
    split_machine_options,
)


def read(*arguments: str, files: Mapping[str, str] | None = None, **environ: str) -> JavaOptions:
    """Return the options of `java` with these arguments."""

    def read_file(name: str) -> bytes:
        if files is None or name not in files:
            raise FileNotFoundError(2, "No such file or directory", name)
        return files[name].encode()

    return read_java_options(("java", *arguments), environ, read_file)


def test_each_place_counts_over_the_one_before() -> None:
    """JAVA_TOOL_OPTIONS, JDK_JAVA_OPTIONS, the command line, _JAVA_OPTIONS."""
    everywhere = {
        "JAVA_TOOL_OPTIONS": "-Da=1 -Db=1 -Dc=1 -Dd=1",
        "JDK_JAVA_OPTIONS": "-Db=2 -Dc=2 -Dd=2",
        "_JAVA_OPTIONS": "-Dd=4",
    }
    options = read("-Dc=3", "-Dd=3", "-jar", "app.jar", **everywhere)
    assert options.properties == {"a": "1", "b": "2", "c": "3", "d": "4"}
    assert options.origins == {
        "a": "JAVA_TOOL_OPTIONS",
        "b": "JDK_JAVA_OPTIONS",
        "c": "the command line",
        "d": "_JAVA_OPTIONS",
    }


@pytest.mark.parametrize(
    "arguments",
    [
        ("-jar", "app.jar", "-Da=1"),
        ("-cp", "x.jar", "Main", "-Da=1", "@options"),
        ("-m", "shop/shop.Main", "-Da=1"),
        ("--add-opens", "java.base/java.lang=ALL-UNNAMED", "Main", "-Da=1"),
    ],
)
def test_the_programs_own_arguments_are_not_options(arguments: tuple[str, ...]) -> None:
    """They follow what is run."""
    assert read(*arguments, files={"options": "-Da=1"}).properties == {}


def test_argument_files_are_expanded_before_the_program() -> None:
    """Also in JDK_JAVA_OPTIONS; `@@` stands for `@`, and an option ends all of it."""
    files = {"a": "-Da='x y' # comment\n-cp x.jar", "b": '-Db="1\\\n   2"'}
    options = read("@a", "Main", "@b", files=files, JDK_JAVA_OPTIONS="@b")
    assert options.properties == {"a": "x y", "b": "12"}
    assert options.program == "Main"
    assert read("--disable-@files", "@a", files=files).properties == {}
    assert read("@missing", "-Da=1").unread == ("missing",)


def test_a_file_of_machine_options_is_read() -> None:
    """-XX:VMOptionsFile, which may not name a further one."""
    files = {"o": "-Da=1\n-XX:VMOptionsFile=o"}
    assert read("-XX:VMOptionsFile=o", files=files).properties == {"a": "1"}


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("-Da=1  -Db=2", ["-Da=1", "-Db=2"]),
        ("-Da='x y'z", ["-Da=x yz"]),
        ("'-Da=it\"s' \"-Db='\"", ['-Da=it"s', "-Db='"]),
        (r"-Da=\n", [r"-Da=\n"]),
        ("''", [""]),
        ("-Da='open end", ["-Da=open end"]),
    ],
)
def test_the_machine_splits_without_escapes(text: str, options: list[str]) -> None:
    """A quotation mark may begin anywhere."""
    assert split_machine_options(text) == options


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("a b", ["a", "b"]),
        ("'a b'c", ["a bc"]),
        (r'"a\tb\"" c', ['a\tb"', "c"]),
        (r"a\tb", [r"a\tb"]),
        ("# a\nb # c\n# d", ["b"]),
        ('"a\n b"', ["a", "b"]),
        ('"" x', ["", "x"]),
        ("a#b\nc", ["c"]),
        ("'a'#b\nc", ["ac"]),
    ],
)
def test_an_argument_file_has_a_language_of_its_own(text: str, arguments: list[str]) -> None:
    """Seen with the launcher of JDK 17, its oddities included."""
    assert list(split_argument_file(text)) == arguments


def test_the_agents_options_are_properties() -> None:
    """A value with `=` is left out, as Java's split has it."""
    options = "otel.service.name=shop;otel.exporter.otlp.headers=a=b;x=;otel.x=1"
    assert apply_agent_options(options) == {"otel.service.name": "shop", "otel.x": "1"}


@given(st.text(alphabet="ab \t\n\r\f\\'\"#@=-", max_size=60))
def test_any_text_is_split_to_its_end(text: str) -> None:
    """Both splitters are total, and nothing but quotation and escape takes a character away."""
    for parts in (list(split_argument_file(text)), split_machine_options(text)):
        assert all(set(part) <= set(text) | set("\n\r\t\f") for part in parts)
    read("@f", files={"f": text}, JAVA_TOOL_OPTIONS=text, JDK_JAVA_OPTIONS=text)
