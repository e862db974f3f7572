"""Real OTLP servers that take one cipher suite, group, signature scheme or version each.

nginx (OpenSSL) for all that its OpenSSL has, in one process with a port for each; Go's net/http for
the hybrid groups. What each requires, and whether Go's clients offer it, is a table.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

from tests.lab.compiled import go_server
from tests.lab.credentials import LabPki, Pair
from tests.lab.nginx import run_nginx
from tests.lab.servers import HOST, process, started
from tests.support.pki import PrivateKey
from tests.support.ports import reserved_port

Kind = Literal["cipher", "group", "signature", "version"]
KeyKind = Literal["rsa", "p256", "p384", "p521", "ed25519", "ed448", "bp256"]

PROGRAM: Final = Path(__file__).parent / "stacks" / "go_server.go"


@dataclass(frozen=True, slots=True)
class Narrow:
    """A server that takes one thing only."""

    name: str
    kind: Kind
    offered: bool
    """Whether Go's clients offer it: read in crypto/tls, and proven by the Collector in the test."""
    over_grpc: bool = True
    """Whether those of gRPC do: grpc-go leaves some suites out."""
    tls: str = "1.2"
    key: KeyKind = "rsa"
    settings: tuple[str, ...] = ()
    """Directives of nginx; empty: Go's server with the group `name`."""


def _suite(openssl: str, *, offered: bool, key: KeyKind = "rsa") -> Narrow:
    settings = (f"ssl_ciphers {openssl}:@SECLEVEL=0", "ssl_dhparam DHPARAM")
    over_grpc = not openssl.endswith("-SHA")
    return Narrow(openssl, "cipher", offered, over_grpc, key=key, settings=settings)


def _tls13_suite(name: str, *, offered: bool) -> Narrow:
    settings = (f"ssl_conf_command Ciphersuites {name}",)
    return Narrow(name, "cipher", offered, tls="1.3", settings=settings)


def _group(name: str, tls: str, *, offered: bool) -> Narrow:
    ciphers = "ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0"
    settings = (f"ssl_ecdh_curve {name}", f"ssl_ciphers {ciphers}")
    return Narrow(f"{name}@{tls}", "group", offered, tls=tls, settings=settings)


def _scheme(name: str, tls: str, key: KeyKind, *, offered: bool) -> Narrow:
    settings = (
        f"ssl_conf_command SignatureAlgorithms {name}",
        "ssl_ciphers ALL:@SECLEVEL=0",
    )
    return Narrow(f"{name}@{tls}", "signature", offered, tls=tls, key=key, settings=settings)


def _version(tls: str, *, offered: bool) -> Narrow:
    settings = ("ssl_ciphers DEFAULT:@SECLEVEL=0",)
    return Narrow(f"TLS {tls}", "version", offered, tls=tls, settings=settings)


_ECDSA: Final = (
    "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA",
)  # fmt: skip
_ECDHE_RSA: Final = (
    "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-RSA-AES128-SHA", "ECDHE-RSA-AES256-SHA",
)  # fmt: skip
_NOT_OF_GO: Final = (
    "AES128-GCM-SHA256", "AES256-GCM-SHA384", "AES128-SHA", "AES256-SHA", "AES128-SHA256",
    "AES256-SHA256", "ECDHE-RSA-AES128-SHA256", "ECDHE-RSA-AES256-SHA384",
    "DHE-RSA-AES128-GCM-SHA256", "DHE-RSA-AES256-GCM-SHA384", "DHE-RSA-CHACHA20-POLY1305",
    "DHE-RSA-AES128-SHA", "AES128-CCM", "DHE-RSA-AES256-CCM8", "CAMELLIA128-SHA",
    "ECDHE-RSA-CAMELLIA256-SHA384", "ECDHE-ARIA128-GCM-SHA256",
)  # fmt: skip
_NOT_OF_GO_ECDSA: Final = (
    "ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA384", "ECDHE-ECDSA-AES128-CCM",
    "ECDHE-ECDSA-AES128-CCM8",
)  # fmt: skip

NARROW: Final = {
    each.name: each
    for each in (
        *(_suite(name, offered=True, key="p256") for name in _ECDSA),
        *(_suite(name, offered=True) for name in _ECDHE_RSA),
        *(_suite(name, offered=False) for name in _NOT_OF_GO),
        *(_suite(name, offered=False, key="p256") for name in _NOT_OF_GO_ECDSA),
        _tls13_suite("TLS_AES_128_GCM_SHA256", offered=True),
        _tls13_suite("TLS_AES_256_GCM_SHA384", offered=True),
        _tls13_suite("TLS_CHACHA20_POLY1305_SHA256", offered=True),
        _tls13_suite("TLS_AES_128_CCM_SHA256", offered=False),
        _tls13_suite("TLS_AES_128_CCM_8_SHA256", offered=False),
        *(
            _group(name, tls, offered=True)
            for name in ("X25519", "P-256", "P-384", "P-521")
            for tls in ("1.2", "1.3")
        ),
        *(_group("X448", tls, offered=False) for tls in ("1.2", "1.3")),
        *(_group(name, "1.3", offered=False) for name in ("ffdhe2048", "ffdhe3072", "ffdhe8192")),
        *(
            _group(name, "1.2", offered=False)
            for name in ("brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1")
        ),
        Narrow("X25519MLKEM768", "group", offered=True, tls="1.3"),
        Narrow("SecP256r1MLKEM768", "group", offered=False, tls="1.3"),
        Narrow("SecP384r1MLKEM1024", "group", offered=False, tls="1.3"),
        *(
            _scheme(f"rsa_pss_rsae_sha{bits}", tls, "rsa", offered=True)
            for bits in (256, 384, 512)
            for tls in ("1.2", "1.3")
        ),
        *(_scheme(f"rsa_pkcs1_sha{bits}", "1.2", "rsa", offered=True) for bits in (256, 384, 512)),
        *(
            _scheme(name, tls, key, offered=True)
            for name, key in (
                ("ecdsa_secp256r1_sha256", "p256"),
                ("ecdsa_secp384r1_sha384", "p384"),
                ("ecdsa_secp521r1_sha512", "p521"),
                ("ed25519", "ed25519"),
            )
            for tls in ("1.2", "1.3")
        ),
        *(_scheme("ed448", tls, "ed448", offered=False) for tls in ("1.2", "1.3")),
        _scheme("RSA+SHA1", "1.2", "rsa", offered=False),
        _scheme("RSA+SHA224", "1.2", "rsa", offered=False),
        _scheme("ECDSA+SHA1", "1.2", "p256", offered=False),
        _scheme("ECDSA+SHA224", "1.2", "p256", offered=False),
        _version("1.0", offered=False),
        _version("1.1", offered=False),
        _version("1.2", offered=True),
        _version("1.3", offered=True),
    )
}  # fmt: skip


@contextmanager
def narrow_servers(folder: Path, pki: LabPki) -> Iterator[dict[str, int]]:
    """Run one server for each of NARROW, and yield their ports."""
    with ExitStack() as stack:
        dhparam = folder / "dhparam.pem"
        dhparam.write_text(_FFDHE2048, encoding="ascii")
        (folder / "message").write_bytes(bytes(5))
        ports: dict[str, int] = {}
        servers = []
        for each in NARROW.values():
            if not each.settings:
                ports[each.name] = stack.enter_context(_serve_go(folder, pki, each))
                continue
            ports[each.name] = port = stack.enter_context(reserved_port())
            lines = [
                f"listen {HOST}:{port} ssl http2",
                f"ssl_certificate {key_pair(pki, each.key).cert_file}",
                f"ssl_certificate_key {key_pair(pki, each.key).key_file}",
                f"ssl_protocols {_PROTOCOLS[each.tls]}",
                *(line.replace("DHPARAM", str(dhparam)) for line in each.settings),
            ]
            answers = _ANSWERS.format(folder=folder)
            servers.append(f"server {{ {' '.join(f'{line};' for line in lines)} {answers} }}")
        first = next(each.name for each in NARROW.values() if each.settings)
        stack.enter_context(run_nginx(folder, ports[first], http="\n".join(servers)))
        yield ports


# As in stacks/nginx.py: the answer to a gRPC call stands in for the 405 of a POST to a file.
_ANSWERS: Final = (
    "location / {{ default_type application/x-protobuf; return 200; }} "
    "location /opentelemetry.proto. {{ default_type application/grpc; root {folder}; "
    "try_files /message =500; error_page 405 =200 /message; add_trailer grpc-status 0 always; }} "
    "location = /message {{ default_type application/grpc; root {folder}; "
    "error_page 405 =200 /message; add_trailer grpc-status 0 always; }}"
)
_PROTOCOLS: Final = {"1.0": "TLSv1", "1.1": "TLSv1.1", "1.2": "TLSv1.2", "1.3": "TLSv1.3"}


@contextmanager
def _serve_go(folder: Path, pki: LabPki, narrow: Narrow) -> Iterator[int]:
    pair = key_pair(pki, narrow.key)
    command = [str(go_server(PROGRAM)), "-grpc", "-tls", narrow.tls]
    command += ["-group", narrow.name]
    command += ["-cert", str(pair.cert_file), "-key", str(pair.key_file)]
    with process(command, folder / f"go-{narrow.name}.log") as log:
        yield int(started(log, r"port (\d+)")[1])


def _new_key(kind: KeyKind) -> PrivateKey:
    match kind:
        case "rsa":
            return rsa.generate_private_key(65537, 2048)
        case "ed25519":
            return ed25519.Ed25519PrivateKey.generate()
        case "ed448":
            return ed448.Ed448PrivateKey.generate()  # type: ignore[return-value]  # wider than ours
        case "p256":
            return ec.generate_private_key(ec.SECP256R1())
        case "p384":
            return ec.generate_private_key(ec.SECP384R1())
        case "p521":
            return ec.generate_private_key(ec.SECP521R1())
        case "bp256":
            return ec.generate_private_key(ec.BrainpoolP256R1())


def key_pair(pki: LabPki, kind: KeyKind) -> Pair:
    """Return the files of a backend whose key is of this kind, made on first use."""
    known = Pair(pki.folder / f"narrow-{kind}.pem", pki.folder / f"narrow-{kind}-key.pem")
    if known.cert_file.exists():
        return known
    usage = ("digitalSignature", "keyEncipherment") if kind == "rsa" else ("digitalSignature",)
    issued = pki.server_ca.issue(
        "backend", usages=("serverAuth",), key_usage=usage, key=_new_key(kind)
    )
    return pki.write(f"narrow-{kind}", issued)


_FFDHE2048: Final = """-----BEGIN DH PARAMETERS-----
MIIBCAKCAQEA//////////+t+FRYortKmq/cViAnPTzx2LnFg84tNpWp4TZBFGQz
+8yTnc4kmz75fS/jY2MMddj2gbICrsRhetPfHtXV/WVhJDP1H18GbtCFY2VVPe0a
87VXE15/V8k1mE8McODmi3fipona8+/och3xWKE2rec1MKzKT0g6eXq8CrGCsyT7
YdEIqUuyyOP7uWrat2DX9GgdT0Kj3jlN9K5W7edjcrsZCwenyO4KbXCeAvzhzffi
7MA0BM0oNC9hkXL+nOmFg/+OTxIy7vKBg8P+OxtMb61zO7X8vC7CIAXFjvGDfRaD
ssbzSibBsu/6iGtCOGEoXJf//////////wIBAg==
-----END DH PARAMETERS-----
"""
"""RFC 7919, appendix A.1."""
