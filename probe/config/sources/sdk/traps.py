"""What an SDK's variables do not do though they read so: each trap is a `Finding`.

Pure. The probe follows the specification; where one runtime does something else, the fact names it.
What Go and Python do was seen on the wire and in the sources of opentelemetry-go 1.45 and
opentelemetry-python 1.45; what Java does, in the sources of opentelemetry-java. No value of a
variable is shown but a timeout's and a compression's, and that only where it is not a secret.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from probe.config.source_content import report_ignored
from probe.config.sources.sdk.variables import (
    TLS_NAMES,
    exporter_variable,
    exports_otlp,
    find_setting,
    get_value,
    pair_kind,
    sdk_disabled,
    variable_name,
)
from probe.model.finding import Finding
from probe.model.target import Endpoint, Protocol, Signal
from probe.text.description import describe_value
from probe.text.safe_text import safe_text

_REQUESTS_BUNDLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_GO_DEFAULT: Final = "10 s"
_SHOWN: Final = 32
_COMPRESSIONS: Final = ("gzip", "none")
_PYTHON_COMPRESSIONS: Final = {"grpc": ("gzip",), "http/protobuf": ("gzip", "none", "deflate")}
"""By protocol, the compressions that Python's exporters take, in any case of letters."""


def find_traps(
    environ: Mapping[str, str],
    signals: Sequence[Signal],
    protocol: Protocol,
    endpoint: Endpoint,
    *,
    runtime_known: bool = False,
) -> tuple[Finding, ...]:
    """Return the traps in the variables that decide for the exporters of `signals`, each once.

    Where the runtime is known, what another one makes of a variable does not count.
    """
    found = [*_check_disabled(environ)]
    for signal in signals:
        found += _check_exporter(environ, signal)
        if runtime_known:
            found += _check_scheme(environ, signal, protocol, endpoint)
            continue
        found += _check_timeout(environ, signal, protocol)
        found += _check_compression(environ, signal, protocol)
        found += _check_scheme(environ, signal, protocol, endpoint)
        found += _check_pair(environ, signal, protocol)
        python = _check_python_grpc if protocol == "grpc" else _check_python_http
        found += python(environ, signal)
    return tuple(dict.fromkeys(found))


def report_plaintext_files(
    protocol: Protocol, setting_name: str, *, go_takes_them: bool
) -> Finding:
    """Return what becomes of certificate files with an http:// endpoint.

    Args:
        protocol: The exporter's.
        setting_name: The setting that names a file.
        go_takes_them: Whether it is a CA or a whole pair; Go passes over half a pair.
    """
    fact = f"{setting_name} has no effect with an http:// endpoint: telemetry goes in plaintext"
    if go_takes_them and protocol == "grpc":
        fact += "; but Go's gRPC exporters use TLS nevertheless"
    elif go_takes_them:
        fact += '; Go\'s HTTP exporters do not start ("insecure HTTP endpoint cannot use TLS ..")'
    return report_ignored(fact, "Write https:// in the endpoint.")


def _check_disabled(environ: Mapping[str, str]) -> Iterator[Finding]:
    if sdk_disabled(environ):
        fact = "OTEL_SDK_DISABLED is true: an SDK that reads it exports nothing, to any endpoint"
        yield report_ignored(fact, "Remove OTEL_SDK_DISABLED where telemetry is wanted.")


def _check_exporter(environ: Mapping[str, str], signal: Signal) -> Iterator[Finding]:
    if not exports_otlp(environ, signal):
        name = exporter_variable(signal)
        fact = (
            f"{name} has no OTLP exporter: an SDK that reads it sends no {signal} to this "
            "endpoint, which is set nevertheless"
        )
        yield report_ignored(fact, f"Set {name}=otlp where {signal} are wanted here.")


def _check_timeout(
    environ: Mapping[str, str], signal: Signal, protocol: Protocol
) -> Iterator[Finding]:
    name, text = find_setting(environ, signal, "TIMEOUT")
    if not text:
        return
    shown = f"{name}={safe_text(describe_value(text), 64)}"
    if text.isascii() and text.isdecimal() and len(text) <= _SHOWN:
        fact = (
            f"{shown} is {int(text) / 1000:g} s by the specification and in Go (milliseconds), "
            f"{int(text)} s in Python (seconds)"
        )
    else:
        try:
            python = f"takes it as {float(text):g} s"
        except ValueError:
            python = "does not start" if protocol == "grpc" else f"uses {_GO_DEFAULT}"
        fact = (
            f"{shown} is not a whole number of milliseconds: Go uses {_GO_DEFAULT}, Python {python}"
        )
    fix = f"Choose the value of {name} for the SDK that reads it: milliseconds, for Python seconds."
    yield report_ignored(fact, fix)


def _check_compression(
    environ: Mapping[str, str], signal: Signal, protocol: Protocol
) -> Iterator[Finding]:
    """Judge a compression that is not the same to every SDK.

    Go's `WithEnvCompression`, Java's `CompressorUtil.validateAndResolveCompressor`, Python's
    `environ_to_compression` (gRPC, which does not know `none`) and `Compression` (HTTP).
    """
    name, text = find_setting(environ, signal, "COMPRESSION")
    if not text:
        return
    taken = text.lower() in _PYTHON_COMPRESSIONS[protocol]
    shown = f"{name}={safe_text(describe_value(text), _SHOWN)}"
    if text not in _COMPRESSIONS:
        if taken:
            python = "takes it"
        elif protocol == "grpc":
            python = "does not start"
        else:
            python = "sends uncompressed or does not start, by its version"
        kind = "gRPC" if protocol == "grpc" else "HTTP"
        fact = (
            f"{shown} is neither gzip nor none: Go sends uncompressed, Java does not start without "
            f"its compressor, Python's {kind} exporter {python}"
        )
        yield report_ignored(fact, f"Set {name} to gzip or none.")
    elif not taken:
        fact = f"{shown}: Python's gRPC exporter does not start with it, it knows gzip alone"
        yield report_ignored(fact, f"For Python, remove {name}: without it nothing is compressed.")


def _check_scheme(
    environ: Mapping[str, str], signal: Signal, protocol: Protocol, endpoint: Endpoint
) -> Iterator[Finding]:
    """Judge what the endpoint's scheme, or its lack, makes of INSECURE and of the files."""
    where, text = find_setting(environ, signal, "ENDPOINT")
    if "://" not in text:
        fact = (
            f"{where} has no scheme: Go's exporters ignore it and connect to localhost or nowhere"
        )
        yield report_ignored(fact, "Write it with https://, which every SDK understands.")
        return
    files = [found for name in TLS_NAMES if (found := find_setting(environ, signal, name))[1]]
    taken = _go_uses_files(environ, signal)
    if endpoint.scheme == "http" and files:
        yield report_plaintext_files(protocol, files[0][0], go_takes_them=taken)
    name, insecure = find_setting(environ, signal, "INSECURE")
    wanted_clear = insecure.lower() == "true"
    if not insecure or wanted_clear == (endpoint.scheme == "http"):
        return
    if wanted_clear:
        fact = f"{name} has no effect with an https:// endpoint: TLS stays on"
        others = _go_without_tls(signal, protocol, taken=taken)
    else:
        fact = f"{name} has no effect with an http:// endpoint: telemetry goes in plaintext"
        others = _others_with_tls(signal, protocol)
    fix = f"Remove {name}; the endpoint's scheme says whether TLS is used."
    yield report_ignored(f"{fact}; but {others}" if others else fact, fix)


def _go_uses_files(environ: Mapping[str, str], signal: Signal) -> bool:
    """Return whether Go's exporters make a TLS configuration: of a CA or of one kind's pair."""
    if find_setting(environ, signal, "CERTIFICATE")[1]:
        return True
    return any(
        get_value(environ, "CLIENT_CERTIFICATE", kind) and get_value(environ, "CLIENT_KEY", kind)
        for kind in (signal, None)
    )


def _go_without_tls(signal: Signal, protocol: Protocol, *, taken: bool) -> str:
    if signal == "logs" or (taken and protocol == "grpc"):
        return ""
    go = f"Go's {signal} exporter"
    return f"{go} does not start with it" if taken else f"{go} then sends in plaintext"


def _others_with_tls(signal: Signal, protocol: Protocol) -> str:
    names = [] if signal == "logs" else [f"Go's {signal} exporter"]
    if protocol == "grpc":
        names.append("Python's gRPC exporter")
    return f"{' and '.join(names)} then use{'s' * (len(names) == 1)} TLS" if names else ""


def _check_pair(
    environ: Mapping[str, str], signal: Signal, protocol: Protocol
) -> Iterator[Finding]:
    """Judge a certificate without its key, or the reverse, in the variables of one kind."""
    kind = pair_kind(environ, signal)
    set_names = [name for name in TLS_NAMES[1:] if get_value(environ, name, kind)]
    if len(set_names) != 1:
        return
    present = set_names[0]
    (missing,) = set(TLS_NAMES[1:]) - {present}
    fact = f"{variable_name(present, kind)} is set without {variable_name(missing, kind)}: Go passes over it"
    if kind and get_value(environ, missing) and protocol == "http/protobuf":
        fact += f", Python's HTTP exporter joins it with {variable_name(missing)}"
    fix = f"Set {variable_name(missing, kind)}: a certificate and its key come from one kind of variable."
    yield report_ignored(fact, fix)


def _check_python_grpc(environ: Mapping[str, str], signal: Signal) -> Iterator[Finding]:
    """Python's gRPC exporter reads the three files from the kind whose CA variable is set."""
    kind = pair_kind(environ, signal)
    pair = [name for name in TLS_NAMES[1:] if get_value(environ, name, kind)]
    own = bool(get_value(environ, "CERTIFICATE", signal))
    if not pair or (own if kind else not own and get_value(environ, "CERTIFICATE")):
        return
    name = variable_name(pair[0], kind)
    ca = variable_name("CERTIFICATE", kind)
    if kind or not own:
        fact = f"Python's gRPC exporter ignores {name}: it reads it only where {ca} is set too"
        fix = f"For Python, set {ca} to the file of the CA."
    else:
        fact = (
            f"Python's gRPC exporter ignores {name}: {variable_name('CERTIFICATE', signal)} is set, and "
            "it does not mix the variables of a signal with the generic ones"
        )
        fix = f"For Python, set {variable_name(pair[0], signal)} too, and its other half."
    yield report_ignored(fact, fix)


def _check_python_http(environ: Mapping[str, str], signal: Signal) -> Iterator[Finding]:
    """Python's HTTP exporter posts through `requests`, whose own variables come first."""
    name, file = find_setting(environ, signal, "CERTIFICATE")
    bundles = [bundle for bundle in _REQUESTS_BUNDLES if environ.get(bundle)]
    if file and bundles and file != environ[bundles[0]]:
        fact = f"Python's HTTP exporter ignores {name}: {bundles[0]} is set, and comes before it"
        fix = f"For Python, unset {bundles[0]}, or put the backend's CA into its file."
        yield report_ignored(fact, fix)
