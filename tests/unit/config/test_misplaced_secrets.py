"""A secret where something else belongs: every command says what is wrong, and none quotes it."""

import base64
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from probe.config.errors import ConfigurationError
from probe.config.sources.collector.read_collector import read_collector
from probe.config.sources.sdk.environment import read_environment
from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.fixes.steps import fill_steps
from probe.model.evidence import TargetFacts
from probe.model.target import Target, TlsSettings
from tests.support.command_line import command, run_commands
from tests.support.configuration_texts import Load
from tests.support.pki import key_pem
from tests.support.reported_faults import faults_of, reported, targets_in

PEM: Final = key_pem(ec.generate_private_key(ec.SECP256R1())).decode()
BODY: Final = "".join(PEM.splitlines()[1:-1])
ENDPOINT: Final = {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://127.0.0.1:1"}
FILES: Final = {
    "an env file": "API_TOKEN=hunter2-hunter2\nDATABASE=hunter3-hunter3\n",
    "properties": "otlp.token=hunter2-hunter2\notlp.user = hunter3-hunter3\n",
    "a bare token": "hunter2-hunter2-hunter3-hunter3\n",
    "a token in quotes": "'hunter2-hunter2'\n",
    "a key": PEM,
    "YAML with a mistake in it": "a: \"hunter2-hunter2\nb: 'hunter3-hunter3\n",
    "an alias of nothing": "a: *hunter2-hunter2\n",
    "an unknown tag": "a: !hunter2-hunter2 x\n",
    "an unknown escape": 'a: "hunter2-hunter2\\q"\n',
    "a swapped mapping": "hunter2-hunter2: API_TOKEN\nhunter3-hunter3: x\n",
    "a list": "- hunter2-hunter2\n- hunter3-hunter3\n",
    "a key twice": "hunter2-hunter2: a\nhunter2-hunter2: b\n",
}
SECRETS: Final = ("hunter2", "hunter3", PEM.splitlines()[1][:16], BODY[8:24])


def shown(text: str) -> list[str]:
    """Return which of the secrets stand in `text`."""
    return [secret for secret in SECRETS if secret in text]


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
@pytest.mark.slow
async def test_a_file_that_is_something_else_is_described(text: str, tmp_path: Path) -> None:
    """As configuration, Collector's, SDK's, file_sd's, or list of endpoints: where, and what it is."""
    for name in ("file", "list.yml", "list.json"):
        (tmp_path / name).write_text(text)
    sources = ("collector: file", "sdk: file", "file_sd: list.yml", "file_sd: list.json")
    for number, source in enumerate(sources):
        (tmp_path / f"{number}.yml").write_text(f"sources: [{{{source}}}]\n")
    await_all = await run_commands(
        command("validate", "--config", "file", cwd=tmp_path),
        command("check", "--targets", "file", cwd=tmp_path),
        command("check", "-", stdin=text.encode(), cwd=tmp_path),
        command("validate", env={"OTEL_CONFIG_FILE": text}, cwd=tmp_path),
        command("diagnose", "file", cwd=tmp_path),
        *(
            command("validate", "--config", f"{number}.yml", cwd=tmp_path)
            for number in range(len(sources))
        ),
    )
    assert [shown(ended.out + ended.err) for ended in await_all] == [[]] * len(await_all)
    assert await_all[0].code == 2
    assert await_all[0].err.startswith("file:")


MISPLACED: Final = {
    "PEM": PEM,
    "PEM with escaped line breaks": PEM.replace("\n", r"\n"),
    "base64 of PEM": base64.b64encode(PEM.encode()).decode(),
    "base64 of DER": BODY,
}


@pytest.mark.parametrize("text", MISPLACED.values(), ids=MISPLACED)
@pytest.mark.slow
async def test_a_key_in_the_place_of_its_path_is_malformed(text: str, tmp_path: Path) -> None:
    """Every command says that a path is wanted, and none shows a part of the key."""
    variable = {"OTEL_EXPORTER_OTLP_CLIENT_KEY": text}
    parts = [text[at : at + 12] for at in range(0, len(text) - 12, 12)]
    pair = {"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": "tls.crt"}
    ended = await run_commands(
        *(
            command("check", "--output", output, env=ENDPOINT | pair | variable, cwd=tmp_path)
            for output in ("table", "json", "jsonl", "junit", "prometheus")
        ),
        command("check", "--evidence", "seen", env=ENDPOINT | variable, cwd=tmp_path),
        command("validate", env=ENDPOINT | pair | variable, cwd=tmp_path),
        command("inspect", env=ENDPOINT | pair | variable, cwd=tmp_path),
        command("inspect", "--key", text, "--output", "json", cwd=tmp_path),
        command("inspect", text, cwd=tmp_path),
        command("check", "127.0.0.1:1", "--key", text, "--cert", "tls.crt", cwd=tmp_path),
        command("check", "--config", text, cwd=tmp_path),
        command("check", "--targets", text, cwd=tmp_path),
        command("check", "127.0.0.1:1", "--evidence", text, cwd=tmp_path),
    )
    written = [file.read_text() for file in (tmp_path / "seen").iterdir()]
    printed = [each.out + each.err for each in ended] + written
    assert written
    assert [[part for part in parts if part in one] for one in printed] == [[]] * len(printed)
    assert "client_file_malformed" in ended[0].out
    assert "the exporter wants the path of a file there" in ended[0].out
    assert [each.code for each in ended] == [1] * 9 + [2 if text.startswith("-") else 1, 1] + [
        2
    ] * 3


@pytest.mark.parametrize("role", ["ca_file", "cert_file", "key_file"])
def test_settings_never_hold_it(role: str) -> None:
    """Whoever makes settings, by whatever source, gets the description in the place of the text."""
    settings = TlsSettings(**{role: PEM})  # type: ignore[arg-type]
    assert (
        getattr(settings, role)
        == f"(PEM text, {len(PEM)} characters in {PEM.count(chr(10))} lines)"
    )
    assert shown(repr(settings)) == []


def test_no_command_has_it_in_its_place() -> None:
    """A fix is never a command with a description in it."""
    target = TargetFacts(
        name="a",
        endpoint="a:1",
        host="a",
        port=1,
        protocol="grpc",
        key_file="(PEM text, 241 characters in 5 lines)",
    )
    for cause in CATALOGUE.values():
        assert "(PEM" not in "".join(fill_steps(cause.fix, target))


def reports_of(load: Load, texts: Sequence[str]) -> Iterator[str]:
    """Yield what is reported of each configuration: its error, or what is wrong with its target."""
    for text in texts:
        yield reported(partial(load_targets, load, text))


def load_targets(load: Load, text: str) -> tuple[Target, ...]:
    """Return the targets of a configuration."""
    return load(text).targets


def test_a_secret_as_scalar_where_a_mapping_belongs_is_described(load: Load) -> None:
    """And a list where a mapping belongs, a mapping where text belongs, a key nobody knows."""
    target = "targets: [{endpoint: 'a:1', %s}]\n"
    wrong = (
        "tls: hunter2-hunter2", "headers: Bearer hunter2-hunter2", "labels: hunter2-hunter2",
        "tls: [hunter2-hunter2]", "interval: hunter2-hunter2", "protocol: hunter2-hunter2",
        "tls: {min_version: hunter2-hunter2}", "tls: {cipher_suites: hunter2-hunter2}",
        "tls: {cipher_suites: [hunter2-hunter2]}", "tls: {insecure: hunter2-hunter2}",
        "tls: {hunter2-hunter2: x}", "expect: hunter2-hunter2", "expect: {cause: hunter2-hunter2}",
        "hunter2-hunter2: x", "labels: {hunter2-hunter2: x}", "proxy_url: hunter2-hunter2",
        "proxy_url: 'ftp://me:hunter2-hunter2@proxy'", "headers: {'hunter2 hunter2': x}",
        "name: {hunter2-hunter2: x}", "signal: hunter2-hunter2", "depth: hunter2-hunter2",
        "server_cert_file: [hunter2-hunter2]",
    )  # fmt: skip
    texts = [target % one for one in wrong] + [
        f"targets: [{{endpoint: '{text}'}}]\n"
        for text in (
            "a?token=hunter2-hunter2", "me:hunter2-hunter2@a:1", "ftp://a/?token=hunter2-hunter2",
            "https://a:x/?hunter2-hunter2", "hunter2-hunter2", "[hunter2-hunter2]:1",
            "a\u2100b/hunter2-hunter2:1",
        )
    ] + [
        "targets: hunter2-hunter2\n", "defaults: hunter2-hunter2\n", "web: {listen: hunter2-hunter2}\n",
        "clock: {sources: [{http: 'hunter2-hunter2'}]}\n",
        "clock: {sources: [{http: 'http://me:hunter2-hunter2@c/'}]}\n",
        "clock: {sources: [{sntp: 'hunter2-hunter2/x'}]}\n", "sources: [hunter2-hunter2]\n",
        "sources: [{http_sd: 'hunter2-hunter2'}]\n", "sources: [{file_sd: hunter2-hunter2}]\n",
        "shard: {index: hunter2-hunter2, count: 2}\n", "modules: {a: hunter2-hunter2}\n",
        "modules: {a: {allow: ['hunter2-hunter2:99999']}}\n", "resource: hunter2-hunter2\n",
        "targets: [{endpoint: '${vault:hunter2-hunter2}'}]\n",
        "targets: [{endpoint: '${env:hunter2-hunter2}'}]\n",
        "targets: [{endpoint: '${hunter2-hunter2}'}]\n",
    ]  # fmt: skip
    assert [
        text for text, report in zip(texts, reports_of(load, texts), strict=True) if shown(report)
    ] == []


COLLECTOR: Final = """\
extensions: {bearertokenauth: %s}
exporters: {otlp: {endpoint: %s, auth: {authenticator: %s}, tls: %s, headers: %s}}
receivers: {nop: }\nservice: {extensions: [bearertokenauth], pipelines: {traces: {receivers: [nop], exporters: [otlp]}}}
"""
RIGHT: Final = ("{token: x}", "'a:1'", "bearertokenauth", "{}", "{}")


@pytest.mark.parametrize("at", range(len(RIGHT)))
@pytest.mark.parametrize(
    "wrong", ["hunter2-hunter2", "[hunter2-hunter2]", "{hunter2-hunter2: {hunter3-hunter3: x}}",
              "'https://me:hunter2-hunter2@a:b'", "'unix://hunter2-hunter2'"]
)  # fmt: skip
def test_a_collector_with_a_secret_in_a_wrong_place(at: int, wrong: str) -> None:
    """Error or warning, it is described."""
    text = COLLECTOR % tuple(wrong if n == at else right for n, right in enumerate(RIGHT))
    try:
        read = read_collector(("c.yaml",), {}, lambda _: text)
    except ConfigurationError as error:
        said = str(error)
    else:
        said = "\n".join((*read.warnings, *map(str, read.errors), faults_of(read.targets)))
    assert shown(said) == []


@pytest.mark.parametrize("name", ["ENDPOINT", "PROTOCOL", "HEADERS", "TRACES_ENDPOINT", "TIMEOUT"])
@pytest.mark.parametrize(
    "value", ["hunter2-hunter2", "a/?token=hunter2-hunter2", "https://me:hunter2-hunter2@a:1", PEM]
)
def test_a_variable_with_a_secret_in_it(name: str, value: str) -> None:
    """An endpoint without scheme and with a token is one of many."""
    variables = ENDPOINT | {f"OTEL_EXPORTER_OTLP_{name}": value}
    try:
        said = str(targets_in(read_environment(variables)))
    except ConfigurationError as error:
        said = str(error)
    assert shown(said) == []


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("targets: {a: 1, b: 2}", "a mapping of 2"),
        ("defaults: [1, 2, 3]", "a list of 3"),
        ("web: {listen: 9943}", "9943 (a number)"),
        ("web: {listen: 1234567890123456}", "a number of 16 characters (not shown)"),
        ("web: {listen: true}", "true"),
        ("defaults: {headers: {a: [1]}}", "a list of 1"),
        ("defaults: {headers: {a: 12345678}}", "a value (not shown)"),
        ("targets: hunter2-hunter2", "text, 15 characters (not shown)"),
        ("targets: shortly", "shortly"),
        ("defaults: {protocol: http/jsonn}", "http/jsonn"),
        ("targets: [{endpoint: collector.example.com}]", "collector.example.com"),
        ("sources: [{file_sd: /etc/probe/targets.txt}]", "/etc/probe/targets.txt"),
    ],
)
def test_what_was_found_is_said(load: Load, line: str, found: str) -> None:
    """Kind and size of what is not text, and the text itself where it cannot be a secret."""
    with pytest.raises(ConfigurationError) as caught:
        load(f"{line}\n")
    assert caught.value.found == found
