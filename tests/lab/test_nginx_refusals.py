"""A certificate that nginx refuses with HTTP 400 after a clean handshake gets its true cause.

Each of HTTP over h2, HTTP/1.1 and gRPC: a finished handshake and SETTINGS prove nothing there.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab.credentials import LabPki, Pair
from tests.lab.observation import observe, target
from tests.lab.scenario import Staging
from tests.lab.stack import VERSIONS, Stack, TlsVersion
from tests.lab.stacks.nginx import NGINX_GRPC, NGINX_HTTP, NGINX_HTTP1
from tests.support.required_tools import missing

Client = Callable[[LabPki], Pair | None]

WAYS_IN = [
    pytest.param(NGINX_HTTP, "h2", id="http-over-h2"),
    pytest.param(NGINX_HTTP1, "http/1.1", id="http-over-1.1"),
    pytest.param(NGINX_GRPC, "h2", id="grpc"),
]
REFUSED: dict[str, Client] = {
    "client_ca_untrusted": lambda pki: pki.stranger,
    "client_cert_not_sent": lambda _: None,
    "client_cert_expired": lambda pki: pki.expired,
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("stack", "over"), WAYS_IN)
@pytest.mark.parametrize("cause", REFUSED)
def test_a_refusal_above_tls_has_its_true_cause(
    tmp_path: Path, pki: LabPki, stack: Stack, over: str, version: TlsVersion, cause: str
) -> None:
    """No fatal alert, the chosen protocol, HTTP 400 to the Export request: the cause is certain."""
    if absent := stack.missing():
        missing(f"{stack.name}: {absent}")
    client = REFUSED[cause](pki)
    with stack.start(tmp_path, Staging(client).serving(pki, version)) as port:
        evidence, diagnosis = observe(target(pki, port, client, protocol=stack.protocol))
    assert evidence.handshake is not None
    assert evidence.answer is not None
    assert not [alert for alert in evidence.handshake.alerts if alert.level == "fatal"]
    assert evidence.handshake.version == version
    assert (evidence.answer.over, evidence.answer.http_status) == (over, 400)
    assert (diagnosis.outcome, diagnosis.stage) == ("failed", "export"), diagnosis
    assert (diagnosis.cause, diagnosis.certain) == (cause, True), diagnosis
