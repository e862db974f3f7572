"""CAUSES.md is what the catalogue makes, and no cause is without evidence or a page."""

from probe.diagnosis.catalogue import CATALOGUE
from probe.report.causes_markdown import render_causes
from tests.contract.imports import ROOT
from tests.support.every_row import every_row

DOCUMENT = ROOT / "CAUSES.md"


def test_the_document_is_what_the_catalogue_makes() -> None:
    """A changed cause changes its page: python -m probe.report.causes_markdown CAUSES.md."""
    assert DOCUMENT.read_text(encoding="utf-8") == render_causes(), "CAUSES.md is stale"


@every_row(id_=CATALOGUE)
def test_every_cause_has_a_page(id_: str) -> None:
    """Everything outside links to it by its id."""
    assert f'<a id="{id_}"></a>' in DOCUMENT.read_text(encoding="utf-8")
