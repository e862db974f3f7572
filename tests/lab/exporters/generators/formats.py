"""Everything that people put where a PEM file belongs: other formats of certificates and keys.

What holds a secret under a password is only its frame: no exporter is given the password, so none
gets as far as the content.
"""

import base64
import hashlib
import json
import struct
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from tests.lab.exporters.generators import der
from tests.lab.exporters.generators.certificates import (
    CLIENT_EXTENSIONS,
    ECDSA_SHA256,
    ROOT,
    Authority,
    name,
)
from tests.lab.exporters.generators.keys import (
    EC,
    P256,
    RSA,
    Key,
    ec_private_key,
    point,
    rsa_private_key,
    sec1,
)
from tests.lab.exporters.generators.wrappings import armour

_DATA: Final = der.oid("1.2.840.113549.1.7.1")
_SIGNED_DATA: Final = der.oid("1.2.840.113549.1.7.2")
_PBES2: Final = der.oid("1.2.840.113549.1.5.13")
_SALT: Final = b"laboratory salt!"


def noise(seed: str, size: int) -> bytes:
    """Return bytes that look encrypted."""
    return hashlib.shake_256(seed.encode()).digest(size)


# Certificates


def pkcs7(*certificates: bytes) -> bytes:
    """Return a degenerate SignedData with certificates only (RFC 2315 §9)."""
    content = der.sequence(
        der.integer(1),
        der.set_of(),
        der.sequence(_DATA),
        der.tlv(0xA0, b"".join(certificates)),
        der.set_of(),
    )
    return der.sequence(_SIGNED_DATA, der.explicit(0, content))


def trusted(certificate: bytes, *, auxiliary: bool = True) -> bytes:
    """Return the content of OpenSSL's TRUSTED CERTIFICATE: a certificate and what it is for."""
    purposes = der.sequence(der.oid("1.3.6.1.5.5.7.3.1"), der.oid("1.3.6.1.5.5.7.3.2"))
    return certificate + (der.sequence(purposes) if auxiliary else b"")


def signing_request(key: Key) -> bytes:
    """Return a PKCS#10 request; who reads one in place of a certificate checks no signature."""
    info = der.sequence(der.integer(0), name("client"), key.spki, der.tlv(0xA0, b""))
    return der.sequence(info, ECDSA_SHA256, der.bit_string(ROOT.sign(info)))


def revocation_list() -> bytes:
    """Return an empty list of the root."""
    listed = der.sequence(
        der.integer(1), ECDSA_SHA256, ROOT.subject, der.utc_time("200101000000Z"),
        der.utc_time("491231235959Z"),
    )  # fmt: skip
    return der.sequence(listed, ECDSA_SHA256, der.bit_string(ROOT.sign(listed)))


def pkcs12() -> bytes:
    """Return the frame of a PKCS#12 file (RFC 7292 §4)."""
    encrypted = der.sequence(
        der.integer(0),
        der.sequence(_DATA, pbes2(), der.implicit(0, noise("pkcs12", 1200))),
    )
    content = der.sequence(der.oid("1.2.840.113549.1.7.6"), der.explicit(0, encrypted))
    safe = der.sequence(_DATA, der.explicit(0, der.octet_string(der.sequence(content))))
    sha256 = der.sequence(der.oid("2.16.840.1.101.3.4.2.1"), der.NULL)
    mac = der.sequence(
        der.sequence(sha256, der.octet_string(noise("mac", 32))),
        der.octet_string(_SALT),
        der.integer(2048),
    )
    return der.sequence(der.integer(3), safe, mac)


def java_keystore(kind: int = 0xFEEDFEED) -> bytes:
    """Return the frame of a JKS file, or of a JCEKS file (0xCECECECE)."""
    certificate = ROOT.own_certificate()
    entry = struct.pack(">IH", 2, 3) + b"lab" + struct.pack(">QH", 0, 5) + b"X.509"
    content = struct.pack(">III", kind, 2, 1) + entry
    content += struct.pack(">I", len(certificate)) + certificate
    return content + hashlib.sha1(b"Mighty Aphrodite" + content, usedforsecurity=False).digest()


def expired_authority() -> bytes:
    """Return a root's certificate that has ended."""
    authority = Authority("expired root", "expired")
    return authority.own_certificate(
        validity=der.sequence(der.utc_time("100101000000Z"), der.utc_time("200101000000Z"))
    )


def filler_certificate(number: int) -> bytes:
    """Return one of many authorities that have nothing to do with the case; it signed nothing."""
    template = bytearray(_filler_template())
    at = template.index(b"filler 000000")
    for start in (at, template.index(b"filler 000000", at + 1)):
        template[start : start + 13] = b"filler %06d" % number
    return bytes(template)


def _filler_template() -> bytes:
    return Authority("filler 000000", "filler").own_certificate()


# Keys


def pbes2(cipher: str = "2.16.840.1.101.3.4.1.42", prf: str = "1.2.840.113549.2.9") -> bytes:
    """Return the algorithm PBES2 with PBKDF2 (RFC 8018 §6.2): AES-256-CBC, HMAC-SHA-256."""
    derivation = der.sequence(
        der.oid("1.2.840.113549.1.5.12"),
        der.sequence(
            der.octet_string(_SALT), der.integer(2048), der.sequence(der.oid(prf), der.NULL)
        ),
    )
    scheme = der.sequence(der.oid(cipher), der.octet_string(noise("iv", 16)))
    return der.sequence(_PBES2, der.sequence(derivation, scheme))


def scrypt() -> bytes:
    """Return the algorithm PBES2 with scrypt (RFC 7914 §7)."""
    parameters = (der.octet_string(_SALT), der.integer(16384), der.integer(8), der.integer(1))
    derivation = der.sequence(der.oid("1.3.6.1.4.1.11591.4.11"), der.sequence(*parameters))
    scheme = der.sequence(der.oid("2.16.840.1.101.3.4.1.42"), der.octet_string(noise("iv", 16)))
    return der.sequence(_PBES2, der.sequence(derivation, scheme))


def pbes1(kind: str) -> bytes:
    """Return an algorithm of PKCS#5 version 1.5 or of PKCS#12 by its identifier."""
    return der.sequence(der.oid(kind), der.sequence(der.octet_string(_SALT[:8]), der.integer(2048)))


def encrypted_key(algorithm: bytes, size: int = 1232) -> bytes:
    """Return an EncryptedPrivateKeyInfo (RFC 5208 §6)."""
    return der.sequence(algorithm, der.octet_string(noise("key", size)))


def encrypted_traditional(label: str, cipher: str = "AES-128-CBC", size: int = 1200) -> bytes:
    """Return a key of PEM's own encryption (RFC 1421 §4.6)."""
    iv = noise("iv", 8 if "DES" in cipher else 16).hex().upper()
    headers = f"Proc-Type: 4,ENCRYPTED\nDEK-Info: {cipher},{iv}\n"
    return armour(label, noise("key", size), headers=headers + " ").replace(b"\n \n", b"\n\n")


def _ssh_string(content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + content


def _ssh_number(value: int) -> bytes:
    return _ssh_string(value.to_bytes(value.bit_length() // 8 + 1, "big"))


def openssh_key(kind: str) -> bytes:
    """Return an unencrypted key in OpenSSH's own format, RSA or EC."""
    if kind == "rsa":
        rsa = rsa_private_key("2048").private_numbers()
        n, e = rsa.public_numbers.n, rsa.public_numbers.e
        public = _ssh_string(b"ssh-rsa") + _ssh_number(e) + _ssh_number(n)
        parts = (n, e, rsa.d, rsa.iqmp, rsa.p, rsa.q)
        private = _ssh_string(b"ssh-rsa") + b"".join(_ssh_number(each) for each in parts)
    else:
        key = ec_private_key(ec.SECP256R1(), "client")
        curve = _ssh_string(b"ecdsa-sha2-nistp256") + _ssh_string(b"nistp256")
        public = curve + _ssh_string(point(key))
        private = public + _ssh_number(key.private_numbers().private_value)
    section = struct.pack(">II", 7, 7) + private + _ssh_string(b"lab")
    section += bytes(range(1, -len(section) % 8 + 1))
    none = _ssh_string(b"none")
    frame = b"openssh-key-v1\0" + none + none + _ssh_string(b"") + struct.pack(">I", 1)
    return armour("OPENSSH PRIVATE KEY", frame + _ssh_string(public) + _ssh_string(section), 70)


def putty_key(version: int = 3) -> bytes:
    """Return a key file of PuTTY, as it looks."""
    body = base64.encodebytes(noise("putty", 200)).decode().strip()
    count = body.count("\n") + 1
    return (
        f"PuTTY-User-Key-File-{version}: ssh-rsa\nEncryption: none\nComment: lab\n"
        f"Public-Lines: {count}\n{body}\nPrivate-Lines: {count}\n{body}\n"
        f"Private-MAC: {noise('mac', 32).hex()}\n"
    ).encode()


def json_web_key() -> bytes:
    """Return the EC key as a JWK (RFC 7517)."""
    key = ec_private_key(ec.SECP256R1(), "client")

    def text(octets: bytes) -> str:
        return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()

    secret = key.private_numbers().private_value.to_bytes(32, "big")
    octets = point(key)
    members = {"kty": "EC", "crv": "P-256", "x": text(octets[1:33]), "y": text(octets[33:])}
    return json.dumps({**members, "d": text(secret)}).encode()


def pkcs8_ec_with_inner_curve() -> bytes:
    """Return a PKCS#8 EC key whose inner SEC1 structure names the curve again."""
    key = ec_private_key(ec.SECP256R1(), "client")
    algorithm = der.sequence(EC, P256)
    return der.sequence(der.integer(0), algorithm, der.octet_string(sec1(key, P256)))


def pkcs8_ec_without_public() -> bytes:
    """Return a PKCS#8 EC key without its public point (RFC 5915: it is optional)."""
    key = ec_private_key(ec.SECP256R1(), "client")
    inner = sec1(key, b"", public=False)
    return der.sequence(der.integer(0), der.sequence(EC, P256), der.octet_string(inner))


def pkcs8_with_attributes(key: Key) -> bytes:
    """Return a PKCS#8 key with an attribute (RFC 5208 §5), as Java and Windows add them."""
    name_ = der.sequence(der.oid("1.2.840.113549.1.9.20"), der.set_of(der.tlv(0x1E, b"\0l\0a\0b")))
    head = 4 if key.pkcs8[1] == 0x82 else 3 if key.pkcs8[1] == 0x81 else 2
    return der.sequence(key.pkcs8[head:], der.tlv(0xA0, name_))


def pkcs8_rsa_without_null(key: Key) -> bytes:
    """Return a PKCS#8 RSA key whose algorithm lacks the NULL."""
    return der.sequence(der.integer(0), der.sequence(RSA), der.octet_string(key.traditional))


def rsa_without_crt() -> bytes:
    """Return a PKCS#1 key whose primes and exponents are 0, as some devices write it."""
    numbers = rsa_private_key("2048").private_numbers()
    parts = (0, numbers.public_numbers.n, numbers.public_numbers.e, numbers.d, 0, 0, 0, 0, 0)
    return der.sequence(*(der.integer(each) for each in parts))


def rsa_wrong_crt() -> bytes:
    """Return a PKCS#1 key with a wrong coefficient."""
    numbers = rsa_private_key("2048").private_numbers()
    public = numbers.public_numbers
    parts = (0, public.n, public.e, numbers.d, numbers.p, numbers.q, numbers.dmp1, numbers.dmq1)
    return der.sequence(*(der.integer(each) for each in (*parts, numbers.iqmp + 2)))


def client_certificate(key: Key) -> bytes:
    """Return a client's certificate as PEM."""
    return armour("CERTIFICATE", ROOT.client(key, CLIENT_EXTENSIONS))
