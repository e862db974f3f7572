"""The same where the probe has the backend's configuration too: steps name its files and settings."""

from pathlib import Path

from tests.lab.following.faults import FAULTS, Fault
from tests.lab.following.stage import stage
from tests.lab.test_steps import every_fault, repair, require


@every_fault
def test_over_http(fault: Fault, otelcol: Path) -> None:
    """Over OTLP/HTTP; a step about a file of the backend's has its path in it."""
    require(fault)
    with stage(otelcol, "http/protobuf", backend_known=True) as there:
        repair(there, fault)


def test_a_receiver_that_reads_its_client_cas_again_needs_no_restart(otelcol: Path) -> None:
    """With client_ca_file_reload the CA is appended, and the exporter gets through."""
    with stage(otelcol, "http/protobuf", backend_known=True) as there:
        there.server_tls["client_ca_file_reload"] = True
        person = repair(there, FAULTS["ca_not_in_client_ca_file"])
    assert person.restarted == []


def test_a_receiver_that_reads_its_certificate_again_is_waited_for(otelcol: Path) -> None:
    """With reload_interval the new certificate is written, and served a moment later."""
    with stage(otelcol, "http/protobuf", backend_known=True) as there:
        there.server_tls["reload_interval"] = "1s"
        person = repair(there, FAULTS["name_not_among_the_sans"])
    assert person.restarted == []
