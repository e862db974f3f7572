"""`mtls-probe explain` finds every cause by a line of some log, or the reason why not is here."""

import json
from typing import Final

from probe.diagnosis.catalogue import CATALOGUE
from probe.report.message_table import load_printed_texts
from tests.contract.imports import ROOT
from tests.support.every_row import every_row
from tests.support.explanations import ids, tied

PRINTED: Final = ROOT / "tests/unit/messages/printed"
CORPUS: Final = ROOT / "tests/corpora/error_corpus.jsonl"
CANDIDATES: Final = 3
"""A reader looks at so many, and at what shares the first place."""

UNEXPLAINED: Final = {
    "client_hello_too_large": "what is printed is a timeout, a reset or an alert, as for many causes",
    "backend_not_reloading": "nothing fails until the old certificate expires, and the line that "
    "is printed then is that of an expired certificate",
    "exporter_not_reloading": "the same",
    "client_ca_too_broad": "clients are accepted, so nothing is printed",
    "exporter_setting_ignored": "nothing fails, so nothing is printed",
    "exporter_configuration_invalid": "every setting has a message of its own, in each exporter; "
    "the message names the setting",
    "client_cert_not_requested": "the exporter works, so nothing is printed",
    "addresses_left_out": "it is about the probe alone",
    "backend_changed": "the exporter goes on working, so nothing is printed",
    "addresses_differ": "the exporter works with the address that it uses, so nothing is printed",
    "network_not_entered": "the exporter works in its own network, so nothing is printed",
    "probe_fault": "the probe's own failure, which is in no exporter's log",
    "unexplained": "a gap in the catalogue: nothing is known",
}
"""Causes for which nobody prints a line that leads to them."""


def lines() -> set[str]:
    """Return the lines that are known: those of real logs, and those of the pages of the causes."""
    printed = {
        row.split(" | ", 4)[-1]
        for file in PRINTED.glob("*.txt")
        for row in file.read_text(encoding="utf-8").splitlines()
        if not row.startswith("# ")
    }
    corpus = CORPUS.read_text(encoding="utf-8").splitlines()
    pages = {
        each.text
        for cause in CATALOGUE.values()
        for each in load_printed_texts().list_texts(cause.id, cause.alerts)
    }
    return printed | pages | {json.loads(row)["message"] for row in corpus}


FOUND: Final = frozenset(
    cause for line in lines() for cause in (*ids(line)[:CANDIDATES], *tied(line))
)


@every_row(id_=CATALOGUE)
def test_a_line_leads_to_every_cause_or_the_reason_stands(id_: str) -> None:
    """Exactly one of the two: a cause that gets a pattern no longer needs its reason."""
    assert (id_ in FOUND) + (id_ in UNEXPLAINED) == 1, (
        f"no known line leads to {id_}: add a row in probe/messages/table/ "
        "and its line in tests/unit/messages/printed/, or a reason here"
    )


def test_reasons_are_those_of_causes() -> None:
    """A cause that is gone takes its reason along."""
    assert set(UNEXPLAINED) <= set(CATALOGUE)
