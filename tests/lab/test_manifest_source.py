"""A manifest with its Secrets, made by kubectl, is checked against a real Collector with mutual TLS.

What is wrong with a Secret's content is found as it would be in the file that the container mounts.
"""

import base64
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import pytest

from tests.lab.credentials import LabPki, Pair
from tests.lab.servers import StartCollector
from tests.support.command_line import Ended, command, run_commands
from tests.support.manifests import GATEWAY, collector_config, config_map, list_errors, read
from tests.support.required_tools import missing

HOST = "backend.otel.svc"
Data = dict[str, bytes]


@pytest.fixture(scope="session")
def kubectl() -> str:
    """The command that makes and renders objects; it needs no cluster for that."""
    found = shutil.which("kubectl")
    if found is None:
        missing("kubectl")
    return found


def make_secret(kubectl: str, folder: Path, data: Mapping[str, bytes]) -> str:
    """Return what `kubectl create secret generic --from-file` makes of these files."""
    folder.mkdir(exist_ok=True)
    for name, content in data.items():
        (folder / name).write_bytes(content)
    files = [f"--from-file={name}={folder / name}" for name in data]
    asked = ["create", "secret", "generic", "client", "-n", "otel", *files]
    made = subprocess.run(
        [kubectl, *asked, "--dry-run=client", "-o", "yaml"], capture_output=True, check=True
    )
    return made.stdout.decode()


def stream(port: int, secret: str, name: str = "localhost") -> bytes:
    """Return a namespace: a Collector's configuration, its Deployment and its Secret."""
    tls = (
        "{ca_file: /certs/ca.crt, cert_file: /certs/tls.crt, key_file: /certs/tls.key, "
        f"server_name_override: {name}}}"
    )
    config = collector_config({"otlp_grpc/pem": f"{{endpoint: '{HOST}:{port}', tls: {tls}}}"})
    return "\n---\n".join((config_map(config), GATEWAY, secret)).encode()


def content(pki: LabPki, pair: Pair) -> Data:
    """Return the conventional keys of a Secret of the type kubernetes.io/tls, with the CA."""
    return {
        "tls.crt": pair.cert_file.read_bytes(),
        "tls.key": pair.key_file.read_bytes(),
        "ca.crt": pki.server_ca_file.read_bytes(),
    }


async def check(raw: bytes) -> Ended:
    """Return what `check --manifest -` ends with."""
    arguments = ("check", "--manifest", "-", "--resolve", f"{HOST}=127.0.0.1", "--output", "json")
    (ended,) = await run_commands(command(*arguments, stdin=raw))
    return ended


def get_result(ended: Ended) -> dict[str, object]:
    """Return the only result."""
    (result,) = msgspec.json.decode(ended.out)["results"]
    assert isinstance(result, dict)
    return result


async def test_a_good_secret_is_confirmed(
    kubectl: str, collector: StartCollector, pki: LabPki, tmp_path: Path
) -> None:
    """Files in memory are presented as files of a disk are; none of the key is printed."""
    backend = collector()
    secret = make_secret(kubectl, tmp_path / "good", content(pki, pki.client))
    ended = await check(stream(backend.grpc_port, secret))
    result = get_result(ended)
    assert (ended.code, result["outcome"]) == (0, "confirmed"), ended.out
    assert result["target"] == "Deployment otel/gateway: otlp_grpc/pem"
    key = pki.client.key_file.read_text().splitlines()[1]
    assert key not in ended.out + ended.err


Change = Callable[[LabPki, Data], Data]
CHANGES: Mapping[str, tuple[Change, tuple[str, ...], int | None]] = {
    "another team's CA": (
        lambda pki, data: data | {
            "tls.crt": pki.stranger.cert_file.read_bytes(),
            "tls.key": pki.stranger.key_file.read_bytes(),
        },
        ("client_ca_untrusted",),
        1,
    ),
    "the key of another": (
        lambda pki, data: data | {"tls.key": pki.stranger.key_file.read_bytes()},
        ("client_cert_key_mismatch",),
        2,
    ),
    "expired": (
        lambda pki, data: data | {
            "tls.crt": pki.expired.cert_file.read_bytes(),
            "tls.key": pki.expired.key_file.read_bytes(),
        },
        ("client_cert_expired",),
        3,
    ),
    "swapped": (
        lambda _, data: data | {"tls.crt": data["tls.key"], "tls.key": data["tls.crt"]},
        ("client_file_malformed",),
        5,
    ),
    "encoded twice": (
        lambda _, data: data | {"tls.crt": base64.b64encode(data["tls.crt"])},
        ("client_file_malformed",),
        5,
    ),
    "under another name": (
        lambda _, data: {"client.crt": data["tls.crt"], "tls.key": data["tls.key"], "ca.crt": data["ca.crt"]},
        ("client_file_missing",),
        5,
    ),
    "not yet valid": (
        lambda pki, data: data | {
            "tls.crt": pki.not_yet_valid.cert_file.read_bytes(),
            "tls.key": pki.not_yet_valid.key_file.read_bytes(),
        },
        ("client_cert_not_yet_valid", "clock_skew"),
        None,
    ),
    "a CA of somebody else": (
        lambda pki, data: data | {"ca.crt": pki.other_ca_file.read_bytes()},
        ("server_ca_untrusted",),
        None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CHANGES)
async def test_what_is_wrong_with_a_secret_is_the_cause(
    case: str, kubectl: str, collector: StartCollector, pki: LabPki, tmp_path: Path
) -> None:
    """Each documented case arises from the Secret's content alone."""
    change, causes, documented = CHANGES[case]
    secret = make_secret(kubectl, tmp_path / "changed", change(pki, content(pki, pki.client)))
    ended = await check(stream(collector().grpc_port, secret))
    result = get_result(ended)
    assert ended.code == 1
    assert result["cause"] in causes, (result["cause"], result["facts"])
    if documented is not None:
        assert result["documented_cause"] == documented
    if documented == 5:
        assert any("/certs/tls.crt" in str(fact) for fact in result["facts"])


async def test_a_name_that_the_backend_does_not_have_is_the_cause(
    kubectl: str, collector: StartCollector, pki: LabPki, tmp_path: Path
) -> None:
    """The fourth documented case: the Service's name is not in the certificate."""
    secret = make_secret(kubectl, tmp_path / "name", content(pki, pki.client))
    result = get_result(await check(stream(collector().grpc_port, secret, name=HOST)))
    assert (result["cause"], result["documented_cause"]) == ("server_name_mismatch", 4)


async def test_a_missing_line_break_at_the_end_changes_nothing(
    kubectl: str, collector: StartCollector, pki: LabPki, tmp_path: Path
) -> None:
    """As `kubectl create secret --from-literal` makes it: readers of PEM need none."""
    data = {name: held.rstrip(b"\n") for name, held in content(pki, pki.client).items()}
    secret = make_secret(kubectl, tmp_path / "bare", data)
    assert get_result(await check(stream(collector().grpc_port, secret)))["outcome"] == "confirmed"


async def test_a_kustomization_rendered_by_kubectl_is_checked_as_a_whole(
    kubectl: str, collector: StartCollector, pki: LabPki, tmp_path: Path
) -> None:
    """Generated names carry a hash, which kubectl writes into the volumes too."""
    for name, held in content(pki, pki.client).items():
        (tmp_path / name).write_bytes(held)
    base = stream(collector().grpc_port, "").decode()
    (tmp_path / "base.yaml").write_text(base.removesuffix("\n---\n"))
    (tmp_path / "kustomization.yaml").write_text(
        "namespace: otel\nresources: [base.yaml]\nsecretGenerator:\n"
        "- {name: client, files: [tls.crt, tls.key, ca.crt]}\n"
    )
    made = subprocess.run([kubectl, "kustomize", tmp_path], capture_output=True, check=True)
    assert b"secretName: client-" in made.stdout
    assert get_result(await check(made.stdout))["outcome"] == "confirmed"


def test_the_commands_that_add_what_is_missing_are_kubectls(kubectl: str) -> None:
    """They ask the server, and there is none: no word of them is unknown."""
    gateway = GATEWAY.replace("metadata: {annotations: {}}", "metadata: {annotations: {%s}}")
    asked = (
        'instrumentation.opentelemetry.io/inject-java: "true", sidecar.opentelemetry.io/inject: s'
    )
    errors = list_errors(read(gateway % asked)) + list_errors(
        read(config_map(collector_config({"otlp": "{endpoint: '${env:X}'}"})))
    )
    commands = set(re.findall(r"kubectl get [^:;\n]*? -o yaml", errors))
    assert len(commands) == 4, errors
    for text in commands:
        words = [*text.split()[1:], "--server=http://127.0.0.1:1", "--request-timeout=1s"]
        ended = subprocess.run([kubectl, *words], capture_output=True, check=False)
        assert b"connection refused" in ended.stderr, (text, ended.stderr)
        assert b"unknown" not in ended.stderr
