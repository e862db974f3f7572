"""Tables, their columns, links, and texts for values."""

from collections.abc import Sequence

from grafana.source.panels import Json, Query, Steps, panel


def table(
    title: str,
    description: str,
    *queries: Query,
    columns: Sequence[Json],
    unit: str = "none",
    width: int = 24,
    height: int = 8,
    hidden: Sequence[str] = (),
    sort: tuple[str, bool] | None = None,
) -> Json:
    """Return a table with one line for each set of labels and one column for each query's value.

    `columns` come first and in their order; `sort` names a column as it is shown, and whether
    downwards.
    """
    names = [column["matcher"]["options"] for column in columns]
    # Where the other queries return nothing, Grafana names the only remaining column "Value".
    only_value = ["Value"] if len(queries) > 1 else []
    return panel(
        "table",
        title,
        description,
        queries,
        unit=unit,
        size=(width, height),
        custom={"align": "auto", "cellOptions": {"type": "auto"}, "filterable": True},
        overrides=columns,
        options={
            "cellHeight": "sm",
            "showHeader": True,
            "sortBy": [{"displayName": sort[0], "desc": sort[1]}] if sort else [],
        },
        transformations=[
            {"id": "merge", "options": {}},
            {
                "id": "organize",
                "options": {
                    "excludeByName": dict.fromkeys(
                        ("Time", "__name__", *hidden, *only_value), True
                    ),
                    "includeByName": {},
                    "indexByName": {name: at for at, name in enumerate(names)},
                    "renameByName": {},
                },
            },
        ],
    )


def column(
    name: str,
    shown: str,
    *,
    unit: str = "",
    width: int = 0,
    links: Sequence[Json] = (),
    mappings: Sequence[Json] = (),
    steps: Steps = (),
    no_value: str = "",
) -> Json:
    """Return the display settings of the column `name` of a table; `steps` colour its cells."""
    properties: list[Json] = [{"id": "displayName", "value": shown}]
    if unit:
        properties.append({"id": "unit", "value": unit})
    if width:
        properties.append({"id": "custom.width", "value": width})
    if links:
        properties.append({"id": "links", "value": list(links)})
    if mappings:
        properties.append({"id": "mappings", "value": list(mappings)})
    if no_value:
        properties.append({"id": "noValue", "value": no_value})
    if steps or mappings:
        cell = {"type": "color-background", "mode": "basic"}
        properties.append({"id": "custom.cellOptions", "value": cell})
    if steps:
        listed = [{"value": value, "color": color} for value, color in steps]
        properties.append({"id": "thresholds", "value": {"mode": "absolute", "steps": listed}})
    return {"matcher": {"id": "byName", "options": name}, "properties": properties}


def link(title: str, url: str, *, new_tab: bool = False) -> Json:
    """Return a data link."""
    return {"title": title, "url": url, "targetBlank": new_tab}


def value_texts(**by_value: tuple[str, str]) -> list[Json]:
    """Return mappings of values to texts and colours; the key of a number is `_NUMBER`."""
    shown = {
        value.removeprefix("_"): {"text": text, "color": color, "index": at}
        for at, (value, (text, color)) in enumerate(by_value.items())
    }
    return [{"type": "value", "options": shown}]
