"""What the TLS of Erlang, PHP and Ruby can print.

Erlang's texts are read from its sources (Debian: erlang-src), the others' from the strings of the
installed programs and libraries.
"""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from tools.messages.library_texts import LibraryTexts, choose_texts

ERLANG: Final = Path("/usr/lib/erlang/lib")
_DESCRIPTION: Final = re.compile(r"^description_txt\(\?(\w+)\) ->\s+\"([^\"]+)\"", re.MULTILINE)
_ALERT: Final = re.compile(r"ALERT_REC\(\?FATAL,\s*\?(\w+),\s*(\{?[a-z]\w+)")
_BAD_CERTIFICATE: Final = re.compile(r"\{bad_cert,\s*(\{?[a-z]\w+)")
_OPTION: Final = re.compile(r"\{options,\s*\{?\{?([a-z]\w+)")


def _read_sources(application: str) -> str:
    folder = next(ERLANG.glob(f"{application}-*/src"))
    return "".join(file.read_text(errors="replace") for file in sorted(folder.glob("*.erl")))


def _list_erlang_texts() -> Iterator[str]:
    ssl = _read_sources("ssl")
    names = dict(_DESCRIPTION.findall(ssl))
    for name in names.values():
        yield f"TLS client: In state wait_cert received SERVER ALERT: Fatal - {name}"
        yield f"TLS server: In state wait_cert generated SERVER ALERT: Fatal - {name}"
    for alert, reason in _ALERT.findall(ssl):
        yield f"generated CLIENT ALERT: Fatal - {names.get(alert, alert)} {reason}"
    for reason in _BAD_CERTIFICATE.findall(ssl + _read_sources("public_key")):
        yield f"generated CLIENT ALERT: Fatal - Handshake Failure {{bad_cert,{reason}}}"
    for option in _OPTION.findall(ssl):
        yield f"{{error,{{options,{{{option},…}}}}}}"
    for reason in ("econnrefused", "nxdomain", "etimedout", "ehostunreach", "closed", "timeout"):
        yield f"{{failed_connect,[{{to_address,{{…}}}},{{inet,[inet],{reason}}}]}}"


def extract_erlang() -> LibraryTexts:
    """Return the alerts of Erlang's ssl with their reasons, and its options and httpc's errors."""
    version = (ERLANG.parent / "releases/RELEASES").read_text().split('"')[3]
    return LibraryTexts("Erlang/OTP ssl", f"OTP {version}", choose_texts(_list_erlang_texts()))


def find_strings(files: Iterable[Path], wanted: str) -> Iterator[str]:
    """Yield the strings of binary files in which the expression `wanted` is found."""
    for file in files:
        printed = subprocess.check_output(["strings", "-n", "8", str(file)], text=True)
        for line in printed.splitlines():
            if len(line) < 200 and re.search(wanted, line):
                yield line


def ask_version(*command: str) -> str:
    """Return the first version number that a command prints."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    found = re.search(r"\d+(?:\.\d+)+", done.stdout)
    return found[0] if found else ""


def extract_php() -> LibraryTexts:
    """Return what PHP's streams say of TLS."""
    wanted = (
        r"^(?:SSL[:_ ]|Peer cert|peer_fing|Unable to (?:set (?:local|private)|locate peer|get real)|Failed (?:setting|to enable)"
        r"|Private key does not match|Could not (?:get|verify) peer|no valid certs|failed loading ca"
        r"|php_network_getaddresses|Cannot connect to HTTPS)"
    )
    program = Path(shutil.which("php") or "").resolve()
    texts = choose_texts(find_strings([program], wanted))
    return LibraryTexts("PHP openssl streams", ask_version("php", "--version"), texts)


def extract_ruby() -> LibraryTexts:
    """Return what Ruby's openssl extension says of files and handshakes."""
    wanted = r"^(?:Could not parse PKey|Neither PUB|incorrect pkey|private key is needed|could not parse pkey)"
    files = Path("/usr/lib").glob("*/ruby/*/openssl.so")
    read = ["SSL_CTX_load_verify_file", "SSL_CTX_load_verify_dir", "PEM_read_bio_X509"]
    printed = [*find_strings(files, wanted), *(f"{each}: PEM lib" for each in read)]
    raised = [
        'hostname "…" does not match the server certificate',
        "SSL_CTX_load_verify_file: system lib",
        "SSL_CTX_use_PrivateKey: key values mismatch",
        "Failed to open TCP connection to …:… (execution expired)",
    ]
    return LibraryTexts(
        "Ruby openssl", ask_version("ruby", "--version"), choose_texts([*printed, *raised])
    )


EXTRACTORS: Final[dict[str, Callable[[], LibraryTexts]]] = {
    "erlang_ssl": extract_erlang,
    "php_streams": extract_php,
    "ruby_openssl": extract_ruby,
}
