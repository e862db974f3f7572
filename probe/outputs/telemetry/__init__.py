"""The probe's own OpenTelemetry: traces of attempts, told from the ledger.

Everything here needs the extra `otel`, and is imported only where telemetry is asked for.
"""
