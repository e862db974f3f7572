"""`mtls-probe rules`: the Prometheus rules for the configuration in force, on standard output."""

from pathlib import Path

import click

from probe.cli.load_configuration import config_option, read_configuration
from probe.cli.results import AS_EXPECTED
from probe.system.standard_streams import ignore_broken_pipe
from probe.text.safe_text import safe_text


def _check_address(_context: click.Context, _option: click.Parameter, text: str) -> str:
    if text and not (text.startswith(("http://", "https://")) and safe_text(text) == text):
        raise click.BadParameter("must begin with http:// or https:// and be one printable line")
    return text


@click.command()
@config_option
@click.option(
    "--runbook-url",
    metavar="BASE",
    default="",
    callback=_check_address,
    help="Address to which a cause's id is appended; default: CAUSES.md in the repository.",
)
@click.option(
    "--dashboard-url",
    metavar="BASE",
    default="",
    callback=_check_address,
    help="Address to which a target's name is appended, such as https://grafana.example.com/d/ID?var-target=; "
    "default: Prometheus's own pages.",
)
@click.option("--kubernetes", is_flag=True, help="A PrometheusRule for the Prometheus operator.")
def rules(
    config_file: Path | None, runbook_url: str, dashboard_url: str, *, kubernetes: bool
) -> int:
    """Print the Prometheus rules for the configuration in force."""
    # The thresholds are enough: the state of the sources has no part in the rules.
    loaded = read_configuration(config_file)
    from probe.alerting.links import Pages
    from probe.alerting.rule import Thresholds
    from probe.alerting.rule_file import build_rule_group, render_prometheus_rule, render_rule_file

    thresholds = Thresholds(
        expiry_warning=loaded.expiry_warning,
        expiry_critical=loaded.expiry_critical,
        patience=loaded.alert_hold,
    )
    group = build_rule_group(thresholds, Pages(runbooks=runbook_url, dashboards=dashboard_url))
    with ignore_broken_pipe():
        click.echo(
            render_prometheus_rule(group) if kubernetes else render_rule_file(group), nl=False
        )
    return AS_EXPECTED
