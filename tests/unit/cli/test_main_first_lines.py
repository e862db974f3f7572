"""What people write the first time, from curl, openssl or guessing: each ends with a useful word.

`GRPC` and `HTTP` stand for backends with which nothing is wrong, `TAKEN` for an address that is in use;
the files of README.md lie in the working directory.
"""

import json
import shutil
import socket
from pathlib import Path
from typing import Final

import pytest

from tests.support.backends import Answers
from tests.support.command_line import command, run_commands, run_probe
from tests.support.demo_pki import PKI

pytestmark = pytest.mark.slow

FILES: Final = "--ca ca.crt --cert tls.crt --key tls.key"

LINES: Final[dict[str, tuple[int, str]]] = {
    # No command, or another tool's.
    "": (2, "\n    mtls-probe demo\n"),
    "-V": (0, "mtls-probe, version "),
    "help": (2, "Write: mtls-probe --help"),
    "chekc GRPC": (2, "Did you mean check?"),
    "test GRPC": (2, "Write: mtls-probe check"),
    "s_client -connect GRPC": (2, "Write: mtls-probe check"),
    "https://collector.example.com:4317": (
        2,
        "mtls-probe check https://collector.example.com:4317",
    ),
    "tls.crt": (2, "mtls-probe inspect tls.crt"),
    "probe.yml": (2, "mtls-probe check --config probe.yml"),
    "--config probe.yml": (2, "mtls-probe check --config"),
    # Endpoints as they are pasted.
    f"check GRPC {FILES}": (0, "confirmed"),
    f"check https://GRPC {FILES}": (0, "confirmed"),
    f"check https://HTTP/v1/traces {FILES}": (0, "confirmed"),
    f"check https://GRPC/opentelemetry.proto.collector.logs.v1.LogsService/Export {FILES}": (
        0,
        "confirmed",
    ),
    f"check HTTP --protocol http {FILES}": (0, "confirmed"),
    "check collector.example.com": (2, "write host:port, 4317 is OTLP over gRPC"),
    "check grpc://GRPC": (2, "use http or https"),
    "check https://user:pw@GRPC": (2, "use headers"),
    "check": (1, "To try an endpoint: mtls-probe check HOST:PORT"),
    "check GRPC": (1, "server_ca_untrusted"),
    "check probe.yml": (2, "a configuration is named by --config"),
    f"check {FILES}": (2, "mtls-probe check HOST:PORT --cert"),
    "check --pid self": (2, "pgrep -af TEXT"),
    "check GRPC --cert tls.crt --key --ca ca.crt": (2, "--key lacks its value"),
    "check GRPC --evidence /proc/none": (3, "--evidence: cannot make this folder"),
    "check GRPC ca.crt tls.crt tls.key": (2, "files are named by --cert, --key and --ca"),
    # Options as they are remembered.
    f"check GRPC {FILES} --timeout 5": (0, "confirmed"),
    f"check GRPC {FILES} -v": (0, "a client certificate was asked for"),
    f"check GRPC {FILES} --expiry 14d": (0, "confirmed"),
    f"check GRPC {FILES} --expiry 20000d": (1, "expiry: GRPC: the client certificate in tls.crt"),
    f"check GRPC {FILES} --expiry 14": (2, "like 14d"),
    "check GRPC --certificate tls.crt": (2, "Did you mean '--cert'?"),
    "check GRPC --protocol grcp": (2, "Did you mean grpc?"),
    "check GRPC --exporter java": (2, "java-okhttp or java-jdk or java-grpc"),
    "check GRPC --listen :9943": (2, "It is an option of run, listen, demo."),
    "check GRPC --output yaml": (2, "'json'"),
    f"check GRPC {FILES} --header x-team=payments": (0, "confirmed"),
    f"check GRPC {FILES} --proxy ftp://proxy:3128": (2, "a proxy is http://host:port"),
    f"check GRPC {FILES} --output-file gone/report.xml": (3, "make its folder first"),
    "check --config gone.yml": (2, "; its folder has empty.yml, probe.yml"),
    "check --config empty.yml": (1, "give targets, sources or modules"),
    # curl's.
    "check -k GRPC --cert tls.crt --key tls.key": (0, "confirmed"),
    "check -vk https://GRPC --cert tls.crt --key tls.key -m 5": (0, "not verified"),
    "check https://HTTP/v1/traces --cacert ca.crt -E tls.crt --key tls.key -H x-team:payments": (
        0,
        "confirmed",
    ),
    f"check localhost:GRPC_PORT {FILES} --resolve localhost:GRPC_PORT:127.0.0.1": (0, "confirmed"),
    f"check localhost:GRPC_PORT {FILES} --connect-to localhost:GRPC_PORT:127.0.0.1:": (
        0,
        "confirmed",
    ),
    "check https://HTTP/v1/traces -X POST -d {}": (2, "the request is the probe's own"),
    "check GRPC --tlsv1.2": (2, "min_version"),
    "check GRPC --cert-type P12 --cert tls.p12": (2, "mtls-probe inspect FILE"),
    # The ones of openssl s_client and grpcurl.
    "check -connect GRPC -CAfile ca.crt -cert tls.crt -key tls.key": (0, "confirmed"),
    "check -connect GRPC -servername localhost -CAfile ca.crt -cert tls.crt -key tls.key -showcerts": (
        0,
        "server certificate: ",
    ),
    "check -insecure -cert tls.crt -key tls.key GRPC": (0, "confirmed"),
    "check -plaintext GRPC": (2, "http://HOST:PORT"),
    # The other commands.
    "run GRPC": (2, "mtls-probe check HOST:PORT"),
    "run --config probe.yml --listen 9943": (2, "write :9943"),
    "run --config probe.yml --listen TAKEN": (2, "End it; or write: "),
    "demo --listen TAKEN": (2, "End it; or write: "),
    "demo once": (2, "Write: --once"),
    "run --port 9943": (2, "Write: --listen HOST:PORT"),
    "run -c probe.yml": (2, "Write: --config FILE"),
    "rules -p 9943": (2, "mtls-probe rules --help lists all"),
    "validate probe.yml": (2, "mtls-probe validate --config FILE"),
    "explain client_ca_untrustd": (2, "did you mean client_ca_untrusted?"),
    "explain": (2, 'mtls-probe explain "remote error: tls: bad certificate"'),
    "diagnose": (2, "mtls-probe check --evidence DIR"),
    "inspect": (1, "To look at files: mtls-probe inspect"),
    "inspect gone.pem": (1, "gone.pem"),
    "inspect GRPC": (2, "to try an endpoint: mtls-probe check GRPC"),
}
"""By the command line: its exit code, and the word that helps."""


def write_files(folder: Path) -> None:
    """Write what README.md calls the files of an exporter, and two configurations."""
    tls = PKI.settings(folder, PKI.exporter())
    for name, path in {
        "ca.crt": tls.ca_file, "tls.crt": tls.cert_file, "tls.key": tls.key_file,
    }.items():  # fmt: skip
        assert path
        if Path(path) != folder / name:
            shutil.copy(path, folder / name)
    target = {"endpoint": "https://127.0.0.1:1"}
    (folder / "probe.yml").write_text(json.dumps({"targets": [target]}), encoding="utf-8")
    (folder / "empty.yml").write_text("{}\n", encoding="utf-8")


async def test_each_first_line_ends_with_a_useful_word(tmp_path: Path) -> None:
    """It works, or says what to write; the exit code is the documented one."""
    write_files(tmp_path)
    grpc, http = PKI.backend("grpc"), PKI.backend("http", protocol="http/protobuf")
    await grpc.start(0)
    await http.start(0)
    try:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            places = {
                "GRPC_PORT": f"{grpc.port}",
                "GRPC": f"127.0.0.1:{grpc.port}",
                "HTTP/": f"127.0.0.1:{http.port}/",
                "HTTP ": f"127.0.0.1:{http.port} ",
                "TAKEN": f"127.0.0.1:{taken.getsockname()[1]}",
            }

            def fill(line: str) -> str:
                for name, place in places.items():
                    line = line.replace(name, place)
                return line

            each = await run_commands(
                *(command(*fill(line).split(), cwd=tmp_path) for line in LINES)
            )
            wanted = {line: (code, fill(word)) for line, (code, word) in LINES.items()}
    finally:
        await grpc.stop()
        await http.stop()
    useless = {
        line: (ended.code, ended.out[:300] + ended.err[-200:])
        for ended, (line, (code, word)) in zip(each, wanted.items(), strict=True)
        if ended.code != code or word not in ended.out + ended.err
    }
    assert useless == {}


async def test_a_header_of_the_command_line_arrives_and_is_never_shown(tmp_path: Path) -> None:
    """The backend gets it; no output has it, and no evidence, also where the backend repeats it."""
    write_files(tmp_path)
    secret = "s3cr3t-of-the-header"
    answers = Answers(http_status=401, body=secret.encode(), content_type="text/plain")
    backend = PKI.backend("http", protocol="http/protobuf", answers=answers)
    await backend.start(0)
    try:
        ended = await run_probe(
            *("check", f"https://127.0.0.1:{backend.port}/v1/traces", *FILES.split(), "-v"),
            *("-H", f"Authorization: Bearer {secret}", "--evidence", "seen"),
            cwd=tmp_path,
        )
        sent = backend.requests[-1].headers["authorization"]
    finally:
        await backend.stop()
    assert sent == f"Bearer {secret}"
    assert ended.code == 1
    (evidence,) = (tmp_path / "seen").iterdir()
    assert secret not in ended.out + ended.err + evidence.read_text("utf-8")
