"""Kinds and formats of keys and certificates, each in the file where someone puts it."""

from collections.abc import Iterator
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from tests.lab.exporters.generators import der
from tests.lab.exporters.generators import formats as f
from tests.lab.exporters.generators.certificates import ROOT
from tests.lab.exporters.generators.credential_set import (
    CA,
    EC_CERT,
    EC_KEY,
    RSA_CERT,
    RSA_KEY,
    Absent,
    CredentialFiles,
    changed,
)
from tests.lab.exporters.generators.keys import (
    P256,
    Key,
    dsa_key,
    ec_key,
    ec_private_key,
    explicit_ec_key,
    explicit_p256,
    modern_key,
    pkcs8,
    pkcs8_v2,
    rsa_key,
    rsa_pss_key,
    sec1,
)
from tests.lab.exporters.generators.wrappings import armour

_SHA256: Final = der.sequence(der.oid("2.16.840.1.101.3.4.2.1"), der.NULL)
_PSS_SHA256: Final = der.sequence(
    der.explicit(0, _SHA256),
    der.explicit(1, der.sequence(der.oid("1.2.840.113549.1.1.8"), _SHA256)),
    der.explicit(2, der.integer(32)),
)


def keys_and_formats() -> Iterator[CredentialFiles]:
    """Yield all cases of this module."""
    yield from _kinds()
    yield from _key_encodings()
    yield from _key_labels()
    yield from _other_keys()
    yield from _other_certificates()
    yield from _absent()


def _kinds() -> Iterator[CredentialFiles]:
    """Yield a certificate and a key of every kind, in PKCS#8 and in the traditional form."""
    kinds: dict[str, Key] = {
        **{f"rsa-{bits}": rsa_key(bits) for bits in "512 768 1016 1024 3072 4096 8192".split()},
        "rsa-16384": rsa_key("16384"),
        "rsa-pss": rsa_pss_key(),
        "rsa-pss-sha256": rsa_pss_key(parameters=_PSS_SHA256),
        "p224": ec_key(ec.SECP224R1()),
        "p192": ec_key(ec.SECP192R1()),
        "p384": ec_key(ec.SECP384R1()),
        "p521": ec_key(ec.SECP521R1()),
        "secp256k1": ec_key(ec.SECP256K1()),
        "brainpool256": ec_key(ec.BrainpoolP256R1()),
        "brainpool384": ec_key(ec.BrainpoolP384R1()),
        "brainpool512": ec_key(ec.BrainpoolP512R1()),
        "ec-explicit": explicit_ec_key("client"),
        "ed25519": modern_key("ed25519"),
        "ed448": modern_key("ed448"),
        "x25519": modern_key("x25519"),
        "dsa-1024": dsa_key(1024),
        "dsa-2048": dsa_key(2048),
    }
    for kind, key in kinds.items():
        certificate = f.client_certificate(key)
        private = armour("PRIVATE KEY", key.pkcs8)
        yield changed(f"kind-{kind}", f"{kind}, PKCS#8", "key", private, cert=certificate)
        if key.traditional:
            private = armour(key.traditional_label, key.traditional)
            what = f"{kind}, {key.traditional_label}"
            yield changed(f"kind-{kind}-old", what, "key", private, cert=certificate)


def _key_encodings() -> Iterator[CredentialFiles]:
    """Yield keys whose DER is unusual, for the certificates of the same key."""
    rsa, p256 = rsa_key(), ec_private_key(ec.SECP256R1(), "client")
    of_ec: dict[str, tuple[str, bytes]] = {
        "pkcs8-inner-curve": ("curve named twice", f.pkcs8_ec_with_inner_curve()),
        "pkcs8-no-public": ("without public point", f.pkcs8_ec_without_public()),
        "pkcs8-attributes-ec": ("with attributes", f.pkcs8_with_attributes(ec_key(name="client"))),
        "pkcs8-explicit": ("explicit parameters", explicit_ec_key("client").pkcs8),
    }
    for case, (what, content) in of_ec.items():
        private = armour("PRIVATE KEY", content)
        yield changed(f"key-{case}", f"PKCS#8 EC, {what}", "key", private, cert=EC_CERT)
    of_sec1: dict[str, tuple[str, bytes]] = {
        "sec1": ("as OpenSSL writes it", sec1(p256, P256)),
        "sec1-no-curve": ("without curve", sec1(p256, b"")),
        "sec1-no-public": ("without public point", sec1(p256, P256, public=False)),
        "sec1-explicit": ("explicit parameters", sec1(p256, explicit_p256())),
        "sec1-trailing": ("a byte behind it", sec1(p256, P256) + b"\0"),
    }
    for case, (what, content) in of_sec1.items():
        private = armour("EC PRIVATE KEY", content)
        yield changed(f"key-{case}", f"SEC1, {what}", "key", private, cert=EC_CERT)
    of_rsa: dict[str, tuple[str, bytes]] = {
        "pkcs8-attributes": ("with attributes", f.pkcs8_with_attributes(rsa)),
        "pkcs8-no-null": ("without NULL", f.pkcs8_rsa_without_null(rsa)),
        "pkcs8-trailing": ("a byte behind it", rsa.pkcs8 + b"\0"),
        "pkcs8-truncated": ("the last byte missing", rsa.pkcs8[:-1]),
        "pkcs8-no-crt": ("without primes", pkcs8(der.sequence(der.oid("1.2.840.113549.1.1.1"), der.NULL), f.rsa_without_crt())),
    }  # fmt: skip
    for case, (what, content) in of_rsa.items():
        yield changed(f"key-{case}", f"PKCS#8 RSA, {what}", "key", armour("PRIVATE KEY", content))
    of_pkcs1: dict[str, tuple[str, bytes]] = {
        "pkcs1": ("as OpenSSL writes it", rsa.traditional),
        "pkcs1-no-crt": ("without primes", f.rsa_without_crt()),
        "pkcs1-wrong-crt": ("a wrong coefficient", f.rsa_wrong_crt()),
        "pkcs1-trailing": ("a byte behind it", rsa.traditional + b"\0"),
    }
    for case, (what, content) in of_pkcs1.items():
        private = armour("RSA PRIVATE KEY", content)
        yield changed(f"key-{case}", f"PKCS#1, {what}", "key", private)
    modern = f.client_certificate(modern_key("ed25519"))
    for case, tag in (("ed25519-v2", 0x81), ("ed25519-v2-a1", 0xA1)):
        private = armour("PRIVATE KEY", pkcs8_v2("ed25519", tag=tag))
        what = f"Ed25519, PKCS#8 version 2, tag {tag:02X}"
        yield changed(f"key-{case}", what, "key", private, cert=modern)


def _key_labels() -> Iterator[CredentialFiles]:
    """Yield every form of a key under every label."""
    labels = (
        *("PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY", "ANY PRIVATE KEY"),
        *("ENCRYPTED PRIVATE KEY", "OPENSSH PRIVATE KEY", "SSH2 PRIVATE KEY", "PKCS8", "KEY"),
        *("PRIVATE  KEY", "private key", "PUBLIC KEY", "CERTIFICATE", "X PRIVATE KEY", ""),
        *("X509 PRIVATE KEY", "PRIVATE KEY INFO", "ED25519 PRIVATE KEY", "PRIVATEKEY"),
    )
    forms = {
        "pkcs8": (rsa_key().pkcs8, RSA_CERT),
        "pkcs8-ec": (ec_key(name="client").pkcs8, EC_CERT),
        "pkcs1": (rsa_key().traditional, RSA_CERT),
        "sec1": (ec_key(name="client").traditional, EC_CERT),
    }
    for form, (content, certificate) in forms.items():
        for label in labels:
            case = f"label-{form}-as-{label.lower().replace(' ', '-') or 'nothing'}"
            if label == "private key":
                case += "-lower"
            elif "  " in label:
                case += "-two-spaces"
            what = f"{form} under {label or 'no label'}"
            yield changed(case, what, "key", armour(label, content), cert=certificate)


def _other_keys() -> Iterator[CredentialFiles]:
    """Yield what is not an unencrypted PEM key of PKCS#8, PKCS#1 or SEC1."""
    algorithms = {
        "aes256-sha256": f.pbes2(),
        "aes128-sha1": f.pbes2("2.16.840.1.101.3.4.1.2", "1.2.840.113549.2.7"),
        "aes256-sha512": f.pbes2(prf="1.2.840.113549.2.11"),
        "3des": f.pbes2("1.2.840.113549.3.7", "1.2.840.113549.2.7"),
        "gcm": f.pbes2("2.16.840.1.101.3.4.1.46"),
        "scrypt": f.scrypt(),
        "md5-des": f.pbes1("1.2.840.113549.1.5.3"),
        "sha1-3des": f.pbes1("1.2.840.113549.1.12.1.3"),
        "sha1-rc2-40": f.pbes1("1.2.840.113549.1.12.1.6"),
        "unknown": f.pbes1("1.3.6.1.4.1.55555.8"),
    }
    encrypted = {
        case: armour("ENCRYPTED PRIVATE KEY", f.encrypted_key(algorithm))
        for case, algorithm in algorithms.items()
    }
    for case, content in encrypted.items():
        yield changed(f"encrypted-{case}", f"encrypted PKCS#8, {case}", "key", content)
    plain_label = armour("PRIVATE KEY", f.encrypted_key(f.pbes2()))
    yield changed("encrypted-as-plain", "encrypted PKCS#8 under PRIVATE KEY", "key", plain_label)
    encrypted_der = f.encrypted_key(f.pbes2())
    yield changed("encrypted-der", "encrypted PKCS#8, DER", "key", encrypted_der)
    for cipher in (
        "AES-128-CBC",
        "AES-256-CBC",
        "DES-EDE3-CBC",
        "DES-CBC",
        "CAMELLIA-128-CBC",
        "X",
    ):
        dek = f.encrypted_traditional("RSA PRIVATE KEY", cipher)
        yield changed(f"dek-{cipher.lower()}", f"DEK-Info {cipher}", "key", dek)
    dek = f.encrypted_traditional("EC PRIVATE KEY", size=128)
    yield changed("dek-ec", "DEK-Info, EC", "key", dek, cert=EC_CERT)
    dek = f.encrypted_traditional("PRIVATE KEY")
    yield changed("dek-pkcs8", "DEK-Info under PRIVATE KEY", "key", dek)
    first = encrypted["aes256-sha256"]
    yield changed("encrypted-then-plain", "encrypted key, then ours", "key", first + RSA_KEY)
    yield changed("plain-then-encrypted", "our key, then an encrypted one", "key", RSA_KEY + first)
    dek = f.encrypted_traditional("RSA PRIVATE KEY")
    yield changed("dek-then-plain", "DEK-Info key, then ours", "key", dek + RSA_KEY)
    others: dict[str, tuple[str, bytes, bytes]] = {
        "der": ("PKCS#8, DER", rsa_key().pkcs8, RSA_CERT),
        "der-ec": ("PKCS#8 EC, DER", ec_key(name="client").pkcs8, EC_CERT),
        "der-pkcs1": ("PKCS#1, DER", rsa_key().traditional, RSA_CERT),
        "der-sec1": ("SEC1, DER", ec_key(name="client").traditional, EC_CERT),
        "der-trailing": ("PKCS#8, DER, a newline behind it", rsa_key().pkcs8 + b"\n", RSA_CERT),
        "der-truncated": ("PKCS#8, DER, cut", rsa_key().pkcs8[:-40], RSA_CERT),
        "openssh-rsa": ("OpenSSH, RSA", f.openssh_key("rsa"), RSA_CERT),
        "openssh-ec": ("OpenSSH, EC", f.openssh_key("ec"), EC_CERT),
        "putty-2": ("PuTTY 2", f.putty_key(2), RSA_CERT),
        "putty-3": ("PuTTY 3", f.putty_key(3), RSA_CERT),
        "jwk": ("JWK", f.json_web_key(), EC_CERT),
        "age": ("age identity", b"AGE-SECRET-KEY-1" + b"QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L" * 2, RSA_CERT),
        "ssh2": ("SSH2", b"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nComment: lab\nAAAA\n---- END SSH2 ENCRYPTED PRIVATE KEY ----\n", RSA_CERT),
        "ssh-public": ("an OpenSSH public key", b"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAA lab\n", RSA_CERT),
        "pkcs12": ("PKCS#12", f.pkcs12(), RSA_CERT),
        "jks": ("JKS", f.java_keystore(), RSA_CERT),
        "jceks": ("JCEKS", f.java_keystore(0xCECECECE), RSA_CERT),
        "public": ("the public key", armour("PUBLIC KEY", rsa_key().spki), RSA_CERT),
        "certificate": ("the certificate", RSA_CERT, RSA_CERT),
        "request": ("a request", armour("CERTIFICATE REQUEST", f.signing_request(rsa_key())), RSA_CERT),
        "dh-parameters": ("DH parameters", armour("DH PARAMETERS", der.sequence(der.integer(23), der.integer(5))), RSA_CERT),
        "ec-parameters-only": ("EC PARAMETERS alone", armour("EC PARAMETERS", P256), EC_CERT),
        "tpm": ("a TPM key", armour("TSS2 PRIVATE KEY", f.noise("tpm", 300)), RSA_CERT),
        "pkcs11": ("a PKCS#11 URI", b"pkcs11:token=lab;object=key;type=private\n", RSA_CERT),
        "mismatch-rsa": ("another RSA key", armour("PRIVATE KEY", rsa_key("2048-other").pkcs8), RSA_CERT),
        "mismatch-ec": ("another EC key", armour("PRIVATE KEY", ec_key(name="other").pkcs8), EC_CERT),
        "mismatch-kind": ("an EC key for an RSA certificate", EC_KEY, RSA_CERT),
        "mismatch-curve": ("a P-384 key for a P-256 certificate", armour("PRIVATE KEY", ec_key(ec.SECP384R1()).pkcs8), EC_CERT),
        "mismatch-pss": ("an RSA key for an RSASSA-PSS certificate", RSA_KEY, f.client_certificate(rsa_pss_key())),
        "rsa-as-pss": ("an RSASSA-PSS key for an RSA certificate", armour("PRIVATE KEY", rsa_pss_key().pkcs8), RSA_CERT),
        "explicit-certificate": ("a named key, explicit parameters in the certificate", EC_KEY, f.client_certificate(explicit_ec_key("client"))),
    }  # fmt: skip
    for case, (what, content, certificate) in others.items():
        yield changed(f"format-{case}-key", what, "key", content, cert=certificate)


def _other_certificates() -> Iterator[CredentialFiles]:
    """Yield other formats of the client's certificate and of the CA's."""
    leaf, root = ROOT.client(rsa_key()), ROOT.own_certificate()
    for role, der_, other in (("cert", leaf, root), ("ca", root, leaf)):
        contents: dict[str, tuple[str, bytes]] = {
            "der": ("DER", der_),
            "der-newline": ("DER, a newline behind it", der_ + b"\n"),
            "der-truncated": ("DER, cut", der_[:-30]),
            "der-twice": ("two certificates in DER", der_ + other),
            "der-other-first": ("another certificate first, DER", other + der_),
            "der-base64": ("base64 of DER without armour", armour("", der_).split(b"\n", 1)[1].rsplit(b"\n", 2)[0]),
            "ber": ("BER of indefinite length", armour("CERTIFICATE", der.indefinite(0x30, der_[4:]))),
            "ber-der": ("BER of indefinite length, binary", der.indefinite(0x30, der_[4:])),
            "pkcs7": ("PKCS#7", armour("PKCS7", f.pkcs7(der_))),
            "pkcs7-der": ("PKCS#7, DER", f.pkcs7(der_)),
            "pkcs7-as-certificate": ("PKCS#7 under CERTIFICATE", armour("CERTIFICATE", f.pkcs7(der_))),
            "pkcs7-two": ("PKCS#7 with two certificates", armour("PKCS7", f.pkcs7(der_, other))),
            "pkcs7-empty": ("PKCS#7 without certificates", armour("PKCS7", f.pkcs7())),
            "cms": ("PKCS#7 under CMS", armour("CMS", f.pkcs7(der_))),
            "trusted": ("TRUSTED CERTIFICATE", armour("TRUSTED CERTIFICATE", f.trusted(der_))),
            "trusted-bare": ("TRUSTED CERTIFICATE without purposes", armour("TRUSTED CERTIFICATE", der_)),
            "trusted-as-plain": ("trusted content under CERTIFICATE", armour("CERTIFICATE", f.trusted(der_))),
            "x509": ("X509 CERTIFICATE", armour("X509 CERTIFICATE", der_)),
            "x509-crt": ("X.509 CERTIFICATE", armour("X.509 CERTIFICATE", der_)),
            "user": ("USER CERTIFICATE", armour("USER CERTIFICATE", der_)),
            "cert": ("CERT", armour("CERT", der_)),
            "attribute": ("ATTRIBUTE CERTIFICATE", armour("ATTRIBUTE CERTIFICATE", der_)),
            "lower": ("certificate in lower case", armour("certificate", der_)),
            "as-key": ("under PRIVATE KEY", armour("PRIVATE KEY", der_)),
            "as-request": ("under CERTIFICATE REQUEST", armour("CERTIFICATE REQUEST", der_)),
            "request": ("a request", armour("CERTIFICATE REQUEST", f.signing_request(rsa_key()))),
            "new-request": ("NEW CERTIFICATE REQUEST", armour("NEW CERTIFICATE REQUEST", f.signing_request(rsa_key()))),
            "crl": ("a revocation list", armour("X509 CRL", f.revocation_list())),
            "crl-der": ("a revocation list, DER", f.revocation_list()),
            "public": ("a public key", armour("PUBLIC KEY", rsa_key().spki)),
            "key": ("the private key", RSA_KEY),
            "key-as-certificate": ("a key under CERTIFICATE", armour("CERTIFICATE", rsa_key().pkcs8)),
            "text-as-certificate": ("text under CERTIFICATE", armour("CERTIFICATE", b"no certificate")),
            "nothing-as-certificate": ("an empty SEQUENCE under CERTIFICATE", armour("CERTIFICATE", b"0\0")),
            "pkcs12": ("PKCS#12", f.pkcs12()),
            "jks": ("JKS", f.java_keystore()),
            "ssh": ("an OpenSSH certificate", b"ssh-rsa-cert-v01@openssh.com AAAAHHNzaC1yc2E lab\n"),
            "spki-hash": ("a pin", b"sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"),
        }  # fmt: skip
        for case, (what, content) in contents.items():
            yield changed(f"format-{case}-{role}", what, role, content)


def _absent() -> Iterator[CredentialFiles]:
    """Yield settings that are not given, files that are missing, and paths of another kind."""
    for role in ("cert", "key", "ca"):
        for each in Absent:
            case = each.name.lower().replace("_", "-")
            yield changed(f"{case}-{role}", each.value, role, each)
    for each in (Absent.NOT_SET, Absent.MISSING):
        case = each.name.lower().replace("_", "-")
        yield CredentialFiles(f"{case}-pair", f"both: {each.value}", "cert", each, each, CA)
    nothing = Absent.NOT_SET
    yield CredentialFiles("not-set-all", "nothing is set", "ca", nothing, nothing, nothing)
    yield CredentialFiles("swapped", "certificate and key swapped", "cert", RSA_KEY, RSA_CERT, CA)
    yield CredentialFiles("ca-as-cert", "the CA as certificate", "cert", CA, RSA_KEY, CA)
    yield CredentialFiles("cert-as-ca", "our certificate as CA", "ca", RSA_CERT, RSA_KEY, RSA_CERT)
