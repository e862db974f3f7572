"""Panels of Grafana's Classic JSON as plain values, as the dashboard linter requires them.

A panel has a title, a description, a unit, and queries that name job and instance.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Json = dict[str, Any]

DATASOURCE: Final[Json] = {"type": "prometheus", "uid": "${datasource}"}
PLUGIN_VERSION: Final = "12.4.0"
"""The Grafana that the panels are written for: that of config/compose.yaml."""

SCRAPED: Final = 'job=~"$job",instance=~"$instance"'
"""Matchers that every query has."""

GREEN, YELLOW, ORANGE, RED, BLUE, PURPLE = "green", "yellow", "orange", "red", "blue", "purple"
ALWAYS_GREEN: Final = ((None, GREEN),)
ANY_IS_RED: Final = ((None, GREEN), (1, RED))
ANY_IS_ORANGE: Final = ((None, GREEN), (1, ORANGE))
DAY: Final = 86400
TIME_LEFT: Final = ((None, RED), (14 * DAY, ORANGE), (28 * DAY, GREEN))
"""Seconds until a certificate expires, with the thresholds of the alerting rules."""

Steps = Sequence[tuple[float | None, str]]


@dataclass(frozen=True, slots=True)
class Query:
    """A PromQL expression, and whether Grafana queries it at one instant or over the time range."""

    expr: str
    legend: str = ""
    instant: bool = False
    form: str = "time_series"
    exemplar: bool = False

    def target(self, ref: str) -> Json:
        """Return it as the target `ref` of a panel."""
        return {
            "refId": ref,
            "datasource": DATASOURCE,
            "editorMode": "code",
            "expr": self.expr,
            "legendFormat": self.legend or "__auto",
            "instant": self.instant,
            "range": not self.instant,
            "format": self.form,
            "exemplar": self.exemplar,
        }


def now(expr: str, legend: str = "") -> Query:
    """Return a query of the last value, as numbers or bars show it."""
    return Query(expr, legend, instant=True)


def rows_of(expr: str) -> Query:
    """Return a query of the last values, whose labels become a table's columns."""
    return Query(expr, instant=True, form="table")


def panel(
    kind: str,
    title: str,
    description: str,
    queries: Sequence[Query],
    *,
    unit: str,
    size: tuple[int, int],
    steps: Steps = ALWAYS_GREEN,
    options: Mapping[str, Any] | None = None,
    custom: Mapping[str, Any] | None = None,
    defaults: Mapping[str, Any] | None = None,
    overrides: Sequence[Json] = (),
    links: Sequence[Json] = (),
    transformations: Sequence[Json] = (),
) -> Json:
    """Return a panel of `size` (width of 24, height); the dashboard chooses its position."""
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": DATASOURCE,
        "pluginVersion": PLUGIN_VERSION,
        "gridPos": {"w": size[0], "h": size[1]},
        "targets": [query.target(chr(ord("A") + at)) for at, query in enumerate(queries)],
        "fieldConfig": {
            "defaults": {
                "unit": unit,
                "color": {"mode": "thresholds"},
                "mappings": [],
                "thresholds": {
                    "mode": "absolute",
                    "steps": [{"value": value, "color": color} for value, color in steps],
                },
                "links": list(links),
                "custom": dict(custom or {}),
                **(defaults or {}),
            },
            "overrides": list(overrides),
        },
        "options": dict(options or {}),
        "transformations": list(transformations),
    }


def stat(
    title: str,
    description: str,
    query: Query,
    *,
    unit: str = "short",
    width: int = 4,
    steps: Steps = ALWAYS_GREEN,
    mappings: Sequence[Json] = (),
    no_value: str = "",
    links: Sequence[Json] = (),
) -> Json:
    """Return one number in its colour."""
    return panel(
        "stat",
        title,
        description,
        [query],
        unit=unit,
        size=(width, 4),
        steps=steps,
        defaults={"mappings": list(mappings)} | ({"noValue": no_value} if no_value else {}),
        links=links,
        options={
            "colorMode": "background",
            "graphMode": "none",
            "justifyMode": "auto",
            "orientation": "auto",
            "textMode": "value",
            "wideLayout": True,
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        },
    )


def timeseries(
    title: str,
    description: str,
    *queries: Query,
    unit: str,
    width: int = 12,
    bars: bool = False,
    steps: Steps = ALWAYS_GREEN,
    shaded: bool = False,
    overrides: Sequence[Json] = (),
    links: Sequence[Json] = (),
) -> Json:
    """Return lines over time, or stacked bars; `shaded` draws the thresholds."""
    return panel(
        "timeseries",
        title,
        description,
        queries,
        unit=unit,
        size=(width, 8),
        steps=steps,
        defaults={"color": {"mode": "palette-classic"}} | ({"min": 0} if bars else {}),
        custom={
            "drawStyle": "bars" if bars else "line",
            "fillOpacity": 80 if bars else 10,
            "lineWidth": 0 if bars else 1,
            "showPoints": "never",
            "spanNulls": False,
            "stacking": {"group": "A", "mode": "normal" if bars else "none"},
            "thresholdsStyle": {"mode": "dashed" if shaded else "off"},
        },
        overrides=overrides,
        links=links,
        options={
            "legend": {
                "calcs": ["max", "lastNotNull"],
                "displayMode": "table",
                "placement": "bottom",
                "showLegend": True,
            },
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
    )


def state_timeline(
    title: str,
    description: str,
    query: Query,
    *,
    mappings: Sequence[Json],
    width: int = 24,
    height: int = 8,
    links: Sequence[Json] = (),
) -> Json:
    """Return one strip for each series, coloured by its value."""
    return panel(
        "state-timeline",
        title,
        description,
        [query],
        unit="none",
        size=(width, height),
        defaults={"mappings": list(mappings)},
        custom={"fillOpacity": 80, "lineWidth": 0},
        links=links,
        options={
            "alignValue": "left",
            "legend": {
                "calcs": [],
                "displayMode": "list",
                "placement": "bottom",
                "showLegend": True,
            },
            "mergeValues": True,
            "perPage": 30,
            "rowHeight": 0.8,
            "showValue": "auto",
            "tooltip": {"mode": "single", "sort": "none"},
        },
    )


def bars(
    title: str,
    description: str,
    query: Query,
    *,
    unit: str,
    width: int = 8,
    height: int = 8,
    steps: Steps = ALWAYS_GREEN,
    links: Sequence[Json] = (),
    low: float | None = 0,
    high: float | None = None,
) -> Json:
    """Return one horizontal bar for each series, in the query's order."""
    limits = {name: value for name, value in (("min", low), ("max", high)) if value is not None}
    return panel(
        "bargauge",
        title,
        description,
        [query],
        unit=unit,
        size=(width, height),
        steps=steps,
        defaults=limits,
        links=links,
        options={
            "displayMode": "basic",
            "legend": {
                "calcs": [],
                "displayMode": "list",
                "placement": "bottom",
                "showLegend": False,
            },
            "maxVizHeight": 30,
            "minVizHeight": 16,
            "namePlacement": "left",
            "orientation": "horizontal",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "showUnfilled": True,
            "sizing": "auto",
            "valueMode": "color",
        },
    )


def heatmap(title: str, description: str, query: Query, *, width: int = 12) -> Json:
    """Return the buckets of a histogram over time, its exemplars as dots."""
    return panel(
        "heatmap",
        title,
        description,
        [query],
        unit="short",
        size=(width, 8),
        custom={"scaleDistribution": {"type": "linear"}},
        options={
            "calculate": False,
            "cellGap": 1,
            "color": {
                "mode": "scheme",
                "scheme": "Oranges",
                "steps": 64,
                "exponent": 0.5,
                "fill": "dark-orange",
                "reverse": False,
            },
            "exemplars": {"color": "rgba(255,0,255,0.7)"},
            "filterValues": {"le": 1e-9},
            "legend": {"show": True},
            "rowsFrame": {"layout": "auto"},
            "tooltip": {"mode": "single", "yHistogram": True, "showColorScale": True},
            "yAxis": {"axisPlacement": "left", "reverse": False, "unit": "s"},
        },
    )
