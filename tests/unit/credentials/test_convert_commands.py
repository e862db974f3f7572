"""Every printed command takes a name that somebody else chose as exactly one argument."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.credentials import convert as conversion
from probe.credentials.content import read_content
from probe.credentials.convert import Damage
from probe.credentials.formats.recognise import Format
from probe.credentials.named_file import NamedFile
from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.fixes.steps import fill_steps
from probe.model.evidence import TargetFacts
from probe.model.finding import Role
from probe.text.safe_text import quote_authority, quote_path, quote_word

HOSTILE: Final = (
    "$(touch x).localhost", "`touch x`", "a'b", 'a"b', "a b", "a\nb", "-connect", "--help", "a;b",
    "a|b", "a&b", "a>b", "*", "~", "a\\b", "$HOME", "#a", "!a", "'$(x)'", "", "é", "[x]", "{a,b}",
)  # fmt: skip
NAMES: Final = st.one_of(
    st.sampled_from([name for name in HOSTILE if name]), st.text(min_size=1, max_size=30)
).filter(lambda name: "\0" not in name)
COMMANDS: Final = (
    "cat", "chmod", "chown", "cp", "curl", "getent", "gzip", "iconv", "ls", "openssl", "sed", "base64",
    "keytool", "puttygen", "ssh-keygen", "tr", "unzip", "jq", "mtls-probe",
)  # fmt: skip
COMMAND: Final = re.compile(rf"(?<![\w/.-])(?:{'|'.join(COMMANDS)}) [^'\"()]*")
PLACEHOLDER: Final = re.compile(r"\{(\w+)\}(-plain)?(?::\{port\})?")


def facts(name: str) -> TargetFacts:
    """Return those of a target whose every text is `name`."""
    return TargetFacts(
        name="a", endpoint=name, host=name, port=4317, protocol="grpc", reference_identifier=name,
        cert_file=name, key_file=name, ca_file=name,
    )  # fmt: skip


def commands_of_causes() -> Iterator[str]:
    """Yield each command with a placeholder in it, as it stands in the catalogue."""
    for cause in CATALOGUE.values():
        for step in cause.fix:
            for found in COMMAND.finditer(step):
                # A command ends where the sentence goes on.
                command = re.split(r"[,;] | must | and (?!chmod)|\.$|\. ", found[0])[0]
                if "{" in command:
                    yield command


TEMPLATES: Final = tuple(dict.fromkeys(commands_of_causes()))


def words_of(template: str, name: str) -> list[str]:
    """Return the arguments that the command has to have."""
    words = []
    for word in template.split():
        if word == "{host}:{port}":
            words.append(f"[{name}]:4317" if ":" in name else f"{name}:4317")
        elif (found := PLACEHOLDER.fullmatch(word)) is None:
            words.append(word)
        elif found[1] in {"cert_file", "key_file", "ca_file"}:
            path = f"./{name}" if name.startswith("-") else name
            words.append(path + (found[2] or ""))
        else:
            words += ["--", name] if name.startswith("-") else [name]
    return words


def test_there_are_commands() -> None:
    """The search finds them, with hosts and with each kind of file."""
    assert len(TEMPLATES) > 20
    assert all(
        any(each in one for one in TEMPLATES) for each in ("{host}", "{cert_file}", "{ca_file}")
    )


@settings(max_examples=150)
@given(NAMES)
def test_a_name_is_one_argument_of_every_fix(name: str) -> None:
    """Whatever the name: a shell finds it whole, and runs and opens nothing of it."""
    for template in TEMPLATES:
        (filled,) = fill_steps((template,), facts(name))
        assert shlex.split(filled) == words_of(template, name)


@pytest.mark.parametrize("name", [name for name in HOSTILE if name])
@pytest.mark.slow
def test_a_shell_takes_it_so_too(name: str, tmp_path: Path) -> None:
    """What shlex says of quoting is what /bin/sh does."""
    for template in (
        "printf %s\\n {host}",
        "printf %s\\n {cert_file}",
        "printf %s\\n {host}:{port}",
    ):
        (filled,) = fill_steps((template.replace("\\n", "\\\\n"),), facts(name))
        done = subprocess.run(
            ["/bin/sh", "-c", filled], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert done.stdout.removesuffix("\n").removeprefix("--\n") == words_of(template, name)[-1]
    assert list(tmp_path.iterdir()) == []


def conversion_commands(path: str) -> list[list[str]]:
    """Return the words of every command that inspect prints, whatever format, role and damage."""
    steps: list[str] = []
    for role in get_args(Role):
        file = NamedFile(role, path)
        steps += [step for kind in Format for step in conversion.convert(kind, file, b"x")]
        for damage in get_args(Damage):
            steps += conversion.repair(damage, file)
        steps += conversion.convert_openssh(file) + conversion.copy_again(file)
        steps += conversion.compare_keys(path, path)
    return [shlex.split(step, comments=True) for step in steps if COMMAND.match(step)]


@settings(max_examples=100)
@given(NAMES)
def test_a_path_is_one_argument_of_every_conversion(path: str) -> None:
    """A word of a command is the path, a file named after it, or what is there for any path."""
    shown = f"./{path}" if path.startswith("-") else path
    endings = (".pem", ".cert.pem", ".key.pem", ".ca.pem", ".p12", ".d", ".jks")
    named = {shown, *(f"{shown}{ending}" for ending in endings)}
    # A path may be a part of an option (`keys` of `-nokeys`).
    usual = {word for words in conversion_commands("0123456789") for word in words}
    for words in conversion_commands(path):
        assert named & set(words), words
        unknown = [word for word in words if path in word and word not in named | usual]
        assert unknown == [] or len(path) < 4, words


def test_a_hostile_key_of_a_manifest_is_in_no_command() -> None:
    """Sed would take it apart: GNU sed even runs what stands behind an `e`."""
    pem = b"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg=="
    for key in (b"x//e; touch x #", b"a'b", b"tls/crt", b"$(x)"):
        raw = b"kind: Secret\ndata:\n  " + key + b": " + pem + b"\n"
        for fault in read_content(raw, NamedFile("cert", "secret.yaml")).faults:
            assert not any(step.startswith("sed") for step in fault.fix)


@pytest.mark.parametrize("name", HOSTILE)
def test_words(name: str) -> None:
    """Each maker's word is one argument; a dash makes no option of it."""
    assert shlex.split(quote_path(name))[-1].removeprefix("./") == name
    assert shlex.split(quote_word(name))[-1] == name
    assert shlex.split(quote_authority(name, 1)) == [f"{name}:1"]
    if name.startswith("-"):
        assert quote_path(name).lstrip("'").startswith("./")
        assert quote_word(name).startswith("-- ")


def test_ordinary_names_stay_as_they_are() -> None:
    """Quotes stand only where a shell needs them."""
    assert quote_path("/etc/otel/tls.crt") == "/etc/otel/tls.crt"
    assert quote_word("collector.example.com") == "collector.example.com"
    assert quote_authority("collector.example.com", 4317) == "collector.example.com:4317"
    assert quote_authority("::1", 4317) == "'[::1]:4317'"


@pytest.mark.skipif(shutil.which("getent") is None, reason="the command under test is libc's")
@pytest.mark.slow
def test_the_look_up_of_a_hostile_name_runs_nothing(tmp_path: Path) -> None:
    """A name that discovery brought is looked up, not run."""
    step = next(step for step in CATALOGUE["dns_failure"].fix if "getent" in step)
    (filled,) = fill_steps((step[step.index("getent") :],), facts("$(touch x).localhost"))
    subprocess.run(filled, shell=True, cwd=tmp_path, check=False, capture_output=True, timeout=20)
    assert list(tmp_path.iterdir()) == []
