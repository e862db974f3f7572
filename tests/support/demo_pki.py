"""The demo's certificates, made once for all tests that put its backends to use."""

from datetime import UTC, datetime

from probe.demo.scenarios import DemoPki

PKI = DemoPki.create(datetime.now(UTC))
