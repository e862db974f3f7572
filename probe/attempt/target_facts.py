"""The facts about a target that evidence may hold: no header value and no password."""

from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import urlsplit

import msgspec.structs

from probe.model.certificate import CredentialFacts
from probe.model.evidence import TargetFacts
from probe.model.finding import Finding
from probe.model.shared import share
from probe.model.surroundings import RunningProcess
from probe.model.target import SIGNALS, Endpoint, Target
from probe.text.description import PATH_MAX, describe_reference
from probe.text.safe_text import safe_text

LONGEST_REMARK: Final = 1024
"""Characters; the texts are our own, with a name or two from the settings in them."""
_MOST_SIGNAL_PATHS: Final = 3
"""Signal paths, such as /v1/traces, that are counted at the end of a request's path; one is right."""


def collect_target_facts(target: Target, clock_tolerance: float) -> TargetFacts:
    """Return the facts about `target`; what its owner wrote is safe to show in them."""
    settings, runs_in = target.tls, target.runs_in
    labels = tuple((safe_text(name), safe_text(value)) for name, value in target.labels)
    return TargetFacts(
        name=safe_text(target.name),
        endpoint=safe_text(str(target.endpoint)),
        host=safe_text(target.endpoint.host),
        port=target.endpoint.port,
        protocol=target.protocol,
        signal=target.signal,
        depth=target.depth,
        reference_identifier=safe_text(describe_reference(target.reference_identifier)),
        timeout=target.timeout,
        plaintext=target.plaintext,
        insecure_skip_verify=settings.insecure_skip_verify,
        client_certificate_configured=settings.has_client_certificate,
        cert_file=_describe_file(settings.cert_file, "cert_pem" if settings.cert_pem else ""),
        key_file=_describe_file(settings.key_file, "key_pem" if settings.key_pem else ""),
        ca_file=_describe_file(settings.ca_file, "ca_pem" if settings.ca_pem else ""),
        header_names=tuple(safe_text(name) for name, _ in target.headers),
        proxy=safe_text(str(next_hop(target))) if target.proxy_url is not None else "",
        exporter=target.exporter,
        source_kinds=share(tuple(dict.fromkeys(target.source_kinds()))),
        labels=target.labels if labels == target.labels else labels,
        expect_cause=target.expect_cause,
        expect_until=target.expect_until,
        expect_requested=target.expect_requested,
        clock_tolerance=clock_tolerance,
        remarks=_about_settings(target, (*target.remarks, *_find_ignored(target))),
        notes=tuple(safe_text(note, LONGEST_REMARK) for note in _notes(target)),
        read_once=_read_once(target),
        settings_file=_settings_file(target),
        signal_paths=_signal_paths(target),
        request_to_root=_path_without_query(target) == "/",
        path_ends_in_slash=_path_without_query(target).endswith("/"),
        signal_variables=target.signal_variables,
        address=target.replica,
        runs_in="" if runs_in is None else safe_text(runs_in.name),
        started=runs_in.started if isinstance(runs_in, RunningProcess) else 0.0,
    )


def _find_ignored(target: Target) -> Iterator[Finding]:
    """Yield that `addresses: each` has no effect, where a proxy looks the name up."""
    if target.addresses == "each" and target.proxy_url is not None:
        yield Finding(
            cause="exporter_setting_ignored",
            fact="addresses: each has no effect: the proxy looks the name up, and connects to one "
            "of its addresses",
            fix=(
                "Set addresses: first; to probe each address, run the probe where it needs no proxy.",
            ),
        )


def _path_without_query(target: Target) -> str:
    """Return the path that is set for OTLP/HTTP; empty where it is not, or for gRPC."""
    return "" if target.protocol == "grpc" else target.endpoint.path.partition("?")[0]


def _signal_paths(target: Target) -> tuple[str, ...]:
    """Return the signals whose own paths the request's ends in; the rest of it may hold a token."""
    parts = [part for part in _path_without_query(target).split("/") if part]
    found: list[str] = []
    while len(found) < _MOST_SIGNAL_PATHS and parts[-2:-1] == ["v1"] and parts[-1] in SIGNALS:
        found.insert(0, parts[-1])
        del parts[-2:]
    return tuple(found)


def _settings_file(target: Target) -> str:
    """Return the exporter's own file that has the settings: a Collector's, or an SDK's."""
    files = (
        source.where
        for source in target.sources
        if source.kind in {"collector", "sdk"} and source.where != "environment"
    )
    return safe_text(next(files, ""), PATH_MAX)


def _describe_file(path: str | None, inline: str) -> str:
    """Return the whole path, as a command needs it, or the key of what is given inline."""
    return safe_text(path or inline, PATH_MAX)


def add_setting_faults(facts: CredentialFacts, target: Target) -> CredentialFacts:
    """Return `facts`, led by the faults in the settings of `target` that no exporter can work with."""
    faults = _about_settings(target, target.faults)
    return msgspec.structs.replace(facts, faults=faults + facts.faults)


def _about_settings(target: Target, remarks: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            cause=remark.cause,
            role="setting",
            path=safe_text(target.sources[0].where),
            fact=safe_text(remark.fact, LONGEST_REMARK),
            fix=tuple(safe_text(step, LONGEST_REMARK) for step in remark.fix),
        )
        for remark in remarks
    )


def _notes(target: Target) -> Iterator[str]:
    """Yield the target's notes, and which sources name it where several do."""
    yield from target.notes
    if len(named := dict.fromkeys(target.sources)) > 1:
        sources = "; ".join(str(source) for source in named)
        yield f"several sources name this target: {sources}"


def _read_once(target: Target) -> tuple[str, ...]:
    """Return the files that the exporter behind `target` reads only at its start.

    An SDK reads all of them once; so does a Collector without `reload_interval`, and with it the
    CA still (configtls: the reloader is of the pair). Whose files the probe's own configuration
    names is not known.
    """
    kinds = tuple(target.source_kinds())
    if "sdk" in kinds or ("collector" in kinds and target.tls.reload_interval is None):
        return ("cert", "ca")
    return ("ca",) if "collector" in kinds else ()


def next_hop(target: Target) -> Endpoint:
    """Return where the socket goes: the endpoint, or the target's proxy."""
    if target.proxy_url is None:
        return target.endpoint
    parts = urlsplit(target.proxy_url.reveal())
    return Endpoint(host=parts.hostname or "", port=parts.port or 80)
