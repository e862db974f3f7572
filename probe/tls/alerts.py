"""The names of TLS alerts, from the IANA "TLS Alerts" registry (RFC 8446 §6 and earlier)."""

from types import MappingProxyType
from typing import Final

from probe.model.evidence import Alert

ALERTS: Final = MappingProxyType(
    {
        0: "close_notify",
        10: "unexpected_message",
        20: "bad_record_mac",
        21: "decryption_failed",
        22: "record_overflow",
        30: "decompression_failure",
        40: "handshake_failure",
        41: "no_certificate",
        42: "bad_certificate",
        43: "unsupported_certificate",
        44: "certificate_revoked",
        45: "certificate_expired",
        46: "certificate_unknown",
        47: "illegal_parameter",
        48: "unknown_ca",
        49: "access_denied",
        50: "decode_error",
        51: "decrypt_error",
        60: "export_restriction",
        70: "protocol_version",
        71: "insufficient_security",
        80: "internal_error",
        86: "inappropriate_fallback",
        90: "user_canceled",
        100: "no_renegotiation",
        109: "missing_extension",
        110: "unsupported_extension",
        111: "certificate_unobtainable",
        112: "unrecognized_name",
        113: "bad_certificate_status_response",
        114: "bad_certificate_hash_value",
        115: "unknown_psk_identity",
        116: "certificate_required",
        117: "general_error",
        120: "no_application_protocol",
        121: "ech_required",
    }
)

_RECEIVED: Final = 0x04
_FATAL: Final = 2


def read_alert(where: int, ret: int) -> Alert:
    """Return the alert that OpenSSL's info callback reports (SSL_CTX_set_info_callback(3)).

    Args:
        where: holds a bit that says whether it was received.
        ret: level and number, a byte each.
    """
    number = ret & 0xFF
    return Alert(
        direction="received" if where & _RECEIVED else "sent",
        level="fatal" if ret >> 8 == _FATAL else "warning",
        number=number,
        name=ALERTS.get(number, f"alert_{number}"),
    )
