"""Records what proxies print as clients of an upstream with a fault.

`python -m tests.lab.messages.record_proxies FAULTS.JSON DIRECTORY [PROXY …]` writes proxy-NAME.jsonl.
"""

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.lab.servers import process
from tests.support.ports import reserved_port

LONGEST: Final = 4000
SETTLES: Final = 1.2
"""Seconds until a proxy has said what it has to say; a health check is made each half a second."""


@dataclass(frozen=True)
class Proxy:
    """One proxy: its configuration, with and without a certificate of its own, and its command."""

    name: str
    text: str
    own: str
    command: Sequence[str]
    version: Sequence[str]


_NGINX: Final = """
daemon off; master_process off; pid {folder}/pid; error_log stderr info; events {{}}
http {{
access_log off; proxy_temp_path {folder}/p; client_body_temp_path {folder}/c;
fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
server {{
listen 127.0.0.1:{port};
location / {{
proxy_pass https://{host}:{behind};
proxy_ssl_verify on; proxy_ssl_trusted_certificate {ca}; proxy_ssl_server_name on;
proxy_ssl_name {host}; proxy_http_version 1.1; proxy_read_timeout 4s; proxy_connect_timeout 4s;
proxy_ssl_protocols TLSv1.2 TLSv1.3;
{own}
}}
}}
}}
"""
_HAPROXY: Final = """
global
  log stdout format raw daemon debug
defaults
  mode http
  log global
  option httplog
  timeout connect 2s
  timeout client 5s
  timeout server 2s
  timeout check 1s
frontend in
  bind 127.0.0.1:{port}
  default_backend collector
backend collector
  option httpchk GET /
  server upstream {host}:{behind} ssl verify required ca-file {ca} sni str({host}) verifyhost {host} check inter 500 fall 1 init-addr libc,none {own}
"""
_STUNNEL: Final = """
foreground = yes
debug = 5
pid =
[collector]
client = yes
accept = 127.0.0.1:{port}
connect = {host}:{behind}
CAfile = {ca}
verifyChain = yes
checkHost = {host}
TIMEOUTbusy = 1
TIMEOUTconnect = 1
{own}
"""
_APACHE_MODULES: Final = "mpm_event authz_core ssl socache_shmcb proxy proxy_http"
_APACHE: Final = (
    "".join(
        f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"
        for name in _APACHE_MODULES.split()
    )
    + """
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {folder}/apache.pid
ErrorLog /dev/stderr
LogLevel info
DefaultRuntimeDir {folder}
SSLProxyEngine on
SSLProxyVerify require
SSLProxyCACertificateFile {ca}
SSLProxyCheckPeerName on
ProxyTimeout 4
ProxyPass / https://{host}:{behind}/
{own}
"""
)
PROXIES: Final = (
    Proxy(
        "nginx", _NGINX, "proxy_ssl_certificate {cert}; proxy_ssl_certificate_key {key};",
        ("nginx", "-e", "stderr", "-p", "{folder}", "-c", "{file}"), ("nginx", "-v"),
    ),
    Proxy("haproxy", _HAPROXY, "crt {pair}", ("haproxy", "-db", "-f", "{file}"), ("haproxy", "-v")),
    Proxy(
        "stunnel", _STUNNEL, "cert = {cert}\nkey = {key}", ("stunnel4", "{file}"),
        ("stunnel4", "-version"),
    ),
    Proxy(
        "apache", _APACHE, "SSLProxyMachineCertificateFile {pair}",
        ("apache2", "-X", "-f", "{file}"), ("apache2", "-v"),
    ),
)  # fmt: skip


def run(proxy: Proxy, fault: Mapping[str, Any], folder: Path) -> str:
    """Return the lines of the proxy while a client sends it one request."""
    values = {**fault, "behind": fault["port"], "folder": folder}
    files = [Path(fault[name]) for name in ("cert", "key") if fault[name]]
    values["pair"] = folder / "pair.pem"
    if files and all(file.is_file() for file in files):
        values["pair"].write_bytes(b"".join(file.read_bytes() for file in files))
    file, log = folder / "proxy.conf", folder / "proxy.log"
    with reserved_port() as port:
        values["port"] = port
        values["own"] = proxy.own.format(**values) if files else ""
        file.write_text(proxy.text.format(**values), encoding="utf-8")
        command = [word.format(file=file, folder=folder) for word in proxy.command]
        with process(command, log, cwd=folder):
            time.sleep(SETTLES)
            url = f"http://127.0.0.1:{port}/v1/traces"
            subprocess.run(
                ["curl", "-s", "-m", "5", "-d", "{}", url], stdout=subprocess.DEVNULL, check=False
            )
            time.sleep(SETTLES)
    return log.read_text(errors="replace")


def records(proxy: Proxy, faults: Path) -> Iterator[Mapping[str, Any]]:
    """Give one record for each fault of which the proxy says something that it else does not."""
    done = subprocess.run(
        proxy.version, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    version = re.search(r"\d+(?:\.\d+)+", done.stdout)
    usual: set[str] = set()
    for name, fault in json.loads(faults.read_text()).items():
        if fault["as_another_user"]:
            continue
        with tempfile.TemporaryDirectory() as folder:
            text = run(proxy, fault, Path(folder))
            for own in (folder, str(faults.parent)):
                text = text.replace(own, "/srv/app")
        shapes = [re.sub(r"[\d.]+", "0", line) for line in text.splitlines()]
        if name == "ok":
            usual = set(shapes)
        lines = [
            line
            for line, shape in zip(text.splitlines(), shapes, strict=True)
            if shape not in usual
        ]
        text = "\n".join(lines)[:LONGEST].strip()
        if not text:
            sys.stderr.write(f"{proxy.name} {name}: says nothing\n")
            continue
        yield {
            "id": f"proxy {proxy.name} {name}",
            "client": f"{proxy.name} {version[0] if version else ''} as a client",
            "runtime": "",
            "fault": name,
            "side": "exporter",
            "cause": fault["cause"],
            "also": fault["also"],
            "text": text,
        }


def main() -> None:
    """Record the proxies that the command line names, or all."""
    faults, directory, *names = sys.argv[1:]
    for proxy in PROXIES:
        if not names or proxy.name in names:
            found = records(proxy, Path(faults))
            lines = [json.dumps(one, ensure_ascii=False) + "\n" for one in found]
            (Path(directory) / f"proxy-{proxy.name}.jsonl").write_text("".join(lines))


if __name__ == "__main__":
    main()
