"""The command line: options of every command, exit codes, and documents of commands that do not connect."""

import re
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from tests.behaviour.normal import Json, shape
from tests.behaviour.product import FULL_DISK, Ended
from tests.behaviour.scene import AT_ONCE, Scene, further_targets

COMMANDS: Final = (
    "run",
    "check",
    "forecast",
    "inspect",
    "explain",
    "listen",
    "diagnose",
    "validate",
    "rules",
    "schema",
    "demo",
)
LINES: Final = (
    "remote error: tls: bad certificate",
    "tls: failed to verify certificate: x509: certificate signed by unknown authority",
    "PKIX path building failed: unable to find valid certification path to requested target",
    "Received fatal alert: certificate_required",
)
"""What exporters print; each is explained."""
_NO_CAUSE: Final = "all is well here today"
_OPTION: Final = re.compile(r"^  (-.*?)(?:  |$)(.*(?:\n {4,}.*)*)", re.MULTILINE)
_DEFAULT: Final = re.compile(r"\[default: ([^\]]+)\]")


def commands(scene: Scene) -> Json:
    """Return the options of every command, and its exit codes in many situations."""
    asked = _situations(scene)
    with ThreadPoolExecutor(AT_ONCE) as both:
        helps = both.map(lambda name: scene.run(name, "--help"), COMMANDS)
        codes = both.map(
            lambda given: scene.run(*given[0], stdin=given[1]), [asked[name] for name in asked]
        )
        whole = scene.run("--help")
        return {
            "mtls-probe": {
                "commands": re.findall(
                    r"^  ([a-z]+) ", whole.out.partition("Commands:")[2], re.MULTILINE
                ),
                "options": _options(whole.out),
            },
            "options": {
                name: {"arguments": _arguments(ended.out, name), "options": _options(ended.out)}
                for name, ended in zip(COMMANDS, helps, strict=True)
            },
            "exit codes": {
                "rules: a full disk": scene.run("rules", before=FULL_DISK).code,
                **{name: _code(ended) for name, ended in zip(asked, codes, strict=True)},
            },
        }


def documents(scene: Scene) -> Json:
    """Return the JSON of `explain`, `inspect` and `validate`."""
    own = scene.files / "healthy-grpc"
    cut = scene.files / "documented-cause-5-client-file-malformed" / "tls.key"
    expired = scene.files / "documented-cause-3-client-cert-expired" / "tls.crt"
    files = [str(own / name) for name in ("tls.crt", "tls.key", "server-ca.pem")]
    tls = scene.tls() | {"cert_file": "gone.pem"}
    targets = [scene.target("one"), scene.target("two", tls=tls, headers={"x-team": "payments"})]
    config = scene.write("validated.json", {"targets": targets, "concurrency": 10})
    asked = {
        "explain client_ca_untrusted": ["explain", "client_ca_untrusted"],
        "inspect, well": ["inspect", *files],
        "inspect, not well": [
            "inspect", "--cert", str(expired), "--key", str(cut), "--ca", files[1],
        ],
        "validate, not well": ["validate", "--config", config],
    }  # fmt: skip
    lines = {line: ["explain", line, "--output", "json"] for line in LINES}
    ended = scene.run_each({name: [*asked[name], "--output", "json"] for name in asked} | lines)
    return {
        **{
            name: {
                "exit code": ended[name].code,
                "document": scene.normal.value(ended[name].document()),
            }
            for name in asked
        },
        "explain LINE": {line: _candidates(ended[line]) for line in LINES},
        "shape of candidates": shape(ended[LINES[0]].document()),
    }


def _situations(scene: Scene) -> dict[str, tuple[list[str], str]]:
    """Return arguments and standard input for each situation."""
    tls, healthy = scene.tls(), scene.endpoints["healthy-grpc"]
    well = scene.write("well.json", {"targets": [scene.target("one")]})
    ill = scene.write("ill.json", {"targets": [further_targets(scene)[-1]]})
    empty = scene.write("empty.json", {})
    mistake = scene.write("mistake.json", {"no_such_key": 1})
    not_yaml = scene.write("not-yaml.json", "targets: [")
    files = ["--cert", tls["cert_file"], "--key", tls["key_file"], "--ca", tls["ca_file"]]
    # It stays bound, so that the address is in use while commands run.
    scene.keep(taken := socket.create_server(("127.0.0.1", 0)))
    port = taken.getsockname()[1]
    arguments: dict[str, list[str]] = {
        "--version": ["--version"],
        "no command": [],
        "unknown command": ["no-such-command"],
        "check: an endpoint without a certificate": ["check", healthy, "--ca", tls["ca_file"]],
        "check: quiet, without experiments, into a file": [
            "check", "--config", well, "--quiet", "--no-experiments", "--output-file", "out.txt",
        ],
        "check: not as expected, waiting": ["check", "--config", ill, "--wait", "10ms"],
        "check: nothing to probe": ["check", "--config", empty],
        "check: no configuration": ["check"],
        "check: a mistake": ["check", "--config", mistake],
        "check: no such file": ["check", "--config", "gone.json"],
        "check: endpoints and configuration": ["check", healthy, "--config", well],
        "check: unknown option": ["check", "--no-such-option"],
        "check: unknown output": ["check", "--config", well, "--output", "xml"],
        "check: no duration": ["check", "--config", well, "--wait", "soon"],
        "check: no file to write": ["check", "--config", well, "--output-file", "gone/x"],
        "check: evidence into a file": ["check", "--config", well, "--evidence", well],
        "validate: not YAML": ["validate", "--config", not_yaml],
        "validate: an argument": ["validate", well],
        "inspect: no such file": ["inspect", "gone.pem"],
        "inspect: unknown option": ["inspect", "--no-such-option"],
        "explain: no cause": ["explain", _NO_CAUSE],
        "explain: nearly a cause": ["explain", "client_ca_untrustd"],
        "explain: nothing": ["explain"],
        "diagnose: no such file": ["diagnose", "gone.json"],
        "diagnose: no evidence": ["diagnose", well],
        "diagnose: nothing": ["diagnose"],
        "run: a mistake": ["run", "--config", mistake],
        "run: no address": ["run", "--config", well, "--listen", "nowhere"],
        "run: an address that is taken": [
            "run", "--config", well, "--listen", f"127.0.0.1:{port}",
        ],
        "demo: an address that is taken": ["demo", "--listen", f"127.0.0.1:{port}"],
        "demo: unknown option": ["demo", "--no-such-option"],
    }  # fmt: skip
    return {name: (given, "") for name, given in arguments.items()} | {
        "check: endpoints from stdin": (["check", "-", *files], f"{healthy}\n"),
        "check: no endpoints from stdin": (["check", "-", *files], ""),
        "explain: a line from stdin": (["explain", "-"], LINES[0]),
        "explain: nothing from stdin": (["explain", "-"], ""),
        "diagnose: nothing from stdin": (["diagnose", "-"], ""),
    }


def _code(ended: Ended) -> Json:
    """Return the exit code, and which of the two streams were written to."""
    streams = [name for name in ("out", "err") if getattr(ended, name).strip()]
    return {"code": ended.code, "writes to": streams}


def _options(text: str) -> Json:
    """Return each option with its type and default; its description is left out."""
    found: Json = {}
    for names, description in _OPTION.findall(text.partition("Options:")[2]):
        option, _, takes = names.replace(", ", " / ").partition(" [")
        option, _, kind = option.partition(" ") if " / " not in option else (option, "", "")
        default = _DEFAULT.search(" ".join(description.split()))
        found[option] = {
            **({"takes": f"[{takes}" if takes else kind} if takes or kind else {}),
            **({"default": default[1]} if default else {}),
        }
    return found


def _arguments(text: str, name: str) -> str:
    usage = " ".join(text.partition("\n\n")[0].split())
    return usage.partition(f" {name} ")[2].removeprefix("[OPTIONS]").strip()


def _candidates(ended: Ended) -> Json:
    candidates = ended.document()["candidates"]
    return {
        "exit code": ended.code,
        "causes": {each["cause"]: each["score"] for each in candidates},
    }
