"""`explain` on lines of both sides of one handshake, and on lines with the prefixes of log readers."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.explanations import explain_whole

CLIENTS: Final = Path(__file__).parents[2] / "corpora/clients"
PREFIXES: Final = {
    "journald": "Nov 27 20:05:06 gateway-0 otelcol[812]: ",
    "kubectl": "[pod/otel-gateway-collector-7d9f8b6c5d-x2x7k/otc-container] ",
    "compose": "otel-collector-1  | ",
    "containerd": "2026-11-27T20:05:06.123456789Z stderr F ",
}
MOST_TIED: Final = 6
PAIRS: Final = sorted(path.stem for path in CLIENTS.glob("pair-*.jsonl"))
PAIRS_RIGHT: Final = 0.97
"""Of the pastes in which a server of another stack and its client speak of one handshake."""


def read_texts(name: str) -> list[dict[str, Any]]:
    """Return the recorded texts of one client."""
    content = (CLIENTS / f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in content.splitlines()]


def list_answers(text: str) -> list[str]:
    """Return the causes that share the highest score."""
    explanation = explain_whole(text)
    return [each.cause for each in explanation.candidates[: explanation.tied]]


BOTH: Final = read_texts("go_both")


@pytest.mark.parametrize("one", BOTH, ids=[each["id"] for each in BOTH])
def test_both_sides_pasted_together_give_the_faults_cause(one: dict[str, Any]) -> None:
    """Whichever line comes first, the side that found the fault decides."""
    lines = one["text"].splitlines()
    backend = [line for line in lines if line.startswith("gateway-0 ")]
    client = [line for line in lines if not line.startswith("gateway-0 ")]

    for text in (one["text"], "\n".join([*backend, *client])):
        answers = list_answers(text)
        assert one["cause"] in answers
        assert len(answers) <= MOST_TIED


@pytest.mark.parametrize("prefix", PREFIXES.values(), ids=PREFIXES)
@pytest.mark.parametrize("name", ["go_http", "go_servers", "collector_grpc_json"])
def test_the_prefix_of_a_log_reader_changes_nothing(name: str, prefix: str) -> None:
    """Journald, kubectl, Compose and containerd write something before each line."""
    for one in read_texts(name):
        text = "\n".join(prefix + line for line in one["text"].splitlines())
        assert list_answers(text) == list_answers(one["text"]), text


def test_a_server_and_its_client_pasted_together_give_the_faults_cause() -> None:
    """Of a dozen servers' own lines with those of curl, Go, Erlang, GnuTLS and OpenSSL."""
    found = [one for name in PAIRS for one in read_texts(name)]
    wrong = [
        one["id"]
        for one in found
        for answers in [list_answers(one["text"])]
        if one["cause"] not in answers or len(answers) > MOST_TIED
    ]

    assert len(found) > 300
    assert len(wrong) <= (1 - PAIRS_RIGHT) * len(found), wrong
