"""What a real client prints for each fault of `messages/` leads `explain` to the fault."""

import json
import shutil
import sys
from pathlib import Path
from typing import Final

import pytest

from probe.messages.explain import explain
from probe.report.message_table import load_message_table
from tests.lab.messages.backends import backends
from tests.lab.messages.record import Client, record
from tests.lab.messages.record_python import PROGRAM
from tests.support.required_tools import missing
from tools.messages.measure import is_right

SHARE: Final = 0.95
"""Of all faults; what comes of a race differs from run to run."""

pytestmark = pytest.mark.slow


def test_pythons_ssl_module_leads_to_the_fault(tmp_path: Path) -> None:
    """CPython's own words for a fault name its cause first, or in a tie of at most six."""
    for program in ("go", "setpriv"):
        if shutil.which(program) is None:
            missing(f"{program} is not installed")
    command = [sys.executable, str(PROGRAM), "ssl", "{url}", "{ca}", "[{cert} {key}]"]
    client = Client("python_ssl", "CPython ssl", "", command, {})
    with backends(tmp_path) as described:
        texts = list(record(client, json.loads(described.read_text()), {}))
    table = load_message_table()
    wrong = [
        each["id"] for each in texts if not is_right(explain(each["text"], table), each["cause"])
    ]
    assert len(texts) > 40
    assert len(wrong) <= (1 - SHARE) * len(texts), wrong
