"""The rules for Prometheus, as `rules` prints them: names, expressions and labels."""

import re
from io import StringIO
from typing import Any

from ruamel.yaml import YAML

from tests.behaviour.normal import Json
from tests.behaviour.scene import Scene

_WHITESPACE = re.compile(r"\s+")


def rules(scene: Scene) -> Json:
    """Return the rules of a simple configuration, and what options and thresholds change in them."""
    alerts = {"expiry_warning": "10d", "expiry_critical": "2d", "hold": "7m"}
    config = scene.write("thresholds.json", {"targets": [scene.target("one")], "alerts": alerts})
    urls = ["--runbook-url", "https://runbooks.example.com/", "--dashboard-url", "https://d/?var="]
    ended = scene.run_each(
        {
            "plain": ["rules"],
            "with thresholds": ["rules", "--config", config],
            "with links": ["rules", *urls],
            "for kubernetes": ["rules", "--kubernetes"],
        }
    )
    plain = _groups(_read(ended["plain"].out))
    configured = _groups(_read(ended["with thresholds"].out))
    linked = ended["with links"].out
    resource = _read(ended["for kubernetes"].out)
    return {
        "exit codes": {name: each.code for name, each in ended.items()},
        "groups": plain,
        "changed by thresholds": _changed(plain, configured),
        "links": {
            "runbook": "https://runbooks.example.com/" in linked,
            "dashboard": "https://d/?var=" in linked,
        },
        "kubernetes": {
            "apiVersion": resource["apiVersion"],
            "kind": resource["kind"],
            "metadata": resource["metadata"],
            "the same groups": _groups(resource["spec"]) == plain,
        },
    }


def _read(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(StringIO(text))


def _groups(document: Any) -> Json:
    return {
        group["name"]: {
            **{key: value for key, value in group.items() if key not in {"name", "rules"}},
            "rules": {rule.get("alert") or rule["record"]: _rule(rule) for rule in group["rules"]},
        }
        for group in document["groups"]
    }


def _rule(rule: dict[str, Any]) -> Json:
    kept = {
        key: value
        for key, value in rule.items()
        if key not in {"alert", "record", "expr", "annotations"}
    }
    expression = {"expr": _WHITESPACE.sub(" ", rule["expr"]).strip()}
    annotations = {"annotations": sorted(rule["annotations"])} if "annotations" in rule else {}
    return {"kind": "alert" if "alert" in rule else "record", **expression, **kept, **annotations}


def _changed(plain: Json, configured: Json) -> Json:
    """Return the rules in which thresholds change more than the texts."""
    found: Json = {}
    for name, group in configured.items():
        for rule, held in group["rules"].items():
            if held != plain[name]["rules"].get(rule):
                found[rule] = held
    return found
