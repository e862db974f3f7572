"""What stops the bytes themselves: names that don't resolve, ports that don't answer."""

import re
from functools import partial
from typing import Final

from probe.diagnosis.cause import EVERY_ENDING, Cause, Match, Rank, Strength
from probe.diagnosis.families.http_proxy import describe_proxy, is_before_tunnel
from probe.diagnosis.fixes.steps import escape_braces
from probe.diagnosis.readings.backend_decision import find_refusal
from probe.diagnosis.readings.experiment_results import (
    get_proven_cause,
    has_unproven_improvement,
    is_reproduced,
    remove_excluded,
)
from probe.model.evidence import Evidence
from probe.text.safe_text import quote_path

_POSSIBLE_IN_SILENCE: Final = (
    "not_tls",
    "no_shared_cipher",
    "protocol_version_mismatch",
    "no_shared_group",
    "no_shared_signature_algorithm",
)
"""What a server that sends no alerts (grpc-core) may mean when it closes in the handshake."""

_FIND_WHO_ENDED_IT: Final = (
    "Read the log of the backend at {endpoint}, or of the load balancer in front of it, "
    "at the time of the attempt.",
    "If an allow-list of addresses protects the backend, add the exporter's address to it.",
    "To see it by hand: openssl s_client -connect {host}:{port} </dev/null",
)


def _match_ended(evidence: Evidence) -> Match | None:
    if is_before_tunnel(evidence):
        return None
    tried = tuple(
        f"{attempt.address} port {evidence.target.port}: {attempt.error}"
        for attempt in evidence.connects
        if attempt.error
    )
    return Match(Strength.NAMED, tried or (evidence.ending.detail,), fix=_start_collector(evidence))


def _start_collector(evidence: Evidence) -> tuple[str, ...]:
    """Return the steps where a receiver next to the probe does not listen; none of another target."""
    files = evidence.credentials.receiver
    if files is None or evidence.ending.kind != "refused":
        return ()
    name, file = escape_braces(files.name), escape_braces(quote_path(files.settings_file))
    return (
        f"Start the Collector of receiver {name} with {file}; if it is running, look in its log for "
        "the address that it listens on: it runs with another configuration.",
        "If it runs in another network namespace (a container, a pod), run the probe there: as a "
        "container of the same pod, or with the container's network.",
        "To see what listens there: ss -ltn 'sport = :{port}'",
    )


_LOOK_UP_WITHIN: Final = (
    "Run the probe in the cluster, or forward the Service's port and give mtls-probe check the name's "
    "address there: --resolve {host}=127.0.0.1",
    "If the name is not meant to be a Service's, correct its spelling in {endpoint_setting}.",
    "To see what the resolver says: getent hosts {host}",
)


_REFERENCE: Final = re.compile(r"[${}<>%]")
"""What no host's name has, and references of shells, Kubernetes, Helm and docker compose."""
_REPLACE: Final = (
    "Write the backend's name in {endpoint_setting}, or give the variable that stands there a value "
    "where the exporter is started: a shell and docker compose replace ${{VARIABLE}, systemd "
    "in ExecStart alone; Kubernetes replaces $(VARIABLE) where an entry above it in env sets it.",
    "{restart}",
)


def _match_unresolved(evidence: Evidence) -> Match | None:
    if is_before_tunnel(evidence):
        return None
    target = evidence.target
    fact = f"{target.host} does not resolve: {evidence.ending.detail}"
    if _REFERENCE.search(target.host):
        what = "it is not a name, but a reference that nothing has replaced by a value"
        return Match(Strength.NAMED, (fact, what), fix=_REPLACE, party="exporter")
    if not target.runs_in or target.started:
        return Match(Strength.NAMED, (fact,))
    place = (
        f"the exporter ({target.runs_in}) would look it up within its cluster, and the probe has "
        "looked it up where it runs itself: names of Services resolve in their cluster only"
    )
    return Match(Strength.NAMED, (fact, place), fix=_LOOK_UP_WITHIN)


def _match_timeout(evidence: Evidence) -> Match | None:
    return _match_ended(evidence) if evidence.ending.stage == "connect" else None


def _match_handshake_timeout(evidence: Evidence) -> Match | None:
    ending, target = evidence.ending, evidence.target
    if ending.stage != "handshake" or get_proven_cause(evidence):
        return None
    limit = f"{target.timeout:g} s passed"
    if ending.kind == "budget":
        limit = f"it exceeded what one attempt may take ({ending.detail})"
    fact = (
        f"the connection was made{describe_proxy(evidence)}, and the TLS handshake did not finish "
        f"before {limit}"
    )
    if has_unproven_improvement(evidence, "classic_groups"):
        return Match(
            Strength.NAMED,
            (
                fact,
                "with classic groups alone the handshake continued: the backend stalls now and then, "
                "or something on the way drops a ClientHello of more than one TCP segment",
            ),
            possible=("client_hello_too_large",),
            decides="the same, repeated: only a ClientHello that is dropped stalls every time",
        )
    if not has_unproven_improvement(evidence, "tls_1.2"):
        return Match(Strength.NAMED, (fact,))
    return Match(
        Strength.NAMED,
        (
            fact,
            "limited to TLS 1.2 the handshake continued: the backend stalls now and then, or "
            "something on the way drops the larger ClientHello of TLS 1.3",
        ),
        possible=("protocol_version_mismatch",),
        decides=f"openssl s_client -connect {target.endpoint} -tls1_2 </dev/null and the same with "
        "-tls1_3, ten times each: only a ClientHello that is dropped stalls every time",
    )


def _match_closed(evidence: Evidence) -> Match | None:
    if find_refusal(evidence) is not None or get_proven_cause(evidence):
        return None
    stage = evidence.ending.stage
    if stage == "connect":
        return _match_ended(evidence)
    verb = "reset" if evidence.ending.kind == "reset" else "closed"
    if stage != "handshake":
        return _match_unanswered(evidence, verb)
    fact = f"the peer {verb} the connection during the TLS handshake, without an alert"
    return Match(
        Strength.NAMED,
        (f"{fact}{describe_proxy(evidence)}",),
        possible=remove_excluded(evidence, _POSSIBLE_IN_SILENCE),
        decides="the backend's own log at the time of the attempt"
        if is_reproduced(evidence)
        else "a handshake with other versions and ciphers, or a request in plaintext",
    )


def _match_unanswered(evidence: Evidence, verb: str) -> Match:
    """Match an end of the connection, or of the request alone, that came instead of an answer."""
    ending, answer = evidence.ending, evidence.answer
    ended = "ended the request" if ending.detail else f"{verb} the connection"
    possible: tuple[str, ...] = ("otlp_protocol_mismatch",)
    decides = "a request in the other OTLP protocol"
    if answer is not None:
        when = f"in the middle of its answer, HTTP {answer.http_status}"
        possible = ()  # it has begun to answer: it speaks what we speak
    elif evidence.target.plaintext:
        when = "instead of answering the request, which went out without TLS"
        possible = ("tls_off", *possible)
    else:
        when = "after the handshake, before it answered"
    if evidence.target.plaintext:
        decides = "a TLS handshake, and a request in the other OTLP protocol"
    how = f": {ending.detail}" if ending.detail else ""
    return Match(
        Strength.NAMED,
        (f"the peer {ended} {when}{describe_proxy(evidence)}{how}",),
        possible=remove_excluded(evidence, possible),
        decides=decides,
    )


def _match_not_entered(evidence: Evidence) -> Match | None:
    network = evidence.network
    if network is None or network.network != "closed":
        return None
    if network.right == "CAP_SYS_ADMIN":
        what = f"{network.process} has another network than the probe, which lacks {network.right}"
    else:
        what = (
            f"whether {network.process} has another network than the probe cannot be seen without "
            f"{network.right}"
        )
    fact = (
        f"{what}: names were looked up, and the connection was made, from the probe's own network"
    )
    return Match(Strength.FINDING, (fact,))


_declare: Final = partial(Cause, family="network", rank=Rank.NETWORK)
"""What the causes here have in common, unless one says otherwise."""

CAUSES: Final = (
    _declare(
        id="dns_failure",
        title="The backend's name does not resolve",
        party="network",
        meaning="No address was found for the endpoint's host.",
        evidence="getaddrinfo's error, by name.",
        fix=(
            "Add the name {host} to the DNS that this machine asks, or correct its spelling in "
            "{endpoint_setting}.",
            "In Kubernetes write the full name: the Service's name, its namespace and svc, joined "
            "by dots.",
            "To see what the resolver says: getent hosts {host}",
        ),
        tell_apart=(
            "Resolve the name on the exporter's machine, in its container: getent hosts HOST"
        ),
        citations=("RFC 1035", "getaddrinfo(3)"),
        applies=frozenset({"dns"}),
        match=_match_unresolved,
    ),
    _declare(
        id="tcp_refused",
        title="Nothing listens on the backend's port",
        party="backend",
        meaning="The host answers, and refuses the connection.",
        evidence="ECONNREFUSED from every address, or from the last IPv4 one.",
        fix=(
            "On the backend's machine, start what has to listen on port {port}, or correct the "
            "port in {endpoint_setting}.",
            "If it listens on localhost only, other hosts do not reach it: on a Collector set "
            "endpoint: 0.0.0.0:{port} in the receiver's settings, and restart it.",
            "To see what listens there: ss -ltn 'sport = :{port}'",
        ),
        tell_apart=(
            "No TLS is reached. On the backend, to see whether it listens on that port and address: ss "
            "-ltn"
        ),
        citations=("RFC 9293 §3.5.2",),
        applies=frozenset({"refused"}),
        match=_match_ended,
        explained_by=("receiver_file_unusable",),
    ),
    _declare(
        id="tcp_timeout",
        title="The backend's address does not answer",
        party="network",
        meaning="No answer to the connection attempt: a firewall or a network policy drops it.",
        evidence="No connection within the attempt's time.",
        fix=(
            "Allow TCP from the exporter to {endpoint} in the firewall, the security group or the "
            "NetworkPolicy (egress here, ingress there).",
            "If nothing blocks it, correct the address in {endpoint_setting}: no machine answers "
            "at this one.",
            "To try from another machine: openssl s_client -connect {host}:{port} </dev/null",
        ),
        tell_apart=(
            "The TCP connection itself is not made: mtls-probe check ENDPOINT ends at the stage "
            "connect."
        ),
        citations=("RFC 9293 §3.8.3",),
        applies=frozenset({"timeout"}),
        match=_match_timeout,
    ),
    _declare(
        id="network_unreachable",
        title="There is no route to the backend",
        party="network",
        meaning="The operating system, or a router, says that the address can't be reached.",
        evidence="ENETUNREACH, EHOSTUNREACH or the like.",
        fix=(
            "Add a route from this machine to {host}, or use the backend's address of the other "
            "family.",
            "To see its addresses: getent ahosts {host}",
        ),
        tell_apart="Ask for the route on the exporter's machine: ip route get ADDRESS",
        citations=("connect(2)",),
        applies=frozenset({"unreachable", "socket"}),
        match=_match_ended,
    ),
    _declare(
        id="connection_reset",
        title="The connection was reset",
        party="backend",
        meaning=(
            "An RST arrived before a client certificate was asked for: overload, a firewall, a "
            "crash."
        ),
        evidence="ECONNRESET, and no refusal of a certificate.",
        fix=_FIND_WHO_ENDED_IT,
        tell_apart=(
            "It happens without a client certificate too and at the same step: a load balancer or "
            "firewall; else it is a refusal. mtls-probe check ENDPOINT separates the two."
        ),
        citations=("RFC 9293 §3.5.2",),
        explained_by=("client_cert_by_renegotiation",),
        applies=frozenset({"reset"}),
        match=_match_closed,
    ),
    _declare(
        id="connection_closed",
        title="The connection was closed without an alert",
        party="backend",
        meaning=(
            "The peer closed before a client certificate was asked for: an allow-list of "
            "addresses, a server without TLS, or grpc-core, which sends no alert when nothing fits."
        ),
        evidence="A FIN without an alert, and no refusal of a certificate.",
        fix=_FIND_WHO_ENDED_IT,
        tell_apart=(
            "It happens before any certificate is asked for; else it is a refusal. mtls-probe "
            "check ENDPOINT separates the two."
        ),
        citations=("RFC 8446 §6.1",),
        explained_by=("client_cert_by_renegotiation",),
        applies=frozenset({"close"}),
        match=_match_closed,
    ),
    _declare(
        id="tls_timeout",
        title="The TLS handshake does not finish",
        party="backend",
        meaning=(
            "The connection is made, then the peer is silent: overload, or not a TLS server at all."
        ),
        evidence="The deadline, or the byte budget, within the handshake.",
        fix=(
            "Check that {endpoint} is a TLS port, and that the backend behind it is not "
            "overloaded.",
            "If the path drops large packets, set a smaller MTU on the way; to see whether it does: ping "
            "-c 3 -M do -s 1472 {host}",
        ),
        tell_apart=(
            "TCP connects and the handshake gets no answer: mtls-probe check ENDPOINT ends at the "
            "stage handshake."
        ),
        citations=("RFC 8446 §2",),
        applies=frozenset({"timeout", "budget"}),
        match=_match_handshake_timeout,
    ),
    _declare(
        id="network_not_entered",
        title="The attempt was not made from the exporter's network",
        party="probe",
        severity="warning",
        meaning=(
            "The exporter is a process in a network namespace of its own, as containers have, and "
            "the probe has not the right to enter it: what it resolves and reaches may differ from "
            "what the exporter does."
        ),
        evidence=(
            "The network namespace of the process, and the error of setns(2). Always a finding, "
            "never the cause of a failure."
        ),
        fix=(
            "Run the probe with the capabilities SYS_ADMIN and SYS_PTRACE: as root of the machine, "
            "with docker run --cap-add, or in securityContext.capabilities.add in Kubernetes.",
            "Or run the probe within that network, where no right is missing: as a container of the "
            "same pod, or with docker run and the option --network container: with its name.",
        ),
        tell_apart="Only the probe says it: the exporter itself has its network.",
        citations=("setns(2)", "network_namespaces(7)"),
        not_printed="the exporter works in its own network, so nothing is printed",
        finding_only=True,
        applies=EVERY_ENDING,
        match=_match_not_entered,
    ),
)
