"""Alerts about certificates that matter: real Collectors with old and ending certificates around.

What a verified path uses and ends soon is a finding of `check` and an alerting rule that fires,
with subject and file; what nothing rests on brings neither.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from probe.alerting.certificates import list_certificate_rules
from probe.alerting.links import Pages
from probe.alerting.rule import Thresholds
from probe.diagnosis.catalogue import CATALOGUE
from tests.lab.credentials import LabPki
from tests.lab.monitoring import Prometheus, prometheus
from tests.lab.running_probe import RunningProbe, running_probe
from tests.lab.servers import serve_collector
from tests.support.command_line import configuration
from tests.support.pki import Authority, Issued, write_pem

NOW: Final = datetime.now(UTC)
LONG_AGO: Final = NOW - timedelta(days=700)
IN_FIVE_DAYS: Final = (NOW + timedelta(days=5, hours=1)).replace(microsecond=0)
EXPIRED: Final = NOW - timedelta(days=30)

Names = list[tuple[str, str]]
"""Subject and file of each alert."""


def root(name: str, ends: datetime | None = None) -> Authority:
    """Return a root that is two years old."""
    return Authority.root(name, not_before=LONG_AGO, not_after=ends)


def cross(new: Authority, old: Authority, ends: datetime) -> bytes:
    """Return the root `new` as `old` has signed it, as PEM."""
    name = new.certificate.subject.rfc4514_string().removeprefix("CN=")
    signed = old.intermediate(name, key=new.issued.key, not_before=LONG_AGO, not_after=ends)  # type: ignore[arg-type]  # tests' keys are of these types
    return signed.pem


RULES: Final = Path(__file__).parents[2] / "config/prometheus/rules/mtls-probe.yml"
"""What alerts join is recorded by the rules themselves."""


@dataclass(frozen=True)
class Case:
    """A backend's chain, an exporter's files, and which certificates matter."""

    name: str
    server: Issued
    sent: bytes
    """What the backend sends behind its own certificate."""
    anchors: tuple[bytes, ...]
    """What ca_file holds."""
    client: tuple[bytes, ...] = ()
    """What cert_file holds, and the key; empty: an exporter's own certificate."""
    client_key: bytes = b""
    alerts: Mapping[str, Names] = field(default_factory=dict)
    system: tuple[bytes, ...] = ()
    """The system's roots, where there is no ca_file."""
    findings: tuple[str, ...] = ()
    """A piece of each finding's fact, in order."""


def build_cases(pki: LabPki) -> Iterator[Case]:
    """Yield chains with two paths, bundles with old CAs, and what ends soon on either side."""
    usages = ("serverAuth",)
    old, unused = root("Old root", EXPIRED), root("Unused root", IN_FIVE_DAYS)
    new = root("New root")
    issuing = new.intermediate("Issuing CA", not_before=LONG_AGO)
    leaf = issuing.issue("backend", usages=usages)
    yield Case(
        "left-over",
        server=leaf,
        sent=issuing.pem + cross(new, old, EXPIRED),
        anchors=(old.pem, unused.pem, new.pem),
    )
    client, client_old = pki.client_ca, root("Old client root", EXPIRED)
    plain = client.issue("exporter")
    yield Case(
        "left-over-of-the-client",
        server=leaf,
        sent=issuing.pem,
        anchors=(new.pem,),
        client=(plain.pem, cross(client, client_old, EXPIRED)),
        client_key=plain.key_pem,
    )
    ending = root("Ending root", IN_FIVE_DAYS)
    date = f"{IN_FIVE_DAYS:%Y-%m-%d}"
    yield Case(
        "used-ca",
        server=ending.issue("backend", usages=usages),
        sent=b"",
        anchors=(old.pem, ending.pem),
        alerts={"client_ca_bundle": [("CN=Ending root", "ca.crt")]},
        findings=(
            f"the CA CN=Ending root in {{ca_file}}, which the backend's certificate rests on, "
            f"expires in 5 days, on {date}",
        ),
    )
    system = root("Ending root of the system", IN_FIVE_DAYS)
    yield Case(
        "system-roots",
        server=system.issue("backend", usages=usages),
        sent=b"",
        anchors=(),
        alerts={"client_ca_bundle": [("CN=Ending root of the system", "")]},
        findings=("the CA CN=Ending root of the system in the system's roots, which",),
        system=(old.pem, unused.pem, system.pem),
    )
    yield Case(
        "big-bundle",
        server=leaf,
        sent=issuing.pem,
        anchors=(*(root(f"Root {number}", EXPIRED).pem for number in range(1000)), new.pem),
    )
    yield Case(
        "two-paths",
        server=new.issue("backend", usages=usages),
        sent=cross(new, ending, IN_FIVE_DAYS),
        anchors=(ending.pem, new.pem),
    )
    yield Case(
        "one-path-left",
        server=new.issue("backend", usages=usages),
        sent=cross(new, ending, IN_FIVE_DAYS),
        anchors=(ending.pem,),
        alerts={
            "server": [("CN=New root", "")],
            "client_ca_bundle": [("CN=Ending root", "ca.crt")],
        },
        findings=(
            "the backend's CN=New root expires in 5 days",
            "the CA CN=Ending root in {ca_file}",
        ),
    )
    low = client.intermediate("Ending issuing CA", not_before=LONG_AGO, not_after=IN_FIVE_DAYS)
    below = low.issue("exporter")
    yield Case(
        "used-intermediate-of-the-client",
        server=leaf,
        sent=issuing.pem,
        anchors=(new.pem,),
        client=(below.pem, low.pem),
        client_key=below.key_pem,
        alerts={"client": [("CN=Ending issuing CA", "tls.crt")]},
        findings=(f"CN=Ending issuing CA in {{cert_file}} expires in 5 days, on {date}",),
    )


@dataclass(frozen=True)
class Watched:
    """The cases while they are probed, and their files."""

    probe: RunningProbe
    prometheus: Prometheus
    cases: Mapping[str, Case]
    folder: Path

    def find_alerts(self, target: str, severity: str) -> dict[str, Names]:
        """Return what the expressions of the rules find of `target` now, by source."""
        found: dict[str, Names] = {}
        for rule in list_certificate_rules(Thresholds(), Pages(), CATALOGUE):
            if rule.severity == severity and "Expiring" in rule.alert:
                for labels, _ in self.prometheus.query(rule.expr):
                    if labels["target"] == target:
                        where = Path(labels.get("path", "")).name
                        found.setdefault(labels["source"], []).append((labels["subject"], where))
        return found


@pytest.fixture(scope="module")
def watched(
    otelcol: Path, pki: LabPki, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watched]:
    """A Collector for each case, one probe of all, and a Prometheus that scrapes it."""
    folder = tmp_path_factory.mktemp("used")
    cases = {case.name: case for case in build_cases(pki)}
    targets = []
    with ExitStack() as stack:
        for name, case in cases.items():
            own = folder / name
            own.mkdir()
            server = write_pem(own, "server.pem", case.server.pem + case.sent)
            tls = {
                "cert_file": str(server),
                "key_file": str(write_pem(own, "server-key.pem", case.server.key_pem)),
                "client_ca_file": str(pki.client_ca_file),
            }
            collector = stack.enter_context(serve_collector(otelcol, own, tls))
            write_pem(own, "ca.crt", *case.anchors)
            if case.system:
                write_pem(folder, "system.pem", *case.system)
            plain = pki.plain
            write_pem(own, "tls.crt", *(case.client or (plain.pem,)))
            write_pem(own, "tls.key", case.client_key or plain.key_pem)
            targets.append(entry(name, collector.grpc_port, own))
            if case.system:
                del targets[-1]["tls"]["ca_file"]
        roots = {"SSL_CERT_FILE": str(folder / "system.pem"), "SSL_CERT_DIR": str(folder / "none")}
        probe = stack.enter_context(running_probe(configuration(folder, *targets), **roots))
        job = {"job_name": "mtls-probe", "static_configs": [{"targets": [probe.address]}]}
        watching = stack.enter_context(prometheus(folder, [job], rule_files=[RULES]))
        for name in cases:
            probe.becomes(name, None)
            watching.has(f'mtls_probe_success{{target="{name}"}} == 1')
            watching.has(f'target:mtls_probe_names:info{{target="{name}"}}')
        yield Watched(probe, watching, cases, folder)


def entry(name: str, port: int, folder: Path) -> dict[str, Any]:
    """Return a target with the files of `folder`."""
    files = {"ca_file": "ca.crt", "cert_file": "tls.crt", "key_file": "tls.key"}
    tls = {key: str(folder / file) for key, file in files.items()}
    return {"name": name, "endpoint": f"localhost:{port}", "interval": "1s", "tls": tls}


NAMES: Final = (
    "left-over",
    "left-over-of-the-client",
    "used-ca",
    "system-roots",
    "big-bundle",
    "two-paths",
    "one-path-left",
    "used-intermediate-of-the-client",
)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_used_brings_an_alert_and_nothing_else_does(watched: Watched, name: str) -> None:
    """Each rule's expression over /metrics: warning and critical, with subject and file."""
    for severity in ("warning", "critical"):
        assert watched.find_alerts(name, severity) == watched.cases[name].alerts


@pytest.mark.parametrize("name", NAMES)
def test_a_finding_names_what_is_used_its_file_and_its_date(watched: Watched, name: str) -> None:
    """The result that `check` prints too; none for what nothing rests on."""
    result = watched.probe.result(name)
    assert result is not None
    own = watched.folder / name
    pieces = [
        piece.format(ca_file=own / "ca.crt", cert_file=own / "tls.crt")
        for piece in watched.cases[name].findings
    ]

    facts = [finding["fact"] for finding in result["findings"]]

    assert len(facts) == len(pieces), facts
    assert all(piece in fact for piece, fact in zip(pieces, facts, strict=True)), facts


@pytest.mark.parametrize("name", NAMES)
def test_the_earliest_expiry_is_of_what_is_used(watched: Watched, name: str) -> None:
    """In five days where something that is used ends then; otherwise months away."""
    case = watched.cases[name]
    found = watched.prometheus.query(
        f'mtls_probe_earliest_expiry_timestamp_seconds{{target="{name}"}}'
    )
    for labels, ends in found:
        soon = ends == IN_FIVE_DAYS.timestamp()
        assert soon or ends > (NOW + timedelta(days=80)).timestamp()
        assert soon == (labels["source"] in case.alerts)
    assert {labels["source"] for labels, _ in found} == {"client", "client_ca_bundle", "server"}


def test_every_case_is_tested(watched: Watched) -> None:
    """None is built for nothing."""
    assert tuple(watched.cases) == NAMES


def test_the_bundle_of_the_test_holds_what_is_left_over(watched: Watched) -> None:
    """The control: the expired CA is there, and has series that say it is not used."""
    series = watched.prometheus.query(
        'mtls_probe_certificate_info{target="left-over",subject="CN=Old root"}'
    )
    assert [labels["used"] for labels, _ in series] == ["false"]
    [sent] = watched.prometheus.query(
        'mtls_probe_certificate_info{target="left-over",source="server",subject="CN=New root"}'
    )
    assert sent[0]["used"] == "false"


def test_a_big_bundle_has_few_series(watched: Watched) -> None:
    """A thousand expired roots next to the one that is used: what is left out is counted."""
    shown = watched.prometheus.query('count({target="big-bundle",__name__!="ALERTS"})')
    [(_, left_out)] = watched.prometheus.query(
        'mtls_probe_certificates_left_out{target="big-bundle",source="client_ca_bundle"}'
    )
    [(used, _)] = watched.prometheus.query(
        'mtls_probe_certificate_info{target="big-bundle",source="client_ca_bundle",used="true"}'
    )

    assert shown[0][1] <= 100
    assert left_out == 1001 - 8
    assert (used["subject"], Path(used["path"]).name) == ("CN=New root", "ca.crt")
