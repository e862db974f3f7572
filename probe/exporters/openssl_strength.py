"""Bits of security as OpenSSL counts them, for keys and for signatures.

RSA: rsa_lib.c, ossl_ifc_ffc_compute_security_bits (SP 800-56B rev. 2, appendix D); EC: ec_ameth.c,
ec_security_bits; signatures: x_x509a.c and x509_set.c, x509_sig_info_init.
"""

import math
from typing import Final

from probe.x509.public_key import PublicKey
from probe.x509.signature_scheme import SignatureScheme

_EXACT: Final = {2048: 112, 3072: 128, 4096: 152, 6144: 176, 7680: 192, 8192: 200, 15360: 256}
_HASH_BITS: Final = {"md5": 39, "sha1": 63, "sha224": 112, "sha512-224": 112, "sha3-224": 112}
_LONG_HASHES: Final = {"sha384": 192, "sha512": 256, "sha3-384": 192, "sha3-512": 256}


def count_key_bits(key: PublicKey | None) -> int:
    """Return the bits of security of a key; 0 of one that the library does not have."""
    if key is None:
        return 0
    match key.kind:
        case "RSA" | "RSASSA-PSS" | "DSA":
            return _count_modulus_bits(key.bits)
        case "EC":
            return _count_curve_bits(key.bits)
        case "Ed25519" | "X25519":
            return 128
        case "Ed448" | "X448":
            return 224
        case _:
            return 0


def _count_modulus_bits(bits: int) -> int:
    if bits in _EXACT:
        return _EXACT[bits]
    if bits < 8:
        return 0
    x = bits * math.log(2)
    security = int((1.923 * math.cbrt(x * math.log(x) ** 2) - 4.69) / math.log(2))
    if bits <= 7680:
        security = min(security, 192)
    elif bits <= 15360:
        security = min(security, 256)
    return (security + 4) & ~7


def _count_curve_bits(bits: int) -> int:
    for least, security in ((512, 256), (384, 192), (256, 128), (224, 112), (160, 80)):
        if bits >= least:
            return security
    return bits // 2 or 128


def count_signature_bits(scheme: SignatureScheme | None) -> int:
    """Return the bits of security of a signature; -1 of an algorithm that the library has not."""
    if scheme is None:
        return -1
    match scheme.key:
        case "Ed25519":
            return 128
        case "Ed448":
            return 224
        case _:
            return _LONG_HASHES.get(scheme.hash, _HASH_BITS.get(scheme.hash, 128))


def describe_key(key: PublicKey | None) -> str:
    """Return a key's kind and size as people write it."""
    if key is None:
        return "unreadable key"
    return f"{key.kind} {key.curve_name if key.kind == 'EC' else key.bits}"
