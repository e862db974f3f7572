"""A unit of systemd gives the variables that its service gets."""

import errno
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.config.errors import ConfigurationError
from probe.config.sources.sdk.settings_file import SettingsFile
from probe.config.sources.sdk.unit.read_unit import UnitSettings, list_drop_ins, read_unit
from probe.config.sources.sdk.unit.unit_syntax import split_value
from probe.model.runtime import COLLECTOR, JAVA_OKHTTP

UNIT = "/etc/systemd/system/app@eu.service"
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


def reader(**files: str) -> Callable[[str], bytes]:
    """Return what reads `files`, by their paths with `_` for `/`."""
    held = {name.replace("_", "/"): text.encode() for name, text in files.items()}

    def read(name: str) -> bytes:
        if name not in held:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", name)
        return held[name]

    return read


def read(text: str, *drop_ins: str, **files: str) -> UnitSettings:
    """Return the settings of a unit with the section [Service]."""
    return read_unit(f"[Service]\n{text}".encode(), UNIT, reader(**files), drop_ins)


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("Environment=A=1 \"B=x y\" C='z'", {"A": "1", "B": "x y", "C": "z"}),
        ("Environment=A=1\nEnvironment=A=2", {"A": "2"}),
        ("Environment=A=1\nEnvironment=\nEnvironment=B=2", {"B": "2"}),
        ("Environment=A=1 \\\n# a comment\n  B=2", {"A": "1", "B": "2"}),
        (
            "Environment=A=%i-%p-%% B=Bearer%%20x C=a%20b",
            {"A": "eu-app-%", "B": "Bearer%20x", "C": "a%20b"},
        ),
        (
            "Environment=A=%t/x B=%d/key",
            {"A": "/run/x", "B": "/run/credentials/app@eu.service/key"},
        ),
        ('Environment=A=1 "B=x', {"A": "1"}),
        ("Environment=1A=x B", {}),
        ("Environment=A=1\nEnvironmentFile=/e", {"A": "3", "E": "$A"}),
        ("Environment=A=1\nEnvironmentFile=-/none", {"A": "1"}),
        ("Environment=A=1 B=2 C=3\nUnsetEnvironment=A B=2 C=x", {"C": "3"}),
        ("[Unit]\nEnvironment=A=1", {}),
    ],
)
def test_each_rule(text: str, variables: dict[str, str]) -> None:
    """Files come over the unit's own variables, whatever the order of the lines."""
    assert read(text, _e="A=3\nE=$A").variables == variables


def test_a_drop_in_comes_after_the_unit() -> None:
    """What it empties begins anew."""
    drop_in = {"/d/10.conf": b"[Service]\nEnvironment=\nEnvironment=B=2"}
    settings = read_unit(b"[Service]\nEnvironment=A=1", UNIT, drop_in.__getitem__, ["/d/10.conf"])

    assert settings.variables == {"B": "2"}


def test_drop_ins_are_in_all_directories_of_the_system() -> None:
    """Of two with one name, /etc's counts; the order is that of their names."""
    files = {
        "/usr/lib/systemd/system/app.service.d": ["20-b.conf", "10-a.conf"],
        "/etc/systemd/system/app.service.d": ["20-b.conf", "readme"],
    }

    def list_directory(name: str) -> list[str]:
        if name not in files:
            raise FileNotFoundError(name)
        return files[name]

    assert list_drop_ins("/usr/lib/systemd/system/app.service", list_directory) == [
        "/usr/lib/systemd/system/app.service.d/10-a.conf",
        "/etc/systemd/system/app.service.d/20-b.conf",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("EnvironmentFile=/none", "cannot be read"),
        (f"Environment={ENDPOINT}=https://%H:4317", "%H, which only systemd knows"),
    ],
)
def test_what_cannot_be_known_is_an_error_with_its_line(text: str, said: str) -> None:
    """Nothing is probed with half of the settings."""
    with pytest.raises(ConfigurationError) as caught:
        read(text)

    assert said in caught.value.reason
    assert caught.value.line == 2


def test_a_specifier_that_no_exporter_needs_is_passed_over() -> None:
    """The host's name in another variable stops nothing."""
    assert read("Environment=HOST=%H A=1").variables == {"A": "1"}


def test_javas_options_count() -> None:
    """The command's own, with references to variables, and the agent's file."""
    found = read(
        'Environment="JAVA_OPTS=-Dotel.exporter.otlp.endpoint=https://c:4317 -Xmx1g"\n'
        "Environment=OTEL_JAVAAGENT_CONFIGURATION_FILE=/agent\n"
        "ExecStart=-/usr/bin/java $JAVA_OPTS -jar app.jar",
        _agent="otel.exporter.otlp.client.key=/k\notel.exporter.otlp.endpoint=https://no:1",
    )

    assert found.java
    assert found.variables[ENDPOINT] == "https://c:4317"
    assert found.variables["OTEL_EXPORTER_OTLP_CLIENT_KEY"] == "/k"


def test_a_credential_is_read_where_it_comes_from() -> None:
    """Its own path exists while the service runs only."""
    found = read(
        "LoadCredential=key:/etc/otel/tls.key\nEnvironment=OTEL_EXPORTER_OTLP_CLIENT_KEY=%d/key"
    )

    assert found.variables["OTEL_EXPORTER_OTLP_CLIENT_KEY"] == "/etc/otel/tls.key"


def test_a_unit_becomes_targets() -> None:
    """With the line of the unit, and Java's verdict for a program of Java."""
    raw = b"[Service]\nEnvironment=OTEL_EXPORTER_OTLP_ENDPOINT=https://c:4318\nExecStart=/bin/java -jar a\n"
    settings = SettingsFile("/etc/systemd/system/a.service", raw)
    (target,) = settings.read({}, JAVA_OKHTTP.id).targets

    assert settings.exporter == JAVA_OKHTTP.id
    assert target.endpoint.host == "c"


def test_a_collectors_unit_names_the_right_source() -> None:
    """Its configuration is what has the exporters."""
    raw = b"[Service]\nExecStart=/usr/bin/otelcol-contrib --config=/etc/otelcol/config.yaml\n"
    empty = SettingsFile("/etc/systemd/system/otelcol.service", raw).read({}, COLLECTOR.id).empty

    assert "it runs a Collector (/etc/otelcol/config.yaml)" in empty


@given(st.text("[Service]\nEnvironment=ABC%i\\\"' \t#;x1/-\r"))
def test_any_text_is_read(text: str) -> None:
    """Or refused with the file's name."""
    try:
        found = read(text)
    except ConfigurationError as error:
        assert error.file == UNIT
    else:
        assert all(isinstance(value, str) for value in found.variables.values())


@given(st.lists(st.text("abc =/", min_size=1)))
def test_quoted_words_are_read_back(words: list[str]) -> None:
    """Blanks within quotes belong to the word."""
    assert split_value(" ".join(f'"{word}"' for word in words)) == (words, True)
