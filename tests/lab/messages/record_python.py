"""Records the clients in Python, curl and the commands of TLS libraries.

`python -m tests.lab.messages.record_python DIRECTORY PYTHON [NAME…]`: DIRECTORY is that of
`backends`, PYTHON an interpreter with the clients' packages.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from tests.lab.messages.record import CORPORA, Client, backend_lines, record

PROGRAM: Final = Path(__file__).with_name("python_clients.py")
NONE: Final[frozenset[str]] = frozenset()
_PAIR: Final = "[--cert {cert} --key {key}]"
VERSIONS: Final = {
    "ssl": ("CPython {python} ssl, {openssl}", ""),
    "urllib": ("CPython {python} urllib, {openssl}", ""),
    "asyncio": ("CPython {python} asyncio, {openssl}", ""),
    "requests": ("requests {requests}", ""),
    "urllib3": ("urllib3 {urllib3}", ""),
    "httpx": ("httpx {httpx}", ""),
    "aiohttp": ("aiohttp {aiohttp}", ""),
    "pyopenssl": ("pyOpenSSL {pyOpenSSL}", ""),
    "pycurl": ("pycurl {pycurl}", ""),
    "curl_cffi": ("curl_cffi {curl_cffi}", ""),
    "mbedtls": ("python-mbedtls {python-mbedtls}", ""),
    "grpc": ("grpcio {grpcio}", "python-grpc"),
    "otlp_grpc": ("OTLP exporter of the Python SDK {opentelemetry-sdk}, gRPC", "python-grpc"),
    "otlp_http": ("OTLP exporter of the Python SDK {opentelemetry-sdk}, HTTP", "python-http"),
}
"""What each client of `python_clients.py` is called, and its exporter id."""
_BROKEN_CA: Final = frozenset({"junkca_empty", "missing_ca"})
"""What a client does not see that takes the system's CAs then."""
_UNSEEN: Final = frozenset({"cn_only", "alpn", "alpn_other"})
"""What does not disturb a client that takes names of CN and offers no protocol."""
WITHOUT: Final = {"grpc": _BROKEN_CA, "otlp_grpc": _BROKEN_CA}

_FOUND: Final = """
import importlib.metadata as m, json, platform, ssl, sys
names = {d.metadata["Name"]: d.version for d in m.distributions()}
print(json.dumps(names | {"python": platform.python_version(), "openssl": ssl.OPENSSL_VERSION}))
"""


def python_clients(python: str) -> Iterator[Client]:
    """Yield the clients of `python_clients.py` as the interpreter `python` has them."""
    printed = subprocess.check_output([python, "-c", _FOUND], text=True)
    found: dict[str, str] = json.loads(printed)
    for name, (called, runtime) in VERSIONS.items():
        command = [python, str(PROGRAM), name, "{url}", "{ca}", "[{cert} {key}]"]
        yield Client(
            f"python_{name}",
            called.format_map(found),
            runtime,
            command,
            {},
            WITHOUT.get(name, NONE),
        )


def commands() -> Iterator[Client]:
    """Yield the commands that are installed."""
    curl = ["curl", "-sS", "-m", "4", "-d", "x", "--cacert", "{ca}", _PAIR, "{url}"]
    yield Client("curl_openssl", _version("curl", "-V"), "curl", curl, {}, NONE)
    verbose = [curl[0], "-v", *curl[1:]]
    yield Client("curl_verbose", _version("curl", "-V"), "curl", verbose, {}, NONE)
    wget = ["wget", "-O", "-", "--tries=1", "--timeout=4", "--post-data=x"]
    wget += ["--ca-certificate={ca}", "[--certificate={cert} --private-key={key}]", "{url}"]
    yield Client(
        "wget", _version("wget", "-V") + ", GnuTLS", "", wget, {}, _UNSEEN | {"tls11", "seku"}
    )
    client = ["timeout", "5", "openssl", "s_client", "-quiet", "-connect", "{host}:{port}"]
    client += ["-CAfile", "{ca}", "[-cert {cert} -key {key}]", "-verify_return_error"]
    client += ["-verify_hostname", "{host}", "-servername", "{host}"]
    yield Client("openssl_s_client", _version("openssl", "version"), "", client, {}, _UNSEEN)
    full = [word for word in client if word not in {"-quiet", "-verify_return_error"}]
    yield Client("openssl_s_client_full", _version("openssl", "version"), "", full, {}, _UNSEEN)
    gnutls = ["timeout", "5", "gnutls-cli", "--x509cafile", "{ca}", "-p", "{port}"]
    gnutls += ["[--x509certfile {cert} --x509keyfile {key}]", "{host}"]
    yield Client("gnutls_cli", _version("gnutls-cli", "--version"), "", gnutls, {}, _UNSEEN)


def libcurls(python: str, places: Iterable[str]) -> Iterator[Client]:
    """Yield libcurl with other TLS libraries, at `places` (TLS library=path)."""
    for place in places:
        name, _, path = place.partition("=")
        command = [python, str(PROGRAM), "libcurl", "{url}", "{ca}", "[{cert} {key}]"]
        yield Client(
            f"curl_{name.lower()}", f"libcurl, {name}", "curl", command, {"LIBCURL": path}, NONE
        )


def _version(*command: str) -> str:
    return subprocess.check_output(command, text=True).splitlines()[0].strip()


def main() -> None:
    """Record the chosen clients, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("python")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--libcurl", action="append", default=[], metavar="TLS=PATH")
    chosen = parser.parse_args()
    faults = json.loads((chosen.directory / "faults.json").read_text())
    log = chosen.directory / "server.log"
    places = {str(chosen.directory.resolve()): "/srv/app", str(PROGRAM): "/srv/app/client.py"}
    every = [
        *python_clients(chosen.python), *commands(), *libcurls(chosen.python, chosen.libcurl)
    ]  # fmt: skip
    for client in every:
        if chosen.names and client.name not in chosen.names:
            continue
        before = len(log.read_text())
        records = [*record(client, faults, places), *backend_lines(log, before, faults, client)]
        CORPORA.mkdir(exist_ok=True)
        with (CORPORA / f"{client.name}.jsonl").open("w") as corpus:
            corpus.writelines(f"{json.dumps(each)}\n" for each in records)
        sys.stdout.write(f"{client.name}: {len(records)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
