"""Where dashboards and Grafana-managed alerting rules come from: `python -m grafana.source`."""
