"""The steps of a fix in the words of one target: its files, its settings, what reads them when.

Pure. A cause writes its steps with the placeholders below; `fill_steps` puts in what this target
has, each as a word of a shell. A file that is not set is never named: a step that only types a
command on it is left out.

Sources of the behaviour: configtls of the Collector (`reload_interval` is of the pair, the CA is
read once); the OTLP exporter specification (variables); Go, Java and Python SDKs read their files
and variables once, at their start.
"""

import re
from typing import Final, Literal

from probe.model.certificate import ServedFile
from probe.model.evidence import Ending, Evidence, TargetFacts
from probe.model.target import GENERAL_VARIABLES, name_variables
from probe.text.description import is_description
from probe.text.host_port import split_host_port
from probe.text.safe_text import quote_authority, quote_path, quote_word
from probe.text.time_format import format_duration
from probe.x509.names import is_ip_address

Fix = tuple[str, ...]
"""Steps in the order in which they are done."""

SettingsKind = Literal["sdk", "collector", "unknown"]
"""Whose settings they are: an SDK's variables or file, a Collector's, or not known."""

ANY_TARGET: Final = TargetFacts(name="", endpoint="", host="", port=0, protocol="")
"""A target of which nothing is known."""

ANY_EVIDENCE: Final = Evidence(
    target=ANY_TARGET, at=0.0, ending=Ending(stage="load", kind="credentials")
)
"""An attempt of which nothing is known: steps for it are those of the cause's page."""

PUT_PAIR: Final = (
    "Put it, followed by its intermediates, in {into_cert}, and its key in {into_key}."
)
"""The step after the one that issues a certificate for the exporter."""

RELOAD_THE_BACKEND: Final = (
    "Restart the backend, or make it read its files again: nginx and HAProxy by a reload, a "
    "Collector by itself only where reload_interval is set in the receiver's tls settings."
)
"""After a change of the backend's own certificate."""

RELOAD_CLIENT_CA: Final = (
    "Restart the backend, or make it read the file again: nginx and HAProxy by a reload, a "
    "Collector by itself only with client_ca_file_reload: true."
)
"""After a change of the CAs that the backend trusts."""

CLIENT_CA_FILE: Final = (
    "the file of client CAs (client_ca_file in a Collector's tls settings, ssl_client_certificate in "
    "nginx, ca-file in HAProxy)"
)
_PUT_SERVED: Final = (
    "put it, followed by its intermediates, in place of the present one, and its key in place of the "
    "present key"
)

PLACEHOLDERS: Final = (
    "cert_file", "key_file", "ca_file", "into_cert", "into_key", "into_ca", "cert_setting",
    "key_setting", "ca_setting", "endpoint_setting", "headers_setting", "protocol_setting",
    "protocol_variable",
    "tls_settings", "reread_cert", "reread_ca", "restart", "reload_backend", "reload_client_ca",
    "client_ca_file", "server_cert_file", "put_served", "pair_setting",
    "endpoint", "host", "port", "reference", "signal", "proxy_host", "proxy_port",
)  # fmt: skip
_PLACEHOLDER: Final = re.compile(rf"\{{\{{|\{{host\}}:\{{port\}}|\{{({'|'.join(PLACEHOLDERS)})\}}")
_FILE: Final = re.compile(r"\{(cert_file|key_file|ca_file)\}")
_COMMAND: Final = re.compile(r"\b(openssl|ls -|cat |chmod|chgrp|base64)")
_INLINE: Final = frozenset({"cert_pem", "key_pem", "ca_pem"})
"""What replaces a path where the settings hold the PEM text itself."""


def get_settings_kind(target: TargetFacts) -> SettingsKind:
    """Return whose settings the target was read from."""
    if "sdk" in target.source_kinds:
        return "sdk"
    return "collector" if "collector" in target.source_kinds else "unknown"


def uses_variables(target: TargetFacts) -> bool:
    """Whether the settings are variables of an SDK's environment, not a file."""
    return get_settings_kind(target) == "sdk" and not target.settings_file


def name_setting(target: TargetFacts, *keys: str) -> str:
    """Return what the reader sets: variables, or keys of one place and the file that has it."""
    named, general = (
        " and ".join(keys),
        [GENERAL_VARIABLES[k] for k in keys if k in GENERAL_VARIABLES],
    )
    written = [key for key, _ in target.signal_variables]
    if (uses_variables(target) and len(general) == len(keys)) or (
        target.settings_file and all(key in written for key in keys)
    ):
        # A file of variables or properties has all of them by the names that it gives them.
        named = " and ".join(name_variables(key, target.signal_variables) for key in keys)
        return f"{named} in {quote_path(target.settings_file)}" if target.settings_file else named
    where = (
        "the exporter's settings"
        if keys[0] in {"endpoint", "headers", "protocol"}
        else _name_tls_settings(target)
    )
    if target.settings_file:
        return f"{named} of {where} in {quote_path(target.settings_file)}"
    if get_settings_kind(target) == "unknown" and len(general) == len(keys):
        return f"{named} of {where} (for an SDK {' and '.join(general)})"
    return f"{named} of {where}"


def describe_reread(target: TargetFacts, role: Literal["cert", "ca"]) -> str:
    """Return the step after which the exporter uses what a file holds now."""
    what = "the CA file" if role == "ca" else "certificate and key"
    match get_settings_kind(target):
        case "sdk":
            return f"Restart the application: its SDK reads {what} once, at its start."
        case "collector" if role == "ca":
            return "Restart the exporter's Collector: it reads ca_file once, at its start."
        case "collector" if "cert" in target.read_once:
            return (
                "Restart the exporter's Collector: without reload_interval in the exporter's tls "
                "settings it reads certificate and key once, at its start."
            )
        case "collector":
            return (
                "Wait for the exporter's reload_interval, after which its Collector reads "
                "certificate and key again, or restart it."
            )
    if role == "ca":
        return "Restart the exporter: SDKs and Collectors read ca_file once, at their start."
    return (
        "Restart the exporter: SDKs, and Collectors without reload_interval, read certificate "
        "and key once, at their start."
    )


def describe_restart(target: TargetFacts) -> str:
    """Return the step after which the exporter uses settings and files that were changed."""
    match get_settings_kind(target):
        case "sdk":
            return "Restart the application: its SDK reads settings and files once, at its start."
        case "collector":
            return (
                "Restart the exporter's Collector, so that it reads its configuration and its files "
                "again."
            )
    return "Restart the exporter, so that it reads its settings and its files again."


def fill_steps(
    fix: tuple[str, ...], target: TargetFacts, served: ServedFile | None = None
) -> tuple[str, ...]:
    """Put the target's own paths, names and settings into the steps of a fix.

    What is put in is never searched again: a path may look like a placeholder.

    Args:
        fix: the steps, with placeholders.
        target: whose steps they are.
        served: what is known of the backend's own settings.
    """
    own = _build_values(target) | _describe_backend(served)
    steps = [step for step in fix if not _needs_missing_file(step, target)] or list(fix)
    filled = (_PLACEHOLDER.sub(lambda found: own[found[1] or found[0]], step) for step in steps)
    return tuple(dict.fromkeys(filled))


def escape_braces(text: str) -> str:
    """Return text of the evidence as a step holds it: nothing in it is a placeholder."""
    return text.replace("{", "{{")


def _needs_missing_file(step: str, target: TargetFacts) -> bool:
    """Whether a step types a command on a file that this target does not have."""
    return _COMMAND.search(step) is not None and any(
        not _is_path(getattr(target, name)) for name in _FILE.findall(step)
    )


def _build_values(target: TargetFacts) -> dict[str, str]:
    values = {
        f"{key}_setting": name_setting(target, key) for key in ("endpoint", "headers", "protocol")
    }
    for short in ("cert", "key", "ca"):
        path, setting = getattr(target, f"{short}_file"), name_setting(target, f"{short}_file")
        values[f"{short}_setting"] = setting
        values[f"{short}_file"] = quote_path(path) if _is_path(path) else f"the file of {setting}"
        values[f"into_{short}"] = _name_destination(path, setting)
    proxy_host, proxy_port = split_host_port(target.proxy)
    return values | {
        "tls_settings": _name_tls_settings(target),
        "protocol_variable": name_variables("protocol", target.signal_variables),
        "reread_cert": describe_reread(target, "cert"),
        "reread_ca": describe_reread(target, "ca"),
        "restart": describe_restart(target),
        "pair_setting": name_setting(target, "cert_file", "key_file"),
        "{{": "{",
        "{host}:{port}": _name_connection(target),
        "endpoint": quote_word(target.endpoint) if target.endpoint else "",
        "host": quote_word(target.host),
        "port": str(target.port),
        "reference": quote_word(target.reference_identifier or target.host),
        "signal": target.signal,
        "proxy_host": quote_word(proxy_host),
        "proxy_port": proxy_port,
    }


def _name_connection(target: TargetFacts) -> str:
    """Return what `-connect` is given: the very address that was tried, where it stands for itself."""
    if not target.address or target.address == target.host:
        return quote_authority(target.host, target.port)
    to = quote_authority(target.address, target.port)
    name = target.reference_identifier
    # An address is never asked for (RFC 6066 §3), nor is a SPIFFE ID.
    if not name or is_ip_address(name) or "://" in name:
        return to
    return f"{to} -servername {quote_word(name)}"


def _name_destination(path: str, setting: str) -> str:
    """Return where something is written: the file that is set, or a new one and its setting."""
    if path in _INLINE:
        return f"{path} of the exporter's tls settings"
    return quote_path(path) if _is_path(path) else f"a file that {setting} names"


def _describe_backend(served: ServedFile | None) -> dict[str, str]:
    """Return the placeholders of the backend's own files and how it reads them again."""
    values = {
        "client_ca_file": CLIENT_CA_FILE,
        "server_cert_file": "the file with its own certificate",
        "put_served": _PUT_SERVED,
        "reload_backend": RELOAD_THE_BACKEND,
        "reload_client_ca": RELOAD_CLIENT_CA,
    }
    if served is None or not served.receiver:
        return values
    receiver = f"receiver {served.receiver}"
    where = (
        f"{receiver} in {quote_path(served.settings_file)}" if served.settings_file else receiver
    )
    cert, key = quote_path(served.path), quote_path(served.key_file)
    restart = f"Restart the Collector of {receiver}, so that it reads its files again."
    values["reload_backend"] = restart
    if served.reload_interval is not None:
        values["reload_backend"] = (
            f"Wait for reload_interval of {receiver}, {format_duration(served.reload_interval)}, after "
            "which its Collector reads certificate and key again, or restart it."
        )
    values["server_cert_file"] = f"{cert} (cert_file of {where})"
    if served.key_file:
        values["put_served"] = (
            f"put it, followed by its intermediates, in {cert}, and its key in {key} (cert_file and "
            f"key_file of {where})"
        )
    if served.client_ca_file:
        values["client_ca_file"] = (
            f"{quote_path(served.client_ca_file)} (client_ca_file of {where})"
        )
        values["reload_client_ca"] = restart
        if served.client_ca_file_reload:
            values["reload_client_ca"] = (
                f"Wait a moment: the Collector of {receiver} reads the file again by itself, for "
                "client_ca_file_reload is set."
            )
    return values


def _is_path(path: str) -> bool:
    """Whether a setting names a file, and holds no PEM text nor anything else in its place."""
    return bool(path) and path not in _INLINE and not is_description(path)


def _name_tls_settings(target: TargetFacts) -> str:
    return "the SDK's settings" if uses_variables(target) else "the exporter's tls settings"
