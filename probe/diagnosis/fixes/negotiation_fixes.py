"""What to change where two sides find no common ground: on the side whose settings are narrow.

The exporter's own restriction is removed there; where it offers all that its TLS library has, it
is the backend that must allow more. Pure.
"""

from typing import Final

from probe.diagnosis.fixes.steps import Fix, get_settings_kind, name_setting, uses_variables
from probe.diagnosis.readings.shared_suites import get_key_kind
from probe.model.diagnosis import Party
from probe.model.evidence import Offer, TargetFacts
from probe.model.runtime import COLLECTOR, GO
from probe.model.tls_names import INSECURE_SUITES, OPENSSL_NAMES, is_tls13_suite

KEY_AGAINST_SUITES: Final = (
    "the backend's own log at the time of the attempt; or the kind of key of its certificate, next "
    "to the cipher suites and signature algorithms that it allows"
)
"""What decides where every offer of the exporter's was refused."""

ALL_WAS_OFFERED: Final[Fix] = (
    "On the backend of {endpoint}, compare the kind of key of its certificate with the cipher suites "
    "that it allows (cipher_suites in a Collector's tls settings, ssl_ciphers in nginx, ciphers in "
    "HAProxy): an RSA key needs ECDHE-RSA suites, an EC or Ed25519 key ECDHE-ECDSA ones.",
    "Allow suites of that kind there, or TLS 1.3, whose suites fit every key; then restart or "
    "reload the backend.",
    "If they fit, read the backend's log at the time of the attempt: nothing that the exporter "
    "offers is the reason.",
)
"""With handshake_failure whatever is offered, the backend's own settings do not fit each other."""

KEY_OF_A_COMMON_KIND: Final[Fix] = (
    "Issue a new certificate for the backend at {endpoint}, with an EC P-256 or RSA-2048 key, and "
    "{put_served}; or allow there signature algorithms of the kind of key that it has.",
    "{reload_backend}",
    "If they fit, read the backend's log at the time of the attempt: nothing that the exporter "
    "offers is the reason.",
)
"""The same for a backend of TLS 1.3 only, whose suites fit every key."""

COMMON_CURVE_FOR_THE_BACKEND: Final[Fix] = (
    "Issue a new certificate for the backend at {endpoint}, for {reference} and with an EC P-256 or "
    "RSA-2048 key, and {put_served}.",
    "{reload_backend}",
)

SEE_VERSIONS: Final = (
    "To see what the backend takes: openssl s_client -connect {host}:{port} -tls1_2 </dev/null; "
    "openssl s_client -connect {host}:{port} -tls1_3 </dev/null"
)

_SETTINGS_BY_GROUP: Final = {
    "x25519": "X25519", "secp256r1": "P256", "prime256v1": "P256", "p-256": "P256", "p256": "P256",
    "secp384r1": "P384", "p-384": "P384", "p384": "P384", "secp521r1": "P521", "p-521": "P521",
    "p521": "P521", "x25519mlkem768": "X25519MLKEM768",
}  # fmt: skip
"""By IANA's and OpenSSL's names in lower case, those of `curve_preferences` (configtls)."""
_COMMON_VERSIONS: Final = frozenset({"1.2", "1.3"})


def is_narrowed(offer: Offer, setting: str) -> bool:
    """Return whether the target's own `setting` leaves less than the exporter's default."""
    if offer.signature_schemes:
        return setting in offer.narrowed_by
    # Evidence of earlier releases lists only what a setting names.
    return bool(offer.ciphers if setting == "cipher_suites" else offer.groups)


def is_offered(group: str, offer: Offer) -> bool:
    """Return whether the exporter offered this group; without a list, all that Collectors have."""
    name = _name_group(group)
    if not offer.groups:
        return bool(name)
    return bool(group) and any(
        each.lower() == group.lower() or (name and _name_group(each) == name)
        for each in offer.groups
    )


def allow_cipher(target: TargetFacts, offer: Offer, chosen: str) -> tuple[Party, Fix]:
    """Return who must allow the suite `chosen`, the backend's choice of all, and how."""
    see = "To see what the backend takes: openssl s_client -connect {host}:{port} </dev/null"
    setting, insecure = name_setting(target, "cipher_suites"), chosen in INSECURE_SUITES
    if chosen in OPENSSL_NAMES and chosen not in offer.ciphers:
        also = (
            ", and set include_insecure_cipher_suites: true there, for it is one of Go's insecure "
            "suites"
            if insecure
            else ""
        )
        if is_narrowed(offer, "cipher_suites"):
            remove = "" if insecure else "; or remove cipher_suites there"
            return "exporter", (f"Add {chosen} to {setting}{also}{remove}.", "{restart}", see)
        if get_settings_kind(target) != "sdk":
            return "backend", (
                _allow_common_suites(chosen),
                f"Until then, set {setting} to [{chosen}]{also}: TLS 1.3 keeps its own suites.",
                "{restart}",
                see,
            )
    return "backend", (_allow_common_suites(chosen), see)


def _allow_common_suites(chosen: str) -> str:
    if is_tls13_suite(chosen):
        return (
            f"On the backend of {{endpoint}}, allow TLS_AES_128_GCM_SHA256 or TLS_AES_256_GCM_SHA384 "
            f"next to {chosen}; then restart or reload it."
        )
    return (
        f"On the backend of {{endpoint}}, allow suites that exporters have next to {chosen}, "
        "ECDHE with AES-GCM (TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, "
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256), or TLS 1.3; then restart or reload it."
    )


def allow_more_ciphers(target: TargetFacts, offer: Offer) -> tuple[Party, Fix]:
    """Return who must allow more suites, where it is not known which the backend would take."""
    if not is_narrowed(offer, "cipher_suites"):
        return "backend", ALL_WAS_OFFERED[:2]
    offered = tuple(suite for suite in offer.ciphers if not is_tls13_suite(suite)) or offer.ciphers
    return "exporter", (
        f"Remove {name_setting(target, 'cipher_suites')}: the backend of {{endpoint}} accepts none "
        f"of {', '.join(offered[:4])}{' …' if len(offered) > 4 else ''}.",
        "{restart}",
        "To see what it takes: openssl s_client -connect {host}:{port} </dev/null",
    )


def allow_group(target: TargetFacts, offer: Offer, chosen: str) -> tuple[Party, Fix]:
    """Return who must allow a common group, where the backend chose `chosen` of all."""
    see = "To see the group chosen: openssl s_client -connect {host}:{port} </dev/null"
    name = _name_group(chosen)
    if not is_narrowed(offer, "curve_preferences") or (chosen and not name):
        return "backend", (
            "On the backend of {endpoint}, allow X25519 or P-256 (curve_preferences in a Collector's "
            "tls settings, ssl_ecdh_curve in nginx, curves in HAProxy); then restart or reload it.",
            see,
        )
    setting = name_setting(target, "curve_preferences")
    first = f"Add {name} to {setting}, or remove curve_preferences there."
    return "exporter", (first if name else f"Remove {setting}.", "{restart}", see)


def allow_version(target: TargetFacts, offer: Offer, chosen: str) -> tuple[Party, Fix]:
    """Return who must allow the version `chosen`, the backend's choice of all, and how."""
    if chosen not in _COMMON_VERSIONS:
        return "backend", (
            f"Let the backend of {{endpoint}} speak TLS 1.2 or 1.3: it knows TLS {chosen} at most "
            "(min_version and max_version in a Collector's tls settings, ssl_protocols in nginx); "
            "then restart it.",
            SEE_VERSIONS,
        )
    key = "max_version" if offer.max_version and chosen > offer.max_version else "min_version"
    limit = offer.max_version if key == "max_version" else offer.min_version
    if get_settings_kind(target) == "sdk":
        return "backend", (
            f"Let the backend of {{endpoint}} speak TLS {limit} too, besides {chosen}: exporters of "
            "SDKs have no setting for it; then restart it.",
            SEE_VERSIONS,
        )
    where = name_setting(target, key)
    return "exporter", (
        f'Set {where} to "{chosen}": it is {limit} now, and the backend speaks TLS {chosen}.',
        "{restart}",
        SEE_VERSIONS,
    )


def allow_common_version(target: TargetFacts, offer: Offer) -> tuple[Party, Fix]:
    """Return who must allow another version, where it is not known which the backend speaks."""
    limits = [
        name_setting(target, key)
        for key, narrow in (
            ("min_version", offer.min_version == "1.3"),
            ("max_version", offer.max_version not in {"", "1.3"}),
        )
        if narrow
    ]
    if limits and get_settings_kind(target) != "sdk":
        return "exporter", (
            f"Remove {' and '.join(limits)}: {{endpoint}} does not speak {_format_range(offer)}, to which "
            "the exporter is limited.",
            "{restart}",
            SEE_VERSIONS,
        )
    return "backend", (
        "Let the backend of {endpoint} speak TLS 1.2 or 1.3 (min_version and max_version in a "
        "Collector's tls settings, ssl_protocols in nginx), and restart it.",
        SEE_VERSIONS,
    )


def reach_newer_version(target: TargetFacts, newer: str, highest: str, key_type: str) -> Fix:
    """Return how to meet at `newer`, or below it with suites for the backend's key."""
    kind = get_key_kind(key_type)
    suites = f"ECDHE-{kind} suites" if kind in {"RSA", "ECDSA"} else "suites for its key"
    return (
        f'Set {name_setting(target, "max_version")} to "{newer}", or remove it: the backend '
        f"speaks TLS {newer}, whose suites fit every key.",
        "{restart}",
        f"Or, on the backend, allow {suites} for TLS {highest} (cipher_suites in a Collector's tls "
        "settings, ssl_ciphers in nginx, ciphers in HAProxy) and restart or reload it.",
    )


def avoid_large_hello(target: TargetFacts) -> Fix:
    """Return how to pass what does not take a ClientHello of TLS 1.3, whatever its size."""
    if uses_variables(target):
        return (_UPDATE_THE_WAY,)
    return (
        f'Until the way is updated, set {name_setting(target, "max_version")} to "1.2".',
        "{restart}",
        _UPDATE_THE_WAY,
    )


def shrink_hello(target: TargetFacts) -> Fix:
    """Return how to pass what drops a ClientHello above one TCP segment."""
    if target.exporter in _ON_GO_SDK:
        return (
            "Until the way is updated, set GODEBUG=tlsmlkem=0 in the application's environment.",
            "{restart}",
            _UPDATE_THE_WAY,
        )
    if target.exporter != COLLECTOR.id or uses_variables(target):
        return (_UPDATE_THE_WAY,)
    return (
        f"Until the way is updated, set {name_setting(target, 'curve_preferences')} to [X25519, P256, "
        "P384, P521].",
        "{restart}",
        _UPDATE_THE_WAY,
    )


_UPDATE_THE_WAY: Final = (
    "Update the backend of {endpoint}, or the load balancer or firewall on the way: a ClientHello of "
    "more than one packet (X25519MLKEM768) breaks old ones."
)
_ON_GO_SDK: Final = frozenset(runtime.id for runtime in GO)


def _format_range(offer: Offer) -> str:
    if offer.min_version == offer.max_version:
        return f"TLS {offer.min_version}"
    return f"TLS {offer.min_version} to {offer.max_version}"


def _name_group(group: str) -> str:
    return _SETTINGS_BY_GROUP.get(group.lower(), "")
