"""How the texts of the catalogue are written: pages, annotations and the table show them as is."""

import re
from collections.abc import Iterator
from string import Formatter
from typing import Final

from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.cause import Cause
from probe.diagnosis.fixes.steps import PLACEHOLDERS, fill_steps
from tests.support.every_row import every_row
from tests.support.evidence import target

WHOLE_STEP: Final = re.compile(
    r"\{(reread_cert|reread_ca|restart|reload_backend|reload_client_ca)\}"
)
"""Placeholders that stand for a sentence."""
LONGEST_TITLE: Final = 80
COMMANDS: Final = (
    "chmod", "chown", "chronyc", "curl", "date", "df", "dig", "getent", "ip route", "ls",
    "mtls-probe", "namei", "openssl", "ping", "ss", "timedatectl", "ulimit",
)  # fmt: skip
A_COMMAND: Final = re.compile(rf"(?<![\w-])({'|'.join(COMMANDS)})(?![\w])")
A_SETTING: Final = re.compile(
    r"\{(cert_file|key_file|ca_file)\}"
    r"|\b[a-z]+(_[a-z]+)+\b"  # a key of the Collector's settings
    r"|\b[a-z]+(\.[a-z]+)+\b"  # service.pipelines
    r"|\b[A-Z]+(_[A-Z]+)+\b|\b[A-Z]{2,}_?\w*="  # OTEL_EXPORTER_OTLP_PROTOCOL, LimitNOFILE=
    r"|\b(insecure|endpoint|usages|extendedKeyUsage|keyUsage|notBefore|subjectAltName|headers): ?"
)
ENDS_IN_CODE: Final = re.compile(rf"({'|'.join(COMMANDS)}) [^.]*\S$")
BARE_SSL: Final = re.compile(r"(?<![A-Za-z])SSL")

every_cause = every_row(cause=CATALOGUE.values())


def prose(cause: Cause) -> Iterator[str]:
    """Yield every text of a cause but its citations."""
    yield from (cause.title, cause.meaning, cause.evidence, *fill_steps(cause.fix, target()))


@every_cause
def test_a_title_is_a_headline(cause: Cause) -> None:
    """It fits a table and a page's head: short, on one line, without a full stop."""
    assert 0 < len(cause.title) <= LONGEST_TITLE
    assert not cause.title.endswith(".")
    assert cause.title[0].isupper() or cause.title.startswith(("cert_file", "gRPC"))


@every_cause
def test_texts_are_sentences(cause: Cause) -> None:
    """Meaning and evidence end in a full stop; a step may end in the command to type."""
    for text in (cause.meaning, cause.evidence):
        assert text.endswith(".")
    for step in cause.fix:
        assert step.endswith(".") or WHOLE_STEP.fullmatch(step) or ENDS_IN_CODE.search(step), step


@every_cause
def test_texts_are_clean(cause: Cause) -> None:
    """No doubled blanks (two strings joined carelessly), no blank missing after a full stop."""
    for text in prose(cause):
        assert text == " ".join(text.split())
        assert not re.search(r"[a-z]{2}\.[A-Z]", text)


@every_cause
def test_a_fix_names_a_command_or_a_setting(cause: Cause) -> None:
    """Advice that names nothing to type or to change sends the reader away to search."""
    named = [step for step in cause.fix if A_COMMAND.search(step) or A_SETTING.search(step)]

    assert named


@every_cause
def test_it_is_called_tls(cause: Cause) -> None:
    """SSL is a name only within names that others fixed: OpenSSL, BoringSSL, SSL_CTX_…."""
    for text in prose(cause):
        assert not BARE_SSL.search(text)
    for citation in cause.citations:
        assert not BARE_SSL.search(citation.replace("SSL_CTX", ""))


@every_cause
def test_placeholders_are_known_and_filled(cause: Cause) -> None:
    """Steps speak of the reader's own paths; no text is left with a hole."""
    for text in (cause.title, cause.meaning, cause.evidence, *cause.citations):
        assert "{" not in text
    for step in cause.fix:
        names = {name for _, name, _, _ in Formatter().parse(step) if name is not None}
        assert names <= set(PLACEHOLDERS)
    assert not [step for step in fill_steps(cause.fix, target()) if "{" in step or "}" in step]


@every_cause
def test_it_cites_its_source(cause: Cause) -> None:
    """Whatever is said of a peer can be looked up; of the probe itself nobody else writes."""
    assert bool(cause.citations) == (cause.family != "internal")
    assert all(citation == citation.strip() and citation for citation in cause.citations)
