"""A dashboard around its panels: variables, links, and the position of each panel on the grid.

What the linter requires: one variable `datasource` labelled "Data Source"; `job` and `instance`,
multi, allValue `.+`, read again when the time range changes; nothing is editable in place.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from grafana.source.panels import DATASOURCE, Json

TAG: Final = "mtls-probe"
COLUMNS: Final = 24

Row = tuple[str, Sequence[Json]]
"""A row's title, with its panels from left to right, line after line."""


def dashboard(
    uid: str, title: str, description: str, *, variables: Sequence[Json], rows: Sequence[Row]
) -> Json:
    """Return the dashboard `uid` with `variables` after those that every one has."""
    return {
        "uid": uid,
        "title": title,
        "description": description,
        "tags": [TAG],
        "schemaVersion": 42,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "weekStart": "",
        "fiscalYearStartMonth": 0,
        "liveNow": False,
        "annotations": {"list": []},
        "links": [
            {
                "type": "dashboards",
                "title": "mTLS probe",
                "tags": [TAG],
                "asDropdown": False,
                "icon": "external link",
                "includeVars": True,
                "keepTime": True,
                "targetBlank": False,
                "tooltip": "",
                "url": "",
            }
        ],
        "templating": {"list": [*_EVERYWHERE, *variables]},
        "panels": list(_placed(rows)),
    }


def label_values(
    name: str, label: str, metric: str, *, multi: bool = True, all_value: str = ".+"
) -> Json:
    """Return a variable whose choices are the values that `metric` has for the label `name`."""
    query = f"label_values({metric}, {name})"
    everything: Json = {
        "allValue": all_value,
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
    }
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"qryType": 1, "query": query, "refId": "PrometheusVariableQueryEditor"},
        "refresh": 2,
        "sort": 1,
        "hide": 0,
        "regex": "",
        "skipUrlSync": False,
        "multi": multi,
        "includeAll": multi,
        "options": [],
        **(everything if multi else {}),
    }


def _placed(rows: Sequence[Row]) -> Iterator[Json]:
    number = y = 0
    for title, panels in rows:
        number += 1
        yield {
            "id": number,
            "type": "row",
            "title": title,
            "collapsed": False,
            "gridPos": {"h": 1, "w": COLUMNS, "x": 0, "y": y},
            "panels": [],
        }
        y += 1
        x = height = 0
        for panel in panels:
            number += 1
            size = panel["gridPos"]
            if x + size["w"] > COLUMNS:
                x, y, height = 0, y + height, 0
            yield {"id": number, **panel, "gridPos": {**size, "x": x, "y": y}}
            x, height = x + size["w"], max(height, size["h"])
        y += height


_EVERYWHERE: Final[tuple[Json, ...]] = (
    {
        "name": "datasource",
        "label": "Data Source",
        "type": "datasource",
        "query": "prometheus",
        "refresh": 1,
        "hide": 0,
        "regex": "",
        "skipUrlSync": False,
        "multi": False,
        "includeAll": False,
        "options": [],
    },
    label_values("job", "Job", "mtls_probe_targets"),
    label_values("instance", "Instance", 'mtls_probe_targets{job=~"$job"}'),
    {
        "name": "pages",
        "label": "Probe's pages",
        "description": "Address at which your browser can reach the pages of a probe: causes with "
        "their fixes, targets with their evidence.",
        "type": "textbox",
        "query": "http://127.0.0.1:9943",
        "hide": 0,
        "skipUrlSync": False,
        "current": {
            "selected": True,
            "text": "http://127.0.0.1:9943",
            "value": "http://127.0.0.1:9943",
        },
        "options": [
            {"selected": True, "text": "http://127.0.0.1:9943", "value": "http://127.0.0.1:9943"}
        ],
    },
)
