"""Each command that the catalogue prints has an end that can be seen, and so can be run as printed.

A command is a whole step, or stands behind a colon at a step's end; `mtls-probe` may stand within a
sentence. They are run in tests/lab/test_printed_commands.py.
"""

import re
from collections.abc import Iterator
from typing import Final

import msgspec.structs

from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.diagnose import diagnose
from probe.diagnosis.fixes.steps import fill_steps
from probe.model.evidence import TargetFacts
from tests.contract.imports import ROOT
from tests.contract.test_docs import PAGES
from tests.stories.all_stories import STORIES
from tests.support.printed_commands import find_command, find_words

PORT: Final = 4317
"""What the texts have; the backend's own port takes its place."""
FILES: Final = {"cert_file": "tls.crt", "key_file": "tls.key", "ca_file": "ca.crt"}
TARGET: Final = TargetFacts(
    name="collector-eu", endpoint=f"localhost:{PORT}", host="localhost", port=PORT,
    protocol="grpc", reference_identifier="localhost", proxy=f"localhost:{PORT}", **FILES,
)  # fmt: skip
_OWN: Final = re.compile(
    r"mtls-probe (?:check|inspect|validate)"
    r"(?: ENDPOINT| --(?:cert CERT|key KEY|ca CA|server-name NAME|depth tls|protocol [a-z/]+))*"
)
"""A command of ours within a sentence."""
IN_PROSE: Final = {
    "date -u", "df -h", "ls -ld", "chronyc tracking", "timedatectl show", "timedatectl",
    "ulimit -Hn", "ulimit -u", "mtls-probe diagnose",
}  # fmt: skip
"""What is named within sentences, for a person to run wherever the sentence says."""


def texts_of_the_catalogue() -> Iterator[tuple[str, str]]:
    """Yield each text of a cause that may hold a command, with the cause."""
    for cause in CATALOGUE.values():
        for step in fill_steps(cause.fix, TARGET):
            yield cause.id, step
        for text in (
            cause.tell_apart,
            *fill_steps((cause.enforce,) if cause.enforce else (), TARGET),
        ):
            yield cause.id, text
    for story in STORIES:
        if story.evidence.ending.kind == "credentials":
            continue
        evidence = msgspec.structs.replace(
            story.evidence,
            target=msgspec.structs.replace(
                story.evidence.target, endpoint=TARGET.endpoint, host=TARGET.host, port=PORT,
                proxy=TARGET.proxy and story.evidence.target.proxy and TARGET.proxy, **FILES,
            ),
        )  # fmt: skip
        found = diagnose(evidence)
        for step in (*found.fix, *(step for one in found.findings for step in one.fix)):
            yield story.name, step


def split_text(text: str) -> tuple[list[str], str]:
    """Return the commands of a text, and the rest, in which no program may be called."""
    command = find_command(text)
    rest = text.removesuffix(command)
    return [*([command] if command else ()), *_OWN.findall(rest)], _OWN.sub("", rest)


TEXTS: Final = list(texts_of_the_catalogue())
COMMANDS: Final = sorted(
    {command for _, text in TEXTS for command in split_text(text)[0] if "/etc/otel" not in command}
)
"""Without what a story's own remark on a file prints: test_convert.py runs that."""
BLOCKS: Final = [
    (page.relative_to(ROOT).as_posix(), line.partition(" #")[0].strip())
    for page in PAGES
    for block in re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    for line in block.splitlines()
]


def test_a_command_has_an_end_that_can_be_seen() -> None:
    """It stands where a reader, and this test, finds its end; else it is only named."""
    hidden = {
        (where, words)
        for where, text in TEXTS
        for words in find_words(split_text(text)[1])
        if not any(words.startswith(known) for known in IN_PROSE)
    }
    assert hidden == set()


def test_there_are_commands() -> None:
    """The search finds them, in the catalogue and in the pages."""
    assert len(COMMANDS) > 40
    assert len(BLOCKS) > 20
