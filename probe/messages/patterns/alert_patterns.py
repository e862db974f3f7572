"""TLS alerts in a log: by name in every library's spelling, by number, and which way they went.

RFC 8446 §6 and the IANA registry; Go crypto/tls, OpenSSL 1.0 to 4, BoringSSL, JSSE, rustls,
GnuTLS, NSS, .NET, Erlang. In the normal form most spellings are one: only what differs is listed.
"""

import re
from dataclasses import dataclass
from typing import Final

from probe.messages.patterns.pasted import Pasted, normal_form

ALERT_NAMES: Final[dict[int, tuple[str, ...]]] = {
    10: ("unexpected_message",),
    20: ("bad_record_mac", "decryption failed or bad record mac"),
    21: ("decryption_failed",),
    22: ("record_overflow",),
    40: ("handshake_failure", "handshake failed"),
    42: ("bad_certificate", "Certificate is bad", "bad cert"),
    43: ("unsupported_certificate", "Certificate is not supported", "unsupported cert"),
    44: ("certificate_revoked", "revoked certificate", "Certificate was revoked", "revoked cert"),
    45: ("certificate_expired", "expired certificate", "Certificate is expired", "expired cert"),
    46: ("certificate_unknown", "unknown certificate"),
    47: ("illegal_parameter",),
    48: ("unknown_ca", "unknown certificate authority", "CA is unknown"),
    49: ("access_denied", "Access was denied"),
    50: ("decode_error", "error decoding message"),
    51: ("decrypt_error", "error decrypting message"),
    60: ("export_restriction",),
    70: ("protocol_version", "protocol version not supported", "Error in protocol version"),
    71: ("insufficient_security", "insufficient security level"),
    80: ("internal_error",),
    86: ("inappropriate_fallback",),
    90: ("user_canceled", "user cancelled"),
    109: ("missing_extension", "An extension was expected but was not seen"),
    110: ("unsupported_extension", "An unsupported extension was sent"),
    112: ("unrecognized_name", "unrecognised name", "The server name sent was not recognized"),
    113: ("bad_certificate_status_response",),
    114: ("bad_certificate_hash_value",),
    115: ("unknown_psk_identity",),
    116: ("certificate_required", "Certificate is required"),
    120: (
        "no_application_protocol",
        "No supported application protocol could be negotiated",
    ),
}
"""By number (IANA TLS Alerts), the registry's name first."""

_NUMBER_OF: Final = {
    normal_form(name): number for number, names in ALERT_NAMES.items() for name in names
}
# Words that may stand between `alert` and its name; a name may also follow Go's `remote error`.
_LEADS: Final = (
    r"(?:alert|remote error)"
    r"(?: (?:received|read|write|fatal|warning|level|desc|description|code|number|message|is"
    r"|tls|ssl|from|peer|error|in|out|\d{1,3})){0,8}"
)
_LONGEST_FIRST: Final = sorted(_NUMBER_OF, key=len, reverse=True)
_NAMED: Final = re.compile(rf" (?P<lead>{_LEADS}) (?P<name>{'|'.join(_LONGEST_FIRST)})(?= )")
# NSS: SSL_ERROR_UNKNOWN_CA_ALERT. OpenSSL leaves the word out of a few: TLSV1_UNRECOGNIZED_NAME.
_NAMED_BEFORE: Final = re.compile(
    rf" (?:ssl error|tlsv1|tlsv13) (?P<name>{'|'.join(_LONGEST_FIRST)})(?= )"
)
# The forms in which a runtime prints an alert's number. Any other number is a request's, a
# process's or a rule's, even next to the word `alert`.
_NUMBERED: Final = re.compile(
    r"\b(?:ssl|tls)[ _]alert[ _]number:? (\d{1,3})\b"  # OpenSSL, BoringSSL: ERR data
    r"|\breceived (?:fatal )?alert \[(\d{1,3})\]"  # GnuTLS
    r"|\balert\[[12]\|(\d{1,3})\]"  # GnuTLS, debug level 5
    r"|\balert\((\d{1,3})\)"  # Go crypto/tls where an alert has no name, and others
    r"|\bfatal alert code is (\d{1,3})\b"  # Schannel, events 36887 and 36888
    r"|\balert message \(msg (\d{1,3})\)"  # Mbed TLS
    r"|\balert message, type: \[[12]:(\d{1,3})\]",  # Mbed TLS, debug
    re.IGNORECASE,
)
# What a reader types who has nothing but the number.
_ASKED: Final = re.compile(
    r" (?:(?:fatal|tls|ssl) ){0,2}alert (?:number |code |description )?(\d{1,3}) "
)
# Where the library has no words for a reason: `error:0A000455:SSL routines::reason(1109)`, and
# `lib(20)` where its strings are not loaded.
_REASON: Final = re.compile(
    r"(?:\bSSL routines|\blib\(20\)):[^:\n]{0,60}:[^:\n]{0,60}reason\((1[01]\d\d)\)"
    r"|(?:\bSSL routines|\blib\(20\)):[^:\n]{0,60}reason\((1[01]\d\d)\)"
)
# ERR_PACK of the SSL library, always after `error:` (ERR_error_string): OpenSSL 3 (0A000418),
# OpenSSL 1.x and LibreSSL (14094418), BoringSSL (10000418); the reason is 1000 + the alert that
# was received. HAProxy's httpslog has it in 16 digits, between slashes (ssl_fc_err,hex).
_PACKED: Final = re.compile(
    r"(?:\berror:|/00000000)(?:0A000|14[0-9A-F]{3}|10000)([0-9A-F]{3})\b", re.IGNORECASE
)
# Envoy prints the same in decimal, between bars or after `TLS error:`.
_PACKED_DECIMAL: Final = re.compile(r"(?:\||\bTLS error: ?)(26843\d{4}):")
_REASON_OF_ALERTS: Final = 1000
_SSL_IN_BORINGSSL: Final = 0x10000000

_SENT: Final = (
    "alert write", "out tls alert", "sending alert", "sending fatal alert", "sent alert",
    "sending tls alert", "send alert", "sending tls fatal alert", "generated client alert",
    "generated server alert",
)  # fmt: skip

_NSS: Final[dict[str, int]] = {
    "ssl peer cannot verify your certificate": 42,
    "ssl peer rejected your certificate as revoked": 44,
    "ssl peer rejected your certificate as expired": 45,
    "peer does not recognize and trust the ca that issued your certificate": 48,
    "ssl peer had some unspecified issue with the certificate it received": 46,
    "ssl peer was unable to negotiate an acceptable set of security parameters": 40,
    "ssl peer does not support certificates of the type it received": 43,
}


@dataclass(frozen=True, slots=True)
class AlertSeen:
    """One alert: `sent` where the side that printed the line sent it itself."""

    number: int
    sent: bool

    @property
    def name(self) -> str:
        """The registry's name."""
        return ALERT_NAMES[self.number][0]


def alerts(pasted: Pasted) -> tuple[AlertSeen, ...]:
    """Return the alerts that the text speaks of, each once, in the order of their certainty."""
    words = pasted.words
    numbers = [
        *(_number_in(found) for found in _NUMBERED.finditer(pasted.raw)),
        *(_number_in(found) for found in [_ASKED.fullmatch(words)] if found is not None),
        *(_NUMBER_OF[found["name"]] for found in _NAMED.finditer(words)),
        *(_NUMBER_OF[found["name"]] for found in _NAMED_BEFORE.finditer(words)),
        *(number for phrase, number in _NSS.items() if phrase in words),
        *(_number_in(found) - _REASON_OF_ALERTS for found in _REASON.finditer(pasted.raw)),
        *(int(found[1], 16) - _REASON_OF_ALERTS for found in _PACKED.finditer(pasted.raw)),
        *(
            int(found[1]) - _SSL_IN_BORINGSSL - _REASON_OF_ALERTS
            for found in _PACKED_DECIMAL.finditer(pasted.raw)
        ),
    ]
    sent = pasted.has(*_SENT)
    known = (number for number in numbers if number in ALERT_NAMES)
    return tuple(AlertSeen(number, sent) for number in dict.fromkeys(known))


def _number_in(found: re.Match[str]) -> int:
    """Return the number that whichever alternative of a pattern matched."""
    return int(next(group for group in found.groups() if group is not None))
