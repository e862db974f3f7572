"""Where a runtime does otherwise than the specification says with the variables that are set.

Pure. Of a running process it is known which runtime reads the variables, so that what it does is
what counts: each rule was seen in the sources and on the wire of that exporter. `sdk/traps.py` has
the same for exporters of which nobody knows the runtime, as findings.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from probe.config.errors import ConfigurationError
from probe.config.source_content import add_faults
from probe.config.sources.process.java_rules import use_java_files
from probe.config.sources.sdk.variables import (
    find_setting,
    get_value,
    variable_name,
)
from probe.model.runtime import (
    GO,
    JAVA,
    NODE,
    PYTHON_GRPC,
    PYTHON_HTTP,
)
from probe.model.target import Target
from probe.text.description import describe_path
from probe.text.safe_text import safe_text

_BUNDLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_GRPC_ROOTS: Final = "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"
_NODE_ROOTS: Final = "NODE_EXTRA_CA_CERTS"

Rule = Callable[[Target, Mapping[str, str]], Target]


def apply_runtime_rules(target: Target, environ: Mapping[str, str], roots: str = "") -> Target:
    """Return `target` as the exporter of its runtime makes it of `environ`.

    Args:
        target: As the specification has it.
        environ: The variables that its SDK works by.
        roots: The file of the roots that its packages bring, which count where no CA is set.
    """
    rule = _RULES.get(target.exporter)
    if rule is not None and not target.faults:
        target = rule(target, environ)
    if not roots or target.tls.ca_file or target.plaintext:
        return target
    note = f"no CA is set: its packages bring the roots, {safe_text(describe_path(roots))}"
    tls = replace(target.tls, ca_file=roots)
    return replace(target, tls=tls, notes=(*target.notes, note))


def _apply_python_grpc(target: Target, environ: Mapping[str, str]) -> Target:
    """Take the three files of the kind whose CA variable is set, and none without one.

    opentelemetry-python 1.45, exporter.py `_get_credentials`: without a CA the channel gets gRPC's
    own roots and no certificate. The signal's kind counts where its CA variable is set, if only to
    nothing, unless its INSECURE is true, which https:// leaves without any other effect.
    """
    target = _use_python_scheme(target, environ)
    if target.plaintext:
        return target
    own = variable_name("CERTIFICATE", target.signal)
    insecure = environ.get(variable_name("INSECURE", target.signal), "").lower() == "true"
    signal = target.signal if own in environ and not insecure else None
    ca, certificate, key = (
        get_value(environ, name, signal)
        for name in ("CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY")
    )
    if ca:
        tls = replace(target.tls, ca_file=ca, cert_file=certificate or None, key_file=key or None)
        return replace(target, tls=tls)
    roots = environ.get(_GRPC_ROOTS, "")
    tls = replace(target.tls, ca_file=roots or None, cert_file=None, key_file=None)
    notes = [f"{_GRPC_ROOTS} names its roots"] if roots else []
    if target.tls.has_client_certificate:
        notes.append(
            f"neither {variable_name('CERTIFICATE')} nor that of its signal is set: Python's gRPC "
            "exporter then reads none of the variables of certificate and key, and sends none"
        )
    return replace(target, tls=tls, notes=(*target.notes, *notes))


def _use_python_scheme(target: Target, environ: Mapping[str, str]) -> Target:
    """With http://, INSECURE that is set and not true turns TLS on, also one that is empty."""
    names = (variable_name("INSECURE", target.signal), variable_name("INSECURE"))
    name = next((name for name in names if name in environ), "")
    if target.endpoint.scheme != "http" or not name or environ[name].lower() == "true":
        return target
    return replace(
        target,
        endpoint=replace(target.endpoint, scheme="https"),
        tls=replace(target.tls, insecure=False),
        notes=(
            *target.notes,
            f"Python's gRPC exporter uses TLS with http://, for {name} is set, and is not true",
        ),
    )


def _apply_python_http(target: Target, environ: Mapping[str, str]) -> Target:
    """Take the CAs of `requests` first, and each half of the pair from either kind of variable.

    opentelemetry-python 1.45, `_build_transport`; requests, `merge_environment_settings`. A
    certificate without a key is a file with both.
    """
    if target.plaintext:
        return target
    bundle = next((name for name in _BUNDLES if environ.get(name)), "")
    ca = environ[bundle] if bundle else find_setting(environ, target.signal, "CERTIFICATE")[1]
    certificate = find_setting(environ, target.signal, "CLIENT_CERTIFICATE")[1]
    key = find_setting(environ, target.signal, "CLIENT_KEY")[1] if certificate else ""
    tls = replace(
        target.tls,
        ca_file=ca or None,
        cert_file=certificate or None,
        key_file=key or certificate or None,
    )
    notes = []
    if bundle:
        where, file = find_setting(environ, target.signal, "CERTIFICATE")
        instead = f", and not {where}" if file else ""
        notes.append(f"{bundle} is set: Python's HTTP exporter takes its file for the CAs{instead}")
    return replace(target, tls=tls, notes=(*target.notes, *notes))


def _apply_node(target: Target, environ: Mapping[str, str]) -> Target:
    """NODE_EXTRA_CA_CERTS adds to Node's roots, where no CA is set (tls.createSecureContext)."""
    file = environ.get(_NODE_ROOTS, "")
    if not file or target.tls.ca_file or target.plaintext:
        return target
    tls = replace(target.tls, ca_file=file, include_system_ca_certs_pool=True)
    return replace(target, tls=tls, notes=(*target.notes, f"{_NODE_ROOTS} adds to its roots"))


def _apply_go(target: Target, environ: Mapping[str, str]) -> Target:
    """An endpoint without a scheme has no host to Go's url.Parse: it connects to localhost or nowhere."""
    where, text = find_setting(environ, target.signal, "ENDPOINT")
    if not text or "://" in text:
        return target
    reason = "has no scheme: Go's exporters take no host from it; write it with https://"
    return add_faults(target, [ConfigurationError(reason, file="environment", key=where)])


def reads_root_variables(exporter: str) -> bool:
    """Return whether an exporter finds its roots by SSL_CERT_FILE and SSL_CERT_DIR.

    Go, .NET and rustls-native-certs do; Java and Node have roots of their own, Python's HTTP
    exporter those of certifi, its gRPC exporter those of grpcio.
    """
    return not exporter.startswith(("java", "node", "python"))


_RULES: Final[Mapping[str, Rule]] = {
    **{runtime.id: use_java_files for runtime in JAVA},
    PYTHON_GRPC.id: _apply_python_grpc,
    PYTHON_HTTP.id: _apply_python_http,
    **{runtime.id: _apply_node for runtime in NODE},
    **{runtime.id: _apply_go for runtime in GO},
}
