"""Web files of exporter-toolkit's format, good and bad, with what this server and promtool say.

The same table is judged by our own reader (tests of the unit) and by a real promtool (the lab).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import bcrypt
from cryptography.hazmat.primitives import serialization

from tests.support.pki import Authority, write_pem

PASSWORD: Final = b"correct horse"
HASH: Final = bcrypt.hashpw(PASSWORD, bcrypt.gensalt(4)).decode()
PAIR: Final = {"cert_file": "server.pem", "key_file": "server-key.pem"}
MTLS: Final = {
    **PAIR,
    "client_ca_file": "client-ca.pem",
    "client_auth_type": "RequireAndVerifyClientCert",
}


class ServerPki:
    """The files of a server in one folder: its pair, the CA of its clients, and unusable ones."""

    def __init__(self, folder: Path) -> None:
        """Make them all."""
        self.folder = folder
        self.server_ca = Authority.root("Server CA")
        self.client_ca = Authority.root("Client CA")
        self.server_ca_file = write_pem(folder, "server-ca.pem", self.server_ca.pem)
        self.renew()
        self.trust(self.client_ca)
        issued = self.server_ca.issue("other", usages=("serverAuth",))
        write_pem(folder, "other-key.pem", issued.key_pem)
        locked = issued.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"a pass phrase"),
        )
        write_pem(folder, "locked-key.pem", locked)
        write_pem(folder, "empty.pem", b"nothing here\n")

    def renew(self, name: str = "server") -> int:
        """Write a new pair of the server; return its serial number."""
        issued = self.server_ca.issue("mtls-probe", usages=("serverAuth",))
        write_pem(self.folder, f"{name}.pem", issued.pem)
        write_pem(self.folder, f"{name}-key.pem", issued.key_pem)
        return issued.certificate.serial_number

    def trust(self, *authorities: Authority) -> None:
        """Let the server trust clients of these, and of no other."""
        write_pem(self.folder, "client-ca.pem", b"".join(each.pem for each in authorities))

    def write(self, content: Mapping[str, Any] | str, name: str = "web.yml") -> Path:
        """Write a web file; every JSON document is a YAML document."""
        file = self.folder / name
        file.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
        return file


@dataclass(frozen=True)
class Case:
    """A web file, with our verdict and promtool's."""

    name: str
    content: Mapping[str, Any] | str
    key: str = ""
    """Which key we refuse; empty: we accept the file."""
    because: str = ""
    """Where promtool accepts what we refuse: why we do not."""
    young: bool = False
    """Whether promtool's verdict depends on its age: an old one does not know the keys."""
    promtool_too: bool = True
    """Whether a promtool that knows them agrees with us."""

    def __str__(self) -> str:
        """Name the test."""
        return self.name


def tls(**keys: Any) -> dict[str, Any]:
    """Return a file with `tls_server_config`."""
    return {"tls_server_config": {**PAIR, **keys}}


def mtls(**keys: Any) -> dict[str, Any]:
    """Return a file that demands a client certificate."""
    return {"tls_server_config": {**MTLS, **keys}}


def headers(**named: str) -> dict[str, Any]:
    """Return a file that sets headers; `_` stands for `-`."""
    named = {name.replace("_", "-"): value for name, value in named.items()}
    return {"http_server_config": {"headers": named}}


def users(**hashes: Any) -> dict[str, Any]:
    """Return a file with passwords."""
    return {"basic_auth_users": hashes}


def stricter(
    name: str, content: Mapping[str, Any], key: str, because: str, *, young: bool = False
) -> Case:
    """Return what promtool accepts and we do not."""
    return Case(name, content, key, because, young=young, promtool_too=False)


ALL_HEADERS: Final = headers(
    Strict_Transport_Security="max-age=31536000",
    X_Content_Type_Options="nosniff",
    X_Frame_Options="sameorigin",
    X_XSS_Protection="0",
    Content_Security_Policy="frame-ancestors 'self'",
)
SUITE: Final = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
RSA_SUITE: Final = "TLS_RSA_WITH_AES_128_GCM_SHA256"
TLS = "tls_server_config"

CASES: Final = (
    Case("empty", ""),
    Case("empty mappings", {TLS: {}, "http_server_config": {}, "basic_auth_users": {}}),
    Case("null sections", f"{TLS}:\nhttp_server_config:\nbasic_auth_users:\n"),
    Case("certificate and key", tls()),
    Case("no client certificate", tls(client_auth_type="NoClientCert")),
    Case("client certificate demanded", mtls()),
    Case("client certificate verified if given", mtls(client_auth_type="VerifyClientCertIfGiven")),
    Case("allowed names", mtls(client_allowed_sans=["a.example"]), young=True),
    Case("versions", tls(min_version="TLS12", max_version="TLS13")),
    Case("only TLS 1.3", tls(min_version="TLS13")),
    Case("a suite", tls(cipher_suites=[SUITE, "TLS_AES_128_GCM_SHA256"])),
    Case("suites of TLS 1.3 only", tls(cipher_suites=["TLS_AES_256_GCM_SHA384"])),
    Case("client's order of suites", tls(prefer_server_cipher_suites=False)),
    *(Case(name, tls(curve_preferences=[name])) for name in ("X25519", "CurveP256", "CurveP521")),
    Case("HTTP/2 off", {"http_server_config": {"http2": False}}),
    Case("HTTP/2 on", {"http_server_config": {"http2": True}}),
    Case("all headers", ALL_HEADERS),
    Case("a user", users(prometheus=HASH)),
    Case("hashes of htpasswd and old ones", users(a=HASH.replace("$2b", "$2y"), b=HASH)),
    Case("everything", mtls() | ALL_HEADERS | users(prometheus=HASH)),
    Case("rate limit", {"rate_limit": {"interval": "1s", "burst": 20}}, young=True),
    Case("no rate limit", {"rate_limit": {"interval": 0}}, young=True),
    # Refused by both.
    Case("not YAML", "{", "-"),
    Case("a list", "[]\n", "-"),
    Case("a key twice", "http_server_config: {}\nhttp_server_config: {}\n", "http_server_config"),
    Case("unknown key", {"tls_config": {}}, "tls_config"),
    Case("unknown key within", tls(cert_fil="server.pem"), f"{TLS}.cert_fil"),
    Case("no key file", {TLS: {"cert_file": "server.pem"}}, f"{TLS}.key_file"),
    Case("no certificate file", {TLS: {"key_file": "server-key.pem"}}, f"{TLS}.cert_file"),
    Case("missing certificate file", tls(cert_file="no.pem"), f"{TLS}.cert_file"),
    Case("missing key file", tls(key_file="no.pem"), f"{TLS}.key_file"),
    Case("missing CA file", mtls(client_ca_file="no.pem"), f"{TLS}.client_ca_file"),
    Case("certificate of nothing", tls(cert_file="empty.pem"), f"{TLS}.cert_file"),
    Case("key of nothing", tls(key_file="empty.pem"), f"{TLS}.key_file"),
    Case("key of another", tls(key_file="other-key.pem"), f"{TLS}.key_file"),
    Case("encrypted key", tls(key_file="locked-key.pem"), f"{TLS}.key_file"),
    Case("client auth misspelt", mtls(client_auth_type="RequireAndVerify"), f"{TLS}.client_auth_type"),
    Case("CA without a policy", tls(client_ca_file="client-ca.pem"), f"{TLS}.client_auth_type"),
    Case("no version", tls(min_version="1.2"), f"{TLS}.min_version"),
    Case("no suite", tls(cipher_suites=["ECDHE-ECDSA-AES128-GCM-SHA256"]), f"{TLS}.cipher_suites[0]"),
    Case("no curve", tls(curve_preferences=["P256"]), f"{TLS}.curve_preferences[0]"),
    Case("foreign header", headers(Server="x"), "http_server_config.headers.Server"),
    Case("header in lower case", headers(x_frame_options="deny"), "http_server_config.headers.x-frame-options"),
    Case("frame options", headers(X_Frame_Options="none"), "http_server_config.headers.X-Frame-Options"),
    Case("HTTP/2 in words", {"http_server_config": {"http2": "maybe"}}, "http_server_config.http2"),
    Case("password in plaintext", users(prometheus="secret"), "basic_auth_users.prometheus"),
    Case("half a hash", users(prometheus=HASH[:40]), "basic_auth_users.prometheus"),
    Case("no password", users(prometheus=None), "basic_auth_users.prometheus"),
    Case("users as text", {"basic_auth_users": f"prometheus:{HASH}"}, "basic_auth_users"),
    # promtool accepts these.
    stricter("any client certificate", mtls(client_auth_type="RequireAnyClientCert"), f"{TLS}.client_auth_type", "OpenSSL cannot take it unverified"),
    stricter("any, by its old name", mtls(client_auth_type="RequireClientCert"), f"{TLS}.client_auth_type", "OpenSSL cannot take it unverified"),
    stricter("client certificate asked for", mtls(client_auth_type="RequestClientCert"), f"{TLS}.client_auth_type", "OpenSSL cannot take it unverified"),
    stricter("no CA of clients", tls(client_auth_type="RequireAndVerifyClientCert"), f"{TLS}.client_ca_file", "any client of a public CA would be accepted"),
    stricter("CA file of nothing", mtls(client_ca_file="empty.pem"), f"{TLS}.client_ca_file", "every client would be refused"),
    stricter("TLS 1.1", tls(min_version="TLS11"), f"{TLS}.min_version", "RFC 8996"),
    stricter("least above most", tls(min_version="TLS13", max_version="TLS12"), f"{TLS}.min_version", "every handshake would fail"),
    stricter("no suite for TLS 1.2", tls(cipher_suites=["TLS_AES_128_GCM_SHA256"], max_version="TLS12"), f"{TLS}.cipher_suites", "every handshake would fail"),
    stricter("a suite without forward secrecy", tls(cipher_suites=[RSA_SUITE]), f"{TLS}.cipher_suites[0]", "Go holds it to be insecure since 1.22", young=True),
    stricter("two curves", tls(curve_preferences=["X25519", "CurveP256"]), f"{TLS}.curve_preferences", "Python's ssl takes one"),
    stricter("TLS without a certificate", {TLS: {"min_version": "TLS13"}}, f"{TLS}.cert_file", "plain HTTP would be served"),
    stricter("a header of two lines", headers(X_XSS_Protection="0\nX: y"), "http_server_config.headers.X-XSS-Protection", "it would be another header"),
    stricter("a costly hash", users(a=HASH.replace("$04$", "$31$")), "basic_auth_users.a", "one check would take days"),
    stricter("client CA inline, and a file", mtls(client_ca="x"), f"{TLS}.client_ca", "they may differ", young=True),
    stricter("certificate inline", tls(cert="x"), f"{TLS}.cert", "Python's ssl reads a file", young=True),
    stricter("key inline", tls(key="-----BEGIN PRIVATE KEY-----"), f"{TLS}.key", "Python's ssl reads a file", young=True),
    stricter("names without a certificate", tls(client_allowed_sans=["a"]), f"{TLS}.client_allowed_sans", "nobody would be asked", young=True),
    stricter("names where none is needed", mtls(client_allowed_sans=["a"], client_auth_type="VerifyClientCertIfGiven"), f"{TLS}.client_allowed_sans", "as exporter-toolkit after 0.20", young=True),
    stricter("names of nobody", mtls(client_allowed_sans=[]), f"{TLS}.client_allowed_sans", "nobody would get in", young=True),
    stricter("burst of nothing", {"rate_limit": {"interval": "1s"}}, "rate_limit.burst", "every request would be refused", young=True),
    stricter("interval without unit", {"rate_limit": {"interval": 5, "burst": 1}}, "rate_limit.interval", "it would be nanoseconds", young=True),
    stricter("interval below nothing", {"rate_limit": {"interval": "-1s", "burst": 1}}, "rate_limit.interval", "it would be no limit", young=True),
    Case("interval in words", {"rate_limit": {"interval": "soon", "burst": 1}}, "rate_limit.interval", young=True),
)  # fmt: skip
