"""Where an alert's links lead, and what it says of a cause: the texts of the catalogue.

Prometheus fills annotations in as Go templates. A rule that can have several causes gets one text
in which each cause has its branch, so that the fix is in the alert and not behind a link.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from probe.diagnosis.cause import PARTIES, Cause
from probe.diagnosis.fixes.steps import ANY_TARGET, fill_steps

TARGET: Final = "{{ $labels.target }}"
CAUSE: Final = "{{ $labels.cause }}"
PARTY: Final = (
    "".join(
        f'{{{{ {"else " * bool(at)}if eq $labels.party "{party}" }}}}{words}'
        for at, (party, words) in enumerate(PARTIES.items())
    )
    + "{{ else }}the side that its page names{{ end }}"
)
"""Who must act."""

CAUSES_PAGE: Final = "https://github.com/example/mtls-probe/blob/main/CAUSES.md#"
"""The catalogue in the repository: a placeholder, which `make release URL=…` replaces everywhere."""
WHERE: Final = (
    "{{ with $labels.server_address }} Backend: {{ . }}.{{ end }}"
    "{{ with $labels.namespace }} Namespace: {{ . }}.{{ end }}"
    "{{ with $labels.pod }} Pod: {{ . }}.{{ end }}"
    "{{ with $labels.team }} Team: {{ . }}.{{ end }}"
    "{{ with $labels.environment }} Environment: {{ . }}.{{ end }}"
)
"""Whom an alert is about, as far as it is known."""
_IN_A_URL: Final = '{{ reReplaceAll "[+]" "%20" (urlquery $labels.target) }}'
"""The target's name, encoded for a path too, where the `+` of a query does not mean a space."""
_PROMETHEUS: Final = "{{ $externalURL }}/targets"
_SERIES: Final = (
    "{{ $externalURL }}/graph?g0.tab=1&g0.expr="
    '{{ printf `{__name__=~"mtls_probe_.+",target=%q}` $labels.target | urlquery }}'
)
"""Prometheus's own page with all that is known of the target."""
_SUBSTITUTES: Final = (
    ("port {port}", "the endpoint's port"),
    ("the host {host}", "the endpoint's host"),
    ("NO_PROXY={host}", "NO_PROXY to the endpoint's host"),
    ("{endpoint}", "the target's endpoint"),
    ("{host}", "the endpoint's host"),
    ("{port}", "the endpoint's port"),
    ("{reference}", "the name in the endpoint"),
    ("{signal}", "the target's signal"),
    *((f"{{into_{short}}}", f"{short}_file") for short in ("cert", "key", "ca")),
    *((f"{{{name}}}", f"the exporter's {name}") for name in ("cert_file", "key_file", "ca_file")),
)
"""What an alert has instead of the paths and names of a target, which a rule cannot know."""
_TYPED: Final = re.compile(r"\b(openssl|ls|chmod|getent|ping|ss|namei) [^.]*\{")
"""A command whose arguments only the target's page knows."""


@dataclass(frozen=True, slots=True)
class Pages:
    """Where the links of alerts lead, which their reader must be able to open.

    Without an address: the catalogue in the repository, and Prometheus's own pages. The probe's
    pages are not a default: the address that Prometheus scrapes is mostly a pod's.

    Args:
        runbooks: what a cause's id is appended to, as `https://wiki.example.com/causes/`.
        dashboards: what a target's name is appended to, as
            `https://grafana.example.com/d/target?var-target=`.
    """

    runbooks: str = ""
    dashboards: str = ""

    def link_cause(self, cause: str) -> str:
        """Return the address of the page of `cause`, an id or a template."""
        return _join_url(self.runbooks or CAUSES_PAGE, cause)

    def link_target(self) -> str:
        """Return the address of the page of the alert's target."""
        return _join_url(self.dashboards, _IN_A_URL) if self.dashboards else _SERIES

    def link_probe(self) -> str:
        """Return the address of a page about the probe; Prometheus's says why it cannot scrape."""
        return self.dashboards or _PROMETHEUS


def build_fix_template(causes: Iterable[Cause]) -> str:
    """Return a template that gives the first step of the fix of the alert's cause.

    Args:
        causes: those that the alert can have; any other cause gets a link to its page.
    """
    branches = "".join(
        f'{{{{- {"else " * bool(index)}if eq $labels.cause "{cause.id}" -}}}}\n{get_first_step(cause)}\n'
        for index, cause in enumerate(causes)
    )
    return f"{branches}{{{{- else -}}}}\nThe page of the cause says it.\n{{{{- end -}}}}"


def get_first_step(cause: Cause) -> str:
    """Return the first step of the fix of `cause` that can be said without knowing the target."""
    step = next((step for step in cause.fix if not _TYPED.search(step)), cause.fix[0])
    for placeholder, words in _SUBSTITUTES:
        step = step.replace(placeholder, words)
    return fill_steps((step,), ANY_TARGET)[0]


def _join_url(base: str, last: str) -> str:
    return base + last if base.endswith(("/", "#", "=")) else f"{base}/{last}"
