"""Makes real handshakes with generated chains, by every runtime but Go: `make exporters`.

A server sends each chain (chains-server), each runtime's client judges it as in its exporter, by
this machine's clock. What happened is kept in `measured/handshakes`; the models must say the same
(tests/unit/exporters/test_verifiers_measured.py).
"""

import argparse
import base64
import json
import re
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
)

from probe.x509.raw_certificate import read_certificate
from probe.x509.times import read_time
from tests.lab.exporters.case import Answer
from tests.lab.exporters.chain_programs import (
    CHAIN_PROGRAMS,
    ChainProgram,
    chain_server,
    read_versions,
)
from tests.lab.exporters.generators.chain_builder import NOW
from tests.lab.exporters.generators.chain_case import ChainCase
from tests.lab.exporters.generators.chains import generate_chains
from tests.lab.exporters.measured_facts import MeasuredExporter, read_facts, write_facts
from tests.lab.exporters.run import clean_environment
from tests.support.builds import NotBuiltError

NAME: Final = "handshakes"
TIMEOUT: Final = 3000.0
"""Seconds for all cases of one runtime."""
LONGEST_TEXT: Final = 160
EVERY: Final = 4
"""Of the cases that do not bend a single rule, one in so many is measured."""
_MARGIN: Final = 86_400.0
"""Seconds that no date may be close to this machine's time."""

_NOT_JUDGED: Final = re.compile(
    r"(?i)handshake_?.?failure|alert[ _]decode[ _]?error|alert internal|internal_error|close_notify"
    r"|unexpected eof|econnre|hang up|connection re|time(d )?.?out|no peer certificate"
    r"|invalid server name|contains non-ldh|invalid label|invalid url|bad hostname|resolve host"
)
"""The handshake, or the request, ended before a chain was judged."""
_ENDS: Final = re.compile(
    r" not verified:.*| altnames.*|for name \".*|Context \{.*|is not valid for '.*"
    r"| target host name.*| matching .*|with subject .*|: CN=.*",
    re.DOTALL,
)
_VARYING: Final = re.compile(
    r"\(_ssl\.c:\d+\)|\b[0-9A-F]{16}:(?=error)|ipv4:[0-9.:]+|https://\S+|sha256/\S+|\b\d{4,}\b"
)


def measure(
    program: ChainProgram, cases: Iterable[ChainCase]
) -> tuple[dict[str, str], list[Answer]]:
    """Return a runtime's versions, and its answers to the cases that it came to judge.

    Raises:
        NotBuiltError: where what the program is built with is missing.
    """
    command = program.command()
    versions = read_versions(command)
    with (
        subprocess.Popen(
            [str(chain_server())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as server,
        subprocess.Popen(
            command,
            stdin=server.stdout,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=clean_environment(),
        ) as client,
    ):
        writing = threading.Thread(target=_write_cases, args=(server, cases))
        writing.start()  # the client answers while cases are still written
        assert client.stdout is not None
        answers = [read_answer(line) for line in client.stdout]
        writing.join()
        server.kill()
    return versions, [one for one in answers if one is not None]


def _write_cases(server: subprocess.Popen[bytes], cases: Iterable[ChainCase]) -> None:
    assert server.stdin is not None
    for case in cases:
        server.stdin.write(encode_case(case))
    server.stdin.close()


def encode_case(case: ChainCase) -> bytes:
    """Return what the server reads."""
    asked = {
        "id": case.id,
        "chain": [base64.b64encode(der).decode() for der in case.chain],
        "key": base64.b64encode(case.key).decode(),
        "anchors": [base64.b64encode(der).decode() for der in case.anchors],
        "name": case.name,
    }
    return json.dumps(asked).encode() + b"\n"


def read_answer(line: str) -> Answer | None:
    """Return an answer without what differs from run to run; None where nothing was judged."""
    answered = json.loads(line)
    text = answered["text"]
    if answered["outcome"] == "accepted":
        return Answer(answered["id"], "ok", "")
    if _NOT_JUDGED.search(text):
        return None
    short = _VARYING.sub("", _ENDS.sub("", text))
    return Answer(answered["id"], "connect", " ".join(short.split())[:LONGEST_TEXT])


def list_cases() -> Iterator[ChainCase]:
    """Yield the chains whose server can sign, and which this day's clock judges as the cases' does."""
    now = time.time()
    for case in generate_chains():
        if not case.id.startswith("rule/") and zlib.crc32(case.id.encode()) % EVERY:
            continue
        leaf = read_certificate(case.chain[0]) if case.chain else None
        if case.at != NOW or leaf is None or leaf.spki != _read_spki(case.key):
            continue
        held = [one for der in (*case.chain, *case.anchors) if (one := read_certificate(der))]
        written = [each for one in held for each in (one.not_before, one.not_after)]
        times = [moment for each in written if (moment := read_time(each)) is not None]
        if all((moment > NOW) == (moment > now + _MARGIN) for moment in times) and all(
            (moment > NOW) == (moment > now - _MARGIN) for moment in times
        ):
            yield case


@cache
def _read_spki(key: bytes) -> bytes:
    public = load_der_private_key(key, None, unsafe_skip_rsa_key_validation=True).public_key()
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def main() -> int:
    """Measure every runtime that can be built here; what is missing is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="cases whose id matches this expression")
    parser.add_argument("--runtimes", nargs="*", default=list(CHAIN_PROGRAMS))
    chosen = parser.parse_args()
    cases = list(list_cases())
    asked = [case for case in cases if re.search(chosen.only, case.id)]
    missing = []
    for runtime in chosen.runtimes:
        try:
            versions, answers = measure(CHAIN_PROGRAMS[runtime], asked)
        except NotBuiltError as error:
            missing.append(f"{runtime} is not measured: {error}")
            continue
        facts = read_facts(NAME)
        kept = facts[runtime].answers if runtime in facts and chosen.only else {}
        answered = {**kept, **{one.id: one for one in answers}}
        facts[runtime] = MeasuredExporter(versions, answered)
        write_facts(NAME, [case.id for case in cases], facts)
        trusted = sum(one.outcome == "ok" for one in answers)
        print(f"{runtime}: {len(answers)} of {len(asked)} chains judged, {trusted} trusted")
    print("\n".join(missing))
    return 0


if __name__ == "__main__":
    sys.exit(main())
