"""The results of one round for each target, the demo's and others, in every output format."""

import json
from xml.etree import ElementTree as ET

from tests.behaviour import exposition
from tests.behaviour.normal import Json, Normaliser, merge, shape
from tests.behaviour.scene import Scene, demo_targets, further_targets


def demo(scene: Scene) -> Json:
    """Return the demo's results, and how its command ends."""
    once = scene.run("demo", "--once")
    document = json.loads(scene.demo.ask("/api/v1/targets").body)
    return {
        "demo --once": {
            "exit code": once.code,
            "names every target": all(name in once.out for name in scene.endpoints),
        },
        "document": scene.normal.value({**document, "results": len(document["results"])}),
        "results": {each["target"]: scene.normal.value(each) for each in document["results"]},
    }


def checks(scene: Scene) -> Json:
    """Return the results of `check` for targets that the demo does not have, in every format."""
    config = scene.write("further.json", {"targets": further_targets(scene)})
    two = scene.write("two.json", {"targets": [scene.target("one"), further_targets(scene)[0]]})
    given = ["check", "--config", config]
    ended = scene.run_each(
        {
            "json": [*given, "--output", "json"],
            "jsonl": [*given, "--output", "jsonl"],
            "junit": [*given, "--output", "junit"],
            "prometheus": ["check", "--config", two, "--output", "prometheus"],
            "table": given,
        }
    )
    document = ended["json"].document()
    each_line = [json.loads(line) for line in ended["jsonl"].out.splitlines()]
    names = [each["target"] for each in document["results"]]
    return {
        "exit codes": {form: each.code for form, each in ended.items()},
        "jsonl": {
            "one line for each target": [each["target"] for each in each_line] == names,
            "the same keys as json": [set(each) for each in each_line]
            == [set(each) for each in document["results"]],
        },
        "table": {"names every target": all(name in ended["table"].out for name in names)},
        "document": scene.normal.value({**document, "results": len(names)}),
        "results": {each["target"]: _brief(scene.normal, each) for each in document["results"]},
        "junit": _elements(ET.fromstring(ended["junit"].out), scene.normal),
        "prometheus": exposition.recorded(exposition.parse(ended["prometheus"].out), scene.normal),
    }


def evidence(scene: Scene) -> Json:
    """Return the shape of evidence files, and the results of `diagnose` for them."""
    targets = demo_targets(scene) + further_targets(scene)
    config = scene.write("all.json", {"targets": targets})
    checked = scene.run(
        "check", "--config", config, "--output", "json", "--evidence", "evidence-of-all"
    )
    results = checked.document()["results"]
    files = sorted((scene.folder / "evidence-of-all").glob("*.json"))
    diagnosed = scene.run("diagnose", *map(str, files), "--output", "json")
    piped = scene.run("diagnose", "-", "--output", "jsonl", stdin=files[0].read_text())
    merged: Json = "null"
    for file in files:
        merged = merge(merged, shape(json.loads(file.read_text())))
    verdicts = {each["target"]: _verdict(each) for each in diagnosed.document()["results"]}
    return {
        "a file for each target": sorted(f"{each['target']}.json" for each in results)
        == [file.name for file in files],
        "one of them": merged,
        "diagnose": {
            "exit code": diagnosed.code,
            "says the same as check": verdicts
            == {each["target"]: _verdict(each) for each in results},
            "document": sorted(diagnosed.document()),
            "result": shape(diagnosed.document()["results"][0]),
            "from stdin": {"exit code": piped.code, "lines": len(piped.out.splitlines())},
        },
    }


def _brief(normal: Normaliser, result: dict[str, Json]) -> Json:
    """Return a result without what is the same for all targets of one backend."""
    left_out = {"server_certificates", "client_certificates", "acceptable_cas"}
    return normal.value({key: item for key, item in result.items() if key not in left_out})


def _verdict(result: dict[str, Json]) -> Json:
    keys = ("outcome", "stage", "cause", "family", "documented_cause", "certain", "also", "party")
    return {key: result[key] for key in keys}


def _elements(element: ET.Element, normal: Normaliser) -> list[str]:
    """Return the parts of a report, a line for each case with its content."""
    cases = list(element.iter("testcase"))
    outside = [
        each for each in element.iter() if each.tag in {"testsuites", "testsuite", "property"}
    ]
    return [_tag(each, normal) for each in outside] + [
        " > ".join([_tag(case, normal), *(_tag(part, normal) for part in case)]) for case in cases
    ]


def _tag(element: ET.Element, normal: Normaliser) -> str:
    attributes = "".join(
        f" {name}={_attribute(name, value, normal)}" for name, value in element.attrib.items()
    )
    text = ": <text>" if (element.text or "").strip() else ""
    return f"{element.tag}{attributes}{text}"


def _attribute(name: str, value: str, normal: Normaliser) -> str:
    placeholder = {"message": "<text>", "time": "<number>", "timestamp": "<time>"}.get(name)
    return placeholder or normal.text(value)
