"""Files that are not what their setting needs, each with the expected fact and fix."""

import base64
import datetime as dt
import gzip
import json

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
    pkcs7,
    pkcs12,
)

from probe.credentials.content import Content
from probe.credentials.formats.recognise import Format
from probe.model.finding import Finding, Role
from tests.support.pki import issue, key_pem, name_of

CA = issue("CA", ca=True)
LEAF_KEY = ec.generate_private_key(ec.SECP256R1())
LEAF = issue("client", CA, key=LEAF_KEY)
RSA = rsa.generate_private_key(65537, 2048)
ENCRYPTION = BestAvailableEncryption(b"passphrase")
CSR = (
    x509.CertificateSigningRequestBuilder()
    .subject_name(name_of("x"))
    .sign(LEAF.key, hashes.SHA256())
)
CRL = (
    x509.CertificateRevocationListBuilder()
    .issuer_name(CA.certificate.subject)
    .last_update(dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    .next_update(dt.datetime(2027, 1, 1, tzinfo=dt.UTC))
    .sign(CA.key, hashes.SHA256())
)
PUBLIC = LEAF.key.public_key()
P12 = pkcs12.serialize_key_and_certificates(
    b"n", LEAF_KEY, LEAF.certificate, [CA.certificate], ENCRYPTION
)


STRANGE: dict[str, tuple[bytes, Role, Format, str, str]] = {
    "empty": (b" \n", "cert", Format.EMPTY, "is empty", "CERTIFICATE"),
    "der": (LEAF.der, "cert", Format.DER_CERTIFICATE, "DER cert", "x509 -inform DER -in /etc/otel/cert"),
    "der key": (LEAF.key_der, "key", Format.DER_KEY, "DER private", "pkey -inform DER"),
    "pkcs12": (P12, "cert", Format.PKCS12, "PKCS#12", "openssl pkcs12 -in /etc/otel/cert -clcerts"),
    "pkcs12 key": (P12, "key", Format.PKCS12, "PKCS#12", "-nocerts -nodes"),
    "jks": (b"\xfe\xed\xfe\xed\0\0\0\2", "cert", Format.JKS, "JKS", "keytool -importkeystore"),
    "jceks": (b"\xce\xce\xce\xce\0\0\0\2", "key", Format.JCEKS, "JCEKS", "-srcstoretype JCEKS"),
    "utf16": (LEAF.pem.decode().encode("utf-16"), "cert", Format.UTF16, "UTF-16", "iconv -f UTF-16"),
    "utf16 bare": (LEAF.pem.decode().encode("utf-16-be"), "cert", Format.UTF16, "UTF-16", "iconv"),
    "openssh": (key_pem(LEAF.key, PrivateFormat.OpenSSH), "key", Format.PEM, "OpenSSH", "-m PEM"),
    "ssh public": (
        PUBLIC.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH), "key",
        Format.OPENSSH_PUBLIC_KEY, "OpenSSH public", "PRIVATE KEY",
    ),
    "csr": (CSR.public_bytes(Encoding.PEM), "cert", Format.PEM, "signing request", "to your CA"),
    "csr der": (CSR.public_bytes(Encoding.DER), "cert", Format.DER_CSR, "signing request", "to your CA"),
    "public key": (
        PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), "key",
        Format.PEM, "holds a public key", "PRIVATE KEY",
    ),
    "public key der": (
        PUBLIC.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), "key",
        Format.DER_PUBLIC_KEY, "DER public key", "PRIVATE KEY",
    ),
    "key for certificate": (LEAF.key_pem, "cert", Format.PEM, "a private key where", "exchanged"),
    "certificate for key": (LEAF.pem, "key", Format.PEM, "a certificate where", "exchanged"),
    "pkcs7": (
        pkcs7.serialize_certificates([LEAF.certificate], Encoding.PEM), "cert",
        Format.PEM, "PKCS#7", "pkcs7 -print_certs",
    ),
    "pkcs7 der": (
        pkcs7.serialize_certificates([LEAF.certificate], Encoding.DER), "ca",
        Format.DER_PKCS7, "PKCS#7", "pkcs7 -inform DER",
    ),
    "truncated der": (LEAF.der[:-20], "cert", Format.DER_TRUNCATED, "truncated", "CERTIFICATE"),
    "base64 of pem": (base64.b64encode(LEAF.pem), "cert", Format.BASE64_PEM, "Secret", "base64 -d"),
    "bare base64": (base64.b64encode(LEAF.der), "cert", Format.BASE64_DER, "BEGIN", "| openssl x509"),
    "escaped": (
        LEAF.pem.replace(b"\n", b"\\n"), "cert", Format.ESCAPED_PEM, "two characters", r"s/\\n/\n/g",
    ),
    "carriage returns": (
        LEAF.pem.replace(b"\n", b"\r"), "cert", Format.CARRIAGE_RETURNS, "carriage", "tr ",
    ),
    "base64 twice": (
        base64.b64encode(base64.b64encode(LEAF.pem)), "cert", Format.BASE64_PEM, "2 times over",
        "| base64 -d >",
    ),
    "base64 of a key": (
        base64.b64encode(LEAF.key_der), "key", Format.BASE64_DER, "BEGIN", "| openssl pkey",
    ),
    "base64 of a keystore": (
        base64.b64encode(P12), "cert", Format.BASE64_KEYSTORE, "base64 of a keystore", "pkcs12 -in",
    ),
    "gzip": (gzip.compress(LEAF.pem), "cert", Format.GZIP, "compressed with gzip", "gzip -dc"),
    "zip": (b"PK\x03\x04\0\0", "cert", Format.ZIP, "ZIP archive", "unzip"),
    "der with a line break": (
        LEAF.der + b"\n", "cert", Format.DER_CERTIFICATE, "1 bytes follow", "x509 -inform",
    ),
    "der crl": (CRL.public_bytes(Encoding.DER), "ca", Format.DER_CRL, "revocation list", "CA's"),
    "ssh certificate": (
        b"ssh-ed25519-cert-v01@openssh.com AAAA", "cert", Format.OPENSSH_CERTIFICATE,
        "not an X.509 certificate", "CERTIFICATE",
    ),
    "vault": (
        json.dumps({"data": {"certificate": LEAF.pem.decode(), "issuing_ca": CA.pem.decode()}}).encode(),
        "cert", Format.JSON, "a certificate under data.certificate", "jq -r .data.certificate",
    ),
    "vault ca": (
        json.dumps({"data": {"certificate": LEAF.pem.decode(), "issuing_ca": CA.pem.decode()}}).encode(),
        "ca", Format.JSON, "a certificate under data.issuing_ca", "jq -r .data.issuing_ca",
    ),
    "secret as JSON": (
        json.dumps({"data": {"tls.key": base64.b64encode(LEAF.key_pem).decode()}}).encode(),
        "key", Format.JSON, "a private key under data.tls.key", '.data["tls.key"]',
    ),
    "secret": (
        b"kind: Secret\ndata:\n  ca.crt: " + base64.b64encode(CA.pem)
        + b"\n  tls.crt: " + base64.b64encode(LEAF.pem) + b"\n",
        "cert", Format.MANIFEST, "Kubernetes Secret", "| base64 -d >",
    ),
    "html": (b"<!DOCTYPE html><p>login", "ca", Format.HTML, "HTML", "CA's certificate"),
    "json": (b'{"data": {}}', "ca", Format.JSON, "JSON", "CA's certificate"),
    "ansible": (b"$ANSIBLE_VAULT;1.1;AES256\n6233\n", "key", Format.ANSIBLE_VAULT, "Ansible", "KEY"),
    "sops": (
        b'{"data": "ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]", "sops": {}}', "key", Format.SOPS,
        "encrypted by SOPS", "PRIVATE KEY",
    ),
    "age": (b"age-encryption.org/v1\n-> X25519 x\n", "key", Format.AGE, "by age", "PRIVATE KEY"),
    "git-crypt": (b"\0GITCRYPT\0\1\2", "cert", Format.GIT_CRYPT, "git-crypt", "CERTIFICATE"),
    "git lfs": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 12\n", "cert",
        Format.GIT_LFS, "pointer of Git LFS", "CERTIFICATE",
    ),
    "helm": (b"{{ .Values.tls.crt }}\n", "cert", Format.TEMPLATE, "template", "CERTIFICATE"),
    "vault agent": (
        b'{{ with secret "pki/issue/x" }}\n{{ .Data.certificate }}\n{{ end }}', "cert",
        Format.TEMPLATE, "template", "CERTIFICATE",
    ),
    "variable": (b"${TLS_KEY}\n", "key", Format.TEMPLATE, "template", "PRIVATE KEY"),
    "no value": (b"<no value>", "ca", Format.TEMPLATE, "template", "CA's certificate"),
    "a path": (b"/etc/otel/tls.crt\n", "cert", Format.REFERENCE, "name of a file", "CERTIFICATE"),
    "a secret's name": (b"op://prod/otel/key", "key", Format.REFERENCE, "of a secret", "KEY"),
    "in quotes": (b'"' + LEAF.pem.strip() + b'"\n', "cert", Format.HIDDEN_PEM, "quotation", "sed -E"),
    "behind a name": (
        b"tls.key=" + LEAF.key_pem, "key", Format.HIDDEN_PEM, "before BEGIN", "sed -E",
    ),
    "text": (b"see the wiki\n", "ca", Format.TEXT, "without any PEM", "CA's certificate"),
    "binary": (b"\x00\x01\xff\xfe" * 9, "cert", Format.BINARY, "binary", "CERTIFICATE"),
    "no END": (LEAF.pem[:-30], "cert", Format.PEM, "no END line: it is truncated", "Copy /etc"),
    "one line": (
        LEAF.pem.replace(b"\n", b""), "cert", Format.PEM, "is on one line", "sed ",
    ),
    "indented": (
        LEAF.pem.replace(b"-----BEGIN", b"  -----BEGIN"), "cert", Format.PEM, "indented", "sed ",
    ),
    "no BEGIN": (
        LEAF.pem[3:] + CA.pem, "cert", Format.PEM, "has no BEGIN line before it", "Copy",
    ),
    "wrong END": (
        LEAF.pem.replace(b"END CERT", b"END X CERT"), "cert", Format.PEM, "does not fit", "Copy",
    ),
    "not a certificate inside": (
        LEAF.pem[:28] + base64.b64encode(LEAF.der[:90]) + b"\n-----END CERTIFICATE-----\n", "cert",
        Format.PEM, "does not parse as a certificate: ", "Copy",
    ),
}  # fmt: skip
"""By name: content, role, format, what the fact says, what the fix says."""


def only_fault(content: Content) -> Finding:
    """Return the one fault there is."""
    assert len(content.faults) == 1, content.faults
    return content.faults[0]
