"""TLS alerts in a log: by name in every library's spelling, by number, and their direction.

RFC 8446 §6 and the IANA registry; Go crypto/tls, OpenSSL 1.0 to 4, BoringSSL, JSSE, rustls,
GnuTLS, NSS, .NET, Erlang. In the normal form most spellings are one: only what differs is listed.
"""

import re
from dataclasses import dataclass
from typing import Final

from probe.messages.patterns.pasted import Pasted, normal_form
from probe.model.tls_alerts import TlsAlert

_OTHER_SPELLINGS: Final[dict[TlsAlert, tuple[str, ...]]] = {
    TlsAlert.UNEXPECTED_MESSAGE: (),
    TlsAlert.BAD_RECORD_MAC: ("decryption failed or bad record mac",),
    TlsAlert.DECRYPTION_FAILED: (),
    TlsAlert.RECORD_OVERFLOW: (),
    TlsAlert.HANDSHAKE_FAILURE: ("handshake failed",),
    TlsAlert.BAD_CERTIFICATE: ("Certificate is bad", "bad cert"),
    TlsAlert.UNSUPPORTED_CERTIFICATE: ("Certificate is not supported", "unsupported cert"),
    TlsAlert.CERTIFICATE_REVOKED: (
        "revoked certificate",
        "Certificate was revoked",
        "revoked cert",
    ),
    TlsAlert.CERTIFICATE_EXPIRED: ("expired certificate", "Certificate is expired", "expired cert"),
    TlsAlert.CERTIFICATE_UNKNOWN: ("unknown certificate",),
    TlsAlert.ILLEGAL_PARAMETER: (),
    TlsAlert.UNKNOWN_CA: ("unknown certificate authority", "CA is unknown"),
    TlsAlert.ACCESS_DENIED: ("Access was denied",),
    TlsAlert.DECODE_ERROR: ("error decoding message",),
    TlsAlert.DECRYPT_ERROR: ("error decrypting message",),
    TlsAlert.EXPORT_RESTRICTION: (),
    TlsAlert.PROTOCOL_VERSION: ("protocol version not supported", "Error in protocol version"),
    TlsAlert.INSUFFICIENT_SECURITY: ("insufficient security level",),
    TlsAlert.INTERNAL_ERROR: (),
    TlsAlert.INAPPROPRIATE_FALLBACK: (),
    TlsAlert.USER_CANCELED: ("user cancelled",),
    TlsAlert.MISSING_EXTENSION: ("An extension was expected but was not seen",),
    TlsAlert.UNSUPPORTED_EXTENSION: ("An unsupported extension was sent",),
    TlsAlert.UNRECOGNIZED_NAME: ("unrecognised name", "The server name sent was not recognized"),
    TlsAlert.BAD_CERTIFICATE_STATUS_RESPONSE: (),
    TlsAlert.BAD_CERTIFICATE_HASH_VALUE: (),
    TlsAlert.UNKNOWN_PSK_IDENTITY: (),
    TlsAlert.CERTIFICATE_REQUIRED: ("Certificate is required",),
    TlsAlert.NO_APPLICATION_PROTOCOL: ("No supported application protocol could be negotiated",),
}
"""The recognised alerts, with the spellings of libraries that differ from the registry's."""
ALERT_NAMES: Final[dict[int, tuple[str, ...]]] = {
    alert: (alert.registry_name, *others) for alert, others in _OTHER_SPELLINGS.items()
}
"""By number (IANA TLS Alerts), the registry's name first."""

_NUMBER_OF: Final = {
    normal_form(name): number for number, names in ALERT_NAMES.items() for name in names
}
# Words that may be between `alert` and its name; a name may also follow Go's `remote error`.
_LEADS: Final = (
    r"(?:alert|remote error)"
    r"(?: (?:received|read|write|fatal|warning|level|desc|description|code|number|message|is"
    r"|tls|ssl|from|peer|error|in|out|\d{1,3})){0,8}"
)
_LONGEST_FIRST: Final = sorted(_NUMBER_OF, key=len, reverse=True)
_NAMED: Final = re.compile(rf" (?P<lead>{_LEADS}) (?P<name>{'|'.join(_LONGEST_FIRST)})(?= )")
# NSS: SSL_ERROR_UNKNOWN_CA_ALERT. OpenSSL omits `alert` in a few: TLSV1_UNRECOGNIZED_NAME.
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
# What a user types who has only the number.
_ASKED: Final = re.compile(
    r" (?:(?:fatal|tls|ssl) ){0,2}alert (?:number |code |description )?(\d{1,3}) "
)
# Where the library has no text for a reason: `error:0A000455:SSL routines::reason(1109)`, and
# `lib(20)` where its strings are not loaded.
_REASON: Final = re.compile(
    r"(?:\bSSL routines|\blib\(20\)):[^:\n]{0,60}:[^:\n]{0,60}reason\((1[01]\d\d)\)"
    r"|(?:\bSSL routines|\blib\(20\)):[^:\n]{0,60}reason\((1[01]\d\d)\)"
)
# ERR_PACK of `ERR_LIB_SSL`, always after `error:` (ERR_error_string): OpenSSL 3 (0A000418),
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
    "ssl peer cannot verify your certificate": TlsAlert.BAD_CERTIFICATE,
    "ssl peer rejected your certificate as revoked": TlsAlert.CERTIFICATE_REVOKED,
    "ssl peer rejected your certificate as expired": TlsAlert.CERTIFICATE_EXPIRED,
    "peer does not recognize and trust the ca that issued your certificate": TlsAlert.UNKNOWN_CA,
    "ssl peer had some unspecified issue with the certificate it received": TlsAlert.CERTIFICATE_UNKNOWN,
    "ssl peer was unable to negotiate an acceptable set of security parameters": TlsAlert.HANDSHAKE_FAILURE,
    "ssl peer does not support certificates of the type it received": TlsAlert.UNSUPPORTED_CERTIFICATE,
}


@dataclass(frozen=True, slots=True)
class PrintedAlert:
    """One alert; `sent` is true where the side that printed the line sent it."""

    number: int
    sent: bool

    @property
    def name(self) -> str:
        """The registry's name."""
        return ALERT_NAMES[self.number][0]


def find_alerts(pasted: Pasted) -> tuple[PrintedAlert, ...]:
    """Return the alerts in the text, each once, the most certain first."""
    words = pasted.words
    numbers = [
        *(_get_number(found) for found in _NUMBERED.finditer(pasted.raw)),
        *(_get_number(found) for found in [_ASKED.fullmatch(words)] if found is not None),
        *(_NUMBER_OF[found["name"]] for found in _NAMED.finditer(words)),
        *(_NUMBER_OF[found["name"]] for found in _NAMED_BEFORE.finditer(words)),
        *(number for phrase, number in _NSS.items() if phrase in words),
        *(_get_number(found) - _REASON_OF_ALERTS for found in _REASON.finditer(pasted.raw)),
        *(int(found[1], 16) - _REASON_OF_ALERTS for found in _PACKED.finditer(pasted.raw)),
        *(
            int(found[1]) - _SSL_IN_BORINGSSL - _REASON_OF_ALERTS
            for found in _PACKED_DECIMAL.finditer(pasted.raw)
        ),
    ]
    sent = pasted.has(*_SENT)
    known = (number for number in numbers if number in ALERT_NAMES)
    return tuple(PrintedAlert(number, sent) for number in dict.fromkeys(known))


def _get_number(found: re.Match[str]) -> int:
    """Return the number from the alternative of the pattern that matched."""
    return int(next(group for group in found.groups() if group is not None))
