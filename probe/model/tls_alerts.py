"""TLS alerts by number, from the IANA "TLS Alerts" registry (RFC 8446 §6 and earlier)."""

from enum import IntEnum
from typing import Final, Literal

from probe.model.evidence import Handshake


class TlsAlert(IntEnum):
    """The alerts of the registry; a peer may send others."""

    CLOSE_NOTIFY = 0
    UNEXPECTED_MESSAGE = 10
    BAD_RECORD_MAC = 20
    DECRYPTION_FAILED = 21
    RECORD_OVERFLOW = 22
    DECOMPRESSION_FAILURE = 30
    HANDSHAKE_FAILURE = 40
    NO_CERTIFICATE = 41
    BAD_CERTIFICATE = 42
    UNSUPPORTED_CERTIFICATE = 43
    CERTIFICATE_REVOKED = 44
    CERTIFICATE_EXPIRED = 45
    CERTIFICATE_UNKNOWN = 46
    ILLEGAL_PARAMETER = 47
    UNKNOWN_CA = 48
    ACCESS_DENIED = 49
    DECODE_ERROR = 50
    DECRYPT_ERROR = 51
    EXPORT_RESTRICTION = 60
    PROTOCOL_VERSION = 70
    INSUFFICIENT_SECURITY = 71
    INTERNAL_ERROR = 80
    INAPPROPRIATE_FALLBACK = 86
    USER_CANCELED = 90
    NO_RENEGOTIATION = 100
    MISSING_EXTENSION = 109
    UNSUPPORTED_EXTENSION = 110
    CERTIFICATE_UNOBTAINABLE = 111
    UNRECOGNIZED_NAME = 112
    BAD_CERTIFICATE_STATUS_RESPONSE = 113
    BAD_CERTIFICATE_HASH_VALUE = 114
    UNKNOWN_PSK_IDENTITY = 115
    CERTIFICATE_REQUIRED = 116
    GENERAL_ERROR = 117
    NO_APPLICATION_PROTOCOL = 120
    ECH_REQUIRED = 121

    @property
    def registry_name(self) -> str:
        """The name as the registry writes it: `unknown_ca`."""
        return self.name.lower()


_NAMES: Final = {alert.value: alert.registry_name for alert in TlsAlert}


def name_alert(number: int) -> str:
    """Return the registry's name of an alert, or `alert_` and its number."""
    return _NAMES.get(number, f"alert_{number}")


def format_alert(number: int | None) -> str:
    """Return an alert as facts write it: `unknown_ca (48)`."""
    return str(number) if number is None else f"{name_alert(number)} ({number})"


def get_fatal_alert(
    handshake: Handshake, direction: Literal["received", "sent"] = "received"
) -> int | None:
    """Return the number of the last fatal alert that went that way; None where there was none."""
    return next(
        (
            alert.number
            for alert in reversed(handshake.alerts)
            if alert.direction == direction and alert.level == "fatal"
        ),
        None,
    )
