"""The Prometheus rules: alerts on symptoms and recordings for fleets, made from the catalogue."""
