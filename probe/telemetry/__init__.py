"""The probe's own OpenTelemetry traces, read from the ledger."""
