"""What a receiver's files and settings mean for its clients: the one judgement of a backend's files.

Pure. `inspect` and the attempts on a receiver both ask it. A fault is what no client, or no Go
client, gets past; a remark is true and stops nobody, or only some.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from probe.diagnosis.readings.file_dates import list_date_findings
from probe.diagnosis.readings.path_fault_text import describe_fault
from probe.model.certificate import CertificateFacts, ReceiverFiles, name_certificate
from probe.model.finding import Finding, ServerRole
from probe.model.path_fault import PathFault, PathFaultKind
from probe.text.host_port import split_host_port
from probe.text.safe_text import quote_path, safe_text
from probe.text.time_format import format_time
from probe.x509.usages import describe_usage_fault
from probe.x509.validity import CLOCK_TOLERANCE, expires_soon, is_expired, is_not_yet_valid

NOT_REQUESTED: Final = "client_cert_not_requested"
TOO_BROAD: Final = "client_ca_too_broad"
UNTRUSTED: Final = "client_ca_untrusted"
_NAMED: Final = 3
"""Certificates named in one fact."""
_LONGEST: Final = 600
_LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1", "localhost.localdomain"})
_ANY_HOST: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104  # read, not bound

_CAUSES: Final[dict[PathFaultKind, str]] = {
    "unreadable": "server_cert_unreadable",
    "wrong_usage": "server_cert_wrong_usage",
    "name_mismatch": "server_name_mismatch",
    "weak_key": "server_cert_weak",
    "weak_signature": "server_cert_weak",
}
"""By kind; every other rule is `server_chain_invalid`."""
_REISSUE: Final[dict[str, str]] = {
    "server_cert_wrong_usage": "issue it with extendedKeyUsage serverAuth (in cert-manager: usages: "
    "[server auth, digital signature])",
    "server_name_mismatch": "issue it with the names that clients connect to as subjectAltName: "
    "their DNS names, and IP addresses where they connect by address",
    "server_cert_weak": "issue it anew with an EC P-256 or RSA-2048 key, signed with SHA-256",
}


class ReceiverVerdict(NamedTuple):
    """What is wrong with a receiver's files and settings."""

    faults: tuple[Finding, ...] = ()
    remarks: tuple[Finding, ...] = ()


def judge_receiver(files: ReceiverFiles, at: float) -> ReceiverVerdict:
    """Return what is wrong with what `files` hold at `at` (epoch seconds)."""
    faults: list[Finding] = list(files.faults)
    remarks: list[Finding] = list(files.remarks)
    if not files.tls:
        return ReceiverVerdict(tuple(faults), tuple(remarks))
    reload = describe_restart(files)
    for stops, finding in judge_server_chain(
        files.chain, files.chain_rules, at, files.cert_file, reload
    ):
        (faults if stops else remarks).append(finding)
    remarks += _judge_missing_issuer(files)
    remarks += _judge_names(files)
    if not files.client_ca_file:
        # Whoever wrote a CA there wanted clients to be verified.
        (faults if files.misplaced_ca else remarks).append(_report_not_asked(files))
    else:
        for stops, finding in _judge_client_cas(files, at):
            (faults if stops else remarks).append(finding)
    return ReceiverVerdict(tuple(dict.fromkeys(faults)), tuple(dict.fromkeys(remarks)))


def judge_server_chain(
    chain: Sequence[CertificateFacts],
    rules: Sequence[PathFault],
    at: float,
    path: str,
    reload: str,
) -> Iterator[tuple[bool, Finding]]:
    """Yield what a backend's certificate and its issuers lack, each with whether it stops Go's clients.

    Args:
        chain: What the file holds, in its order.
        rules: What the model of Go's verifier found; dates are judged here.
        at: Epoch seconds.
        path: The file, for facts and steps.
        reload: The step after the file was replaced.
    """
    renew = f"renew the backend's certificate in {quote_path(path)}"
    for date in list_date_findings(chain, at, "server"):
        steps = (date.fix or renew, reload)
        yield date.stops, make_finding("server_cert", path, date.fact, *steps, cause=date.cause)
    for rule in rules:
        cause = _CAUSES.get(rule.kind, "server_chain_invalid")
        name = rule.subject or "a certificate without a subject"
        place = f" in place {(rule.position or 0) + 1}" if rule.position is not None else ""
        fact = f"holds {name}{place}, which {_state(rule)}: Go's clients refuse it"
        fix = _REISSUE.get(cause, f"have {name} issued again without that fault")
        yield True, make_finding("server_cert", path, fact, fix, reload, cause=cause)


def _state(rule: PathFault) -> str:
    if rule.kind == "name_mismatch":
        return "has no subjectAltName that names a host, so no name that a client connects to fits"
    return describe_fault(rule)


def describe_restart(files: ReceiverFiles) -> str:
    """Return the step that makes a receiver read its certificate again."""
    if files.reload_interval is not None:
        return f"receiver {files.name} reads it again by itself, within its reload_interval"
    return f"restart the Collector of receiver {files.name}, so that it reads the file again"


def describe_client_ca_restart(files: ReceiverFiles) -> str:
    """Return the step that makes a receiver read its CAs for clients again."""
    if files.client_ca_file_reload:
        return f"receiver {files.name} reads it again by itself (client_ca_file_reload is true)"
    return (
        f"restart the Collector of receiver {files.name}: without client_ca_file_reload: true it "
        "reads the file at its start only"
    )


def make_finding(
    role: ServerRole, path: str, fact: str, *fix: str, cause: str, kind: str = ""
) -> Finding:
    """Return what is true of a backend's file: its path, then `fact`."""
    return Finding(
        cause=cause,
        role=role,
        path=path,
        fact=safe_text(f"{path} {fact}", _LONGEST),
        fix=tuple(safe_text(step[:1].upper() + step[1:], 1024) for step in fix),
        kind=kind,
    )


def _judge_missing_issuer(files: ReceiverFiles) -> Iterator[Finding]:
    """Yield that the file lacks an intermediate: a client that has the root alone needs it."""
    if not files.chain or not files.issuers:
        return
    first = files.issuers[0]
    if first.certificate.self_signed:
        return
    name = name_certificate(first.certificate)
    yield make_finding(
        "server_cert",
        files.cert_file,
        f"lacks the intermediate {name} that issued {name_certificate(files.chain[-1])}; it is in "
        f"{first.path}. Clients that have only the root refuse the certificate",
        f"append the certificate of {name} to {quote_path(files.cert_file)}, behind the others",
        describe_restart(files),
        cause="server_chain_incomplete",
    )


def _judge_names(files: ReceiverFiles) -> Iterator[Finding]:
    """Yield that no client of another host can use the names in the certificate."""
    if not files.chain:
        return
    host = split_host_port(files.listens)[0].lower()
    names = [san.partition(":")[2].lower() for san in files.chain[0].sans]
    if not names:
        return
    local = host in _LOOPBACK_NAMES or host.startswith("127.")
    if not local and all(name in _LOOPBACK_NAMES or name.startswith("127.") for name in names):
        yield make_finding(
            "server_cert",
            files.cert_file,
            f"has no SAN but {', '.join(names[:_NAMED])}, while receiver {files.name} listens on "
            f"{files.listens}: a client on another host connects by another name, and refuses it",
            _REISSUE["server_name_mismatch"],
            describe_restart(files),
            cause="server_name_mismatch",
        )


def _report_not_asked(files: ReceiverFiles) -> Finding:
    fact = (
        f"{files.where}: receiver {files.name} has no client_ca_file, so it asks no client for a "
        f"certificate, and takes telemetry from anyone who reaches {files.listens}"
    )
    if files.misplaced_ca:
        key = "ca_pem" if files.misplaced_ca.endswith("ca_pem") else "ca_file"
        fact += (
            f"; {files.misplaced_ca} does not change that: {key} is what clients verify a server by"
        )
        change = (
            f"In {files.settings_file}, write client_ca_file in the place of {key} in the tls "
            f"settings of receiver {files.name}"
        )
        if key == "ca_pem":
            change += ", with the path of a file that holds that text"
    else:
        change = (
            f"In {files.settings_file}, set client_ca_file in the tls settings of receiver "
            f"{files.name} to a file with the CAs of its clients"
        )
    return Finding(
        cause=NOT_REQUESTED,
        role="receiver",
        path=files.settings_file,
        fact=safe_text(fact, _LONGEST),
        fix=(
            safe_text(f"{change}, and restart the Collector.", 1024),
            "If the receiver is meant to be open to every client, nothing is to be done.",
        ),
    )


def _judge_client_cas(files: ReceiverFiles, at: float) -> Iterator[tuple[bool, Finding]]:
    """Yield what of client_ca_file brings no client in, or too many."""
    path, reload = files.client_ca_file, describe_client_ca_restart(files)
    held = files.client_cas
    useless = {rule.sha256 for rule in files.client_ca_rules}
    wrong = [one for one in held if one.sha256 in useless]
    expired = [one for one in held if is_expired(one, at)]
    early = [one for one in held if is_not_yet_valid(one, at, CLOCK_TOLERANCE)]
    # Of an end entity's certificate exactly the client that presents it is accepted, if it is one's.
    pinned = {
        one.sha256 for one in wrong if not one.is_ca and not describe_usage_fault(one, "clientAuth")
    }
    out = {one.sha256 for one in (*wrong, *expired, *early)} - pinned
    out |= {one.sha256 for one in (*expired, *early)}
    nobody = bool(held) and all(one.sha256 in out for one in held)
    rest = "" if nobody else "; what rests on the others is not affected"

    def report(fact: str, *fix: str, stops: bool, cause: str = UNTRUSTED) -> tuple[bool, Finding]:
        return stops, make_finding("client_ca", path, fact, *fix, reload, cause=cause)

    put = f"put the current certificate of the clients' CA into {quote_path(path)}"
    if expired:
        dated = [f"{_name(one)} ({format_time(one.not_after)[:10]})" for one in expired]
        fact = f"holds what has expired: {_list(dated)}; clients of it are refused{rest}"
        yield report(fact, put, stops=nobody)
    if early:
        dated = [f"{_name(one)} ({format_time(one.not_before)[:10]})" for one in early]
        fact = f"holds what is not valid yet: {_list(dated)}; clients of it are refused{rest}"
        yield report(fact, put, stops=nobody)
    if soon := [one for one in held if expires_soon(one, at)]:
        dated = [f"{_name(one)} ({format_time(one.not_after)[:10]})" for one in soon]
        fact = f"holds what expires soon: {_list(dated)}; clients of it are refused from then on"
        yield report(fact, put, stops=False)
    ends = [one for one in wrong if not one.is_ca]
    if ends:
        fact = (
            f"holds {_list([_name(one) for one in ends])}, an end entity's certificate and not a "
            f"CA's: it brings nobody in but a client that presents exactly it{rest}"
        )
        issuers = _list(list(dict.fromkeys(one.issuer.text for one in ends)))
        fix = f"put the certificate of the CA that issues the clients' certificates there ({issuers} issued that one)"
        yield report(fact, fix, stops=nobody)
    for rule in files.client_ca_rules:
        one = next((each for each in wrong if each.sha256 == rule.sha256), None)
        if one is None or not one.is_ca:
            continue
        if rule.kind == "wrong_usage_above":
            what = f"a CA for {rule.value} alone by its extendedKeyUsage"
        else:
            what = f"a CA that may issue nothing: {rule.value}"
        fact = f"holds {_name(one)}, {what}; clients of it are refused{rest}"
        yield report(fact, "put the CA that issues the clients' certificates there", stops=nobody)
    if files.public_cas or files.system_roots:
        yield False, _report_too_broad(files)


def _report_too_broad(files: ReceiverFiles) -> Finding:
    if files.system_roots:
        fact = (
            f"{files.where}: include_system_ca_certs_pool is true, so receiver {files.name} trusts "
            f"the client certificates of every CA of the system besides those of "
            f"{files.client_ca_file}"
        )
        fix = f"Remove include_system_ca_certs_pool from the tls settings of receiver {files.name}."
        return Finding(
            cause=TOO_BROAD,
            role="receiver",
            path=files.settings_file,
            fact=safe_text(fact, _LONGEST),
            fix=(fix, "Then restart the Collector."),
        )
    count, total = files.public_cas, files.client_ca_count
    what = "a CA" if count == 1 else f"{count} CAs"
    return make_finding(
        "client_ca",
        files.client_ca_file,
        f"holds {what} of the {total} that the system trusts for servers of the whole Internet: "
        "whoever has a certificate of one of them is accepted"
        if total > count
        else f"holds {what}, all of them trusted by the system for servers of the whole Internet: "
        "whoever has a certificate of one of them is accepted",
        "use the certificate of a CA of your own, which issues to your clients alone",
        describe_client_ca_restart(files),
        cause=TOO_BROAD,
    )


def _name(one: CertificateFacts) -> str:
    return safe_text(name_certificate(one), 60)


def _list(texts: Sequence[str]) -> str:
    more = len(texts) - _NAMED
    return "; ".join(texts[:_NAMED]) + (f"; and {more} more" if more > 0 else "")
