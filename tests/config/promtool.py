"""Runs promtool over rule files and their tests, as they are or with a rule changed."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.config.manifests import dump, load

Rule = dict[str, Any]
MUTATIONS: Final = (
    (" == 0", " == 1"),
    (" > ", " < "),
    (" < ", " > "),
    (" >= ", " < "),
    ("\n>=", "\n<"),
    ("\n    >=", "\n    <"),
    ("\n      >=", "\n      <"),
    ("\n  >=", "\n  <"),
    ("\n> ", "\n< "),
    ("unless", "and"),
    ("and", "or"),
    ("\nor", "\nand"),
    ("\n  or", "\n  and"),
    ('address!=""', 'address=""'),
    ("without (address", "without (no_label"),
    ("abs(", "(0 - "),
    ("absent(", "("),
    (" > 0)", ")"),
    ("/ 4", "/ 3"),
    ("/ 8", "/ 20"),
    ("28 *", "30 *"),
    ("28 *", "26 *"),
    ("14 *", "15 *"),
    ("14 *", "12 *"),
    ("3 *", "100 *"),
    ("3 *", "1 *"),
    ("offset 5m", "offset 1s"),
    ("min_over_time", "max_over_time"),
    ('outcome="confirmed"', 'outcome=~".+"'),
    ('cause="', 'cause!="'),
    ('source="', 'source!="'),
    ('used="true"', 'used=~".+"'),
    ("group_left (subject, issuer, path)", "group_left (subject, issuer)"),
    ("group_left (subject, issuer, path)", "group_left (issuer, path)"),
    ("group_left (subject, issuer", "group_left (subject"),
    ("group_left (subject, issuer)", "group_left (issuer)"),
    ("group_left (server_address, namespace, pod, team, environment)", "group_left ()"),
    ("group_left (k8s_namespace_name, k8s_pod_name)", "group_left (k8s_pod_name)"),
    ("group_left (k8s_namespace_name, k8s_pod_name)", "group_left (k8s_namespace_name)"),
    (
        "topk without (documented_cause, party, severity) (1, mtls_probe_cause_info)",
        "mtls_probe_cause_info",
    ),
)
"""Mistakes that can be made in an expression; the tests of the rules must see each of them."""


def check(promtool: str, rules: Path) -> subprocess.CompletedProcess[str]:
    """Check a rule file, every lint included."""
    return _run(promtool, "check", "rules", "--lint=all", "--lint-fatal", str(rules))


def test(promtool: str, *files: Path) -> subprocess.CompletedProcess[str]:
    """Run the tests in `files`."""
    return _run(promtool, "test", "rules", *map(str, files))


def rules_of(text: str) -> list[Rule]:
    """Return the rules of a rule file."""
    [document] = load(text)
    return [rule for group in document["groups"] for rule in group["rules"]]


def name_of(rule: Rule) -> str:
    """Return the name of an alert or of a recorded series."""
    name: str = rule.get("alert") or rule["record"]
    return name


def mistakes(rule: Rule) -> Iterator[tuple[str, Rule]]:
    """Yield `rule` with one mistake each time, and what it is."""
    yield "never", rule | {"expr": "vector(0) > 1"}
    if "for" in rule:
        yield "too soon", rule | {"for": "0s"}
        yield "too late", rule | {"for": "1d"}
    for old, new in MUTATIONS:
        if old in rule["expr"]:
            yield f"{old!r} is {new!r}", rule | {"expr": rule["expr"].replace(old, new)}


def unseen(promtool: str, config: Path, folder: Path, rules: list[Rule], at: int) -> list[str]:
    """Return the mistakes in the rule at `at` that no test sees; `folder` is new."""
    (folder / "rules").mkdir(parents=True)
    (folder / "tests").mkdir()
    tests = []
    for path in (config / "prometheus" / "tests").glob("*.yml"):
        [document] = load(path.read_text(encoding="utf-8"))
        # The other files take long, and are unlikely to see it.
        document["tests"] = [each for each in document["tests"] if _names(each, rules[at])]
        dump(document, folder / "tests" / path.name)
        if document["tests"]:
            tests.append(folder / "tests" / path.name)
    found = []
    for what, mistake in mistakes(rules[at]):
        group = {"name": "mtls-probe", "rules": [*rules[:at], mistake, *rules[at + 1 :]]}
        dump({"groups": [group]}, folder / "rules" / "mtls-probe.yml")
        ended = test(promtool, *tests)
        assert "parse error" not in ended.stdout + ended.stderr, what
        if ended.returncode == 0:
            found.append(what)
    return found


def _names(test_group: Any, rule: Rule) -> bool:
    return name_of(rule) in json.dumps(test_group)


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
