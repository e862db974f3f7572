"""Families of sentences: the form of a verdict, independent of the library's words.

A known phrase is more specific and has precedence (`Specificity.BROAD`). What may be between two words is
bounded by a number of words, so that no pasted text makes a search slow.
"""

import re
from typing import Final

from probe.messages.patterns.handshake_patterns import PEER_PATTERNS
from probe.messages.patterns.pattern import Pattern, Shape, Specificity, build_pattern, weigh_causes
from probe.messages.patterns.verification_patterns import EXPIRED, NAME, NOT_YET_VALID, REVOKED

_CERTIFICATE: Final = r"(?:certificates?|certs?|crt|x509)"
_FAILS: Final = (
    r"(?:error|errors|fail|fails|failed|failure|could not|couldnt|can not|cannot|cant|unable to"
    r"|problem with|invalid|bad|wrong|corrupt)"
)
_LOADS: Final = (
    r"(?:load|loading|loaded|read|reading|open|opening|parse|parsing|process|processing|import"
    r"|importing|use|using|set|setting|decode|decoding|initialize|access|accessing)"
)
_OBJECT: Final = (
    rf"(?:{_CERTIFICATE}|private key|key file|keyfile|key pair|keypair|key|keys|keystore|key store"
    r"|truststore|trust store|ca|ca file|ca bundle|pem|pkcs12|pkcs8|tls config|tls configuration)"
)
_NOT: Final = (
    r"(?:mismatch|mismatched|(?:does not|do not|doesnt|dont|did not|not) (?:match|belong))"
)


def _any(count: int) -> str:
    return rf"(?: [a-z0-9]+){{0,{count}}}"


def _build_shape(pattern: Pattern, *expressions: str) -> Shape:
    return Shape(pattern, re.compile("|".join(rf"(?: {each})(?= )" for each in expressions)))


def _broaden(pattern: Pattern) -> Pattern:
    return Pattern(pattern.why, (), pattern.exporter, pattern.backend, Specificity.BROAD)


_NO_CERTIFICATE: Final = PEER_PATTERNS[0]

_VERDICTS: Final = (
    _build_shape(
        _broaden(NAME),
        r"(?:host name|hostname|host|server name|domain|common name|cn|subject|san|sans|altnames"
        rf"|subject alt names?|subject alternative names?|ip address|peer name|name){_any(8)} {_NOT}",
        rf"{_CERTIFICATE} (?:is )?(?:only )?not valid for{_any(2)}",
    ),
    _build_shape(
        _broaden(NOT_YET_VALID),
        rf"{_CERTIFICATE}{_any(5)} (?:not yet (?:valid|active|activated)|in the future|not before)",
    ),
    _build_shape(
        _broaden(EXPIRED), rf"{_CERTIFICATE}{_any(6)} expired", rf"expired{_any(2)} {_CERTIFICATE}"
    ),
    _build_shape(
        _broaden(REVOKED),
        rf"{_CERTIFICATE}{_any(4)} revoked",
        rf"revoked{_any(2)} {_CERTIFICATE}",
    ),
    _build_shape(
        Pattern(
            "the other side's certificate is not trusted, and the line does not say why",
            (),
            weigh_causes(
                server_ca_untrusted=0.9, server_chain_incomplete=0.6, server_cert_expired=0.3
            ),
            weigh_causes(
                client_ca_untrusted=0.9, client_chain_incomplete=0.6, client_cert_expired=0.3
            ),
            Specificity.BROAD,
        ),
        r"(?:unknown|untrusted|unrecognized|unrecognised)"
        rf"{_any(1)} (?:ca|issuer|authority|root|chain|{_CERTIFICATE} authority)",
        rf"(?:issuer|authority|root|chain|ca){_any(4)} (?:not trusted|untrusted|unknown|not recognized)",
    ),
    _build_shape(
        _broaden(_NO_CERTIFICATE),
        r"(?:no|without|missing|absent|(?:didnt|did not|not) (?:provide|present|send|supply|return))"
        rf"{_any(3)} (?:client|peer) {_CERTIFICATE}",
        rf"(?:client|peer) {_CERTIFICATE}{_any(2)}"
        r" (?:missing|required|absent|(?:not )(?:presented|provided|sent|supplied))",
    ),
)
_HANDSHAKE: Final = (
    _build_shape(
        build_pattern(
            "TLS came to a port that expected HTTP/2 in plaintext: 16 03 begins a TLS record",
            (),
            not_tls=0.95,
            otlp_protocol_mismatch=0.9,
        ),
        r"(?:bytes|preface|greeting|header)(?: [a-z0-9]+)? (?:1603[0-9a-f]{1,60}|x16 x03)",
    ),
    _build_shape(
        build_pattern(
            "the two sides allow different TLS versions",
            (),
            Specificity.BROAD,
            protocol_version_mismatch=0.9,
            no_shared_cipher=0.5,
        ),
        r"(?:protocol|tls|ssl) version"
        rf"{_any(4)} (?:unsupported|not supported|mismatch|too low|too old|disabled|not enabled)",
        r"(?:unsupported|incompatible|disabled|deprecated) (?:protocol|tls|ssl) version",
    ),
    _build_shape(
        build_pattern(
            "rustls: the backend offers nothing that this side has",
            (),
            Specificity.BROAD,
            protocol_version_mismatch=0.8,
            no_shared_cipher=0.7,
            no_shared_group=0.6,
        ),
        r"peer(?: is)? incompatible",
    ),
    _build_shape(
        build_pattern(
            "no application protocol was agreed on (ALPN)",
            (),
            Specificity.BROAD,
            alpn_mismatch=0.9,
            otlp_protocol_mismatch=0.5,
        ),
        rf"alpn{_any(4)} (?:failed|failure|mismatch|missing|rejected|unsupported|not supported)",
        rf"(?:failed|missing|no|unsupported|unexpected|without){_any(3)} alpn",
    ),
)
_KEYS: Final = (
    _build_shape(
        build_pattern(
            "key and certificate are not a pair",
            (),
            Specificity.BROAD,
            client_cert_key_mismatch=0.95,
            client_chain_misordered=0.6,
            client_file_malformed=0.3,
        ),
        rf"(?:key|keys|key pair|keypair){_any(6)} {_NOT}",
        rf"(?:mismatch|inconsistency|inconsistencies) between{_any(3)} (?:key|{_CERTIFICATE})",
    ),
    _build_shape(
        build_pattern(
            "a passphrase is missing or wrong",
            (),
            client_key_encrypted=0.9,
            client_file_malformed=0.6,
        ),
        r"(?:passphrase|pass phrase|password|pin)(?: for)?(?: [a-z0-9]+){0,5}"
        r" (?:incorrect|wrong|required|needed|invalid|missing|not correct|verification failed)",
        r"(?:wrong|incorrect|invalid|bad|missing|enter)(?: pem| key| the)? (?:passphrase|pass phrase)",
        rf"(?:could not|failed to|unable to|cannot|cant) decrypt{_any(3)} (?:key|keystore|pkcs12|p12|pem)",
    ),
)
SHAPES: Final = (*_VERDICTS, *_HANDSHAKE, *_KEYS)

LOADING: Final = re.compile(
    rf" {_FAILS}(?: to)?(?: while| when| during)? {_LOADS}(?: the| of| from| up)?{_any(3)} {_OBJECT}(?= )"
    rf"| {_OBJECT}{_any(2)} (?:load|loading|read|parse|parsing|import) (?:error|failed|failure)(?= )"
    rf"| problem with{_any(3)} {_OBJECT}(?= )"
)
"""A file could not be used: `error reading X.509 key or certificate file`, `unable to load cert`."""
