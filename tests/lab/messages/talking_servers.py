"""Servers that say why they refused: the lab's stacks, set to log, and others that people run.

A server whose lines do not show that a server printed them is left out (s_server, gnutls-serv, JSSE's
sockets). Each is started with a `Serving` in an empty folder; what it prints stands in the folder's *.log.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.lab.servers import HOST, accepting, process, started
from tests.lab.stack import Serving
from tests.lab.stacks import cpython, go, grpc_core, nginx, node
from tests.lab.stacks.stunnel import serving_plaintext
from tests.support.ports import reserved_port

DRIVERS: Final = Path(__file__).with_name("drivers")
Start = Callable[[Path, Serving], AbstractContextManager[int]]


@dataclass(frozen=True)
class Talking:
    """One server: how it is started, how it says its version, and what its environment needs."""

    name: str
    start: Start
    version: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    http: bool = True
    """False: it answers no request."""


def _pair(folder: Path, serving: Serving) -> Path:
    """Write the certificate and the key into one file, as several servers want them."""
    pair = folder / "pair.pem"
    pair.write_bytes(serving.server.cert_file.read_bytes() + serving.server.key_file.read_bytes())
    return pair


def _configured(name: str, text: str, command: Sequence[str]) -> Start:
    """Return how to start `command` with the configuration `text`, which {} of `command` names."""

    @contextmanager
    def start(folder: Path, serving: Serving) -> Iterator[int]:
        with reserved_port() as port, serving_plaintext() as behind:
            file = folder / f"{name}.conf"
            values = {
                "folder": folder,
                "listen": f"{HOST}:{port}",
                "port": port,
                "behind": behind,
                "pair": _pair(folder, serving),
                "cert": serving.server.cert_file,
                "key": serving.server.key_file,
                "ca": serving.client_ca_file,
                "tls": serving.tls,
                "version": "TLSv" + serving.tls,
                "name": name,
            }
            file.write_text(text.format(**values), encoding="utf-8")
            own = [word.format(file=file, folder=folder) for word in command]
            with process(own, folder / f"{name}.log", cwd=folder) as log:
                accepting(port, log)
                yield port

    return start


def _scripted(program: str, driver: str) -> Start:
    """Return how to start a driver that prints its port."""

    @contextmanager
    def start(folder: Path, serving: Serving) -> Iterator[int]:
        files = (serving.server.cert_file, serving.server.key_file, serving.client_ca_file)
        command = [program, str(DRIVERS / driver), serving.tls, *map(str, files)]
        with process(command, folder / "server.log") as log:
            yield int(started(log, r"port (\d+)")[1])

    return start


_HAPROXY: Final = """
global
  log stdout format raw daemon debug
defaults
  mode http
  log global
  {{option}}
  timeout connect 5s
  timeout client 5s
  timeout server 5s
frontend otlp
  bind {listen} ssl crt {pair} alpn h2,http/1.1 ca-file {ca} verify required ssl-min-ver {version} ssl-max-ver {version}
  http-request return status 200 content-type application/x-protobuf
"""
_ERROR_LOG: Final = (
    'error-log-format "%ci:%cp [%tr] %ft %ac/%fc %[fc_err]/%[ssl_fc_err,hex]/%[ssl_c_err]/'
    '%[ssl_c_ca_err]/%[ssl_fc_is_resumed] %[fc_err_str] %[ssl_fc_err_str]"'
)
"""The fields of HAProxy's httpslog, and the errors in words."""
_STUNNEL: Final = """
foreground = yes
debug = 5
pid =
[otlp]
accept = {listen}
connect = 127.0.0.1:{behind}
cert = {cert}
key = {key}
sslVersionMin = {version}
sslVersionMax = {version}
CAfile = {ca}
verifyChain = yes
requireCert = yes
"""
_MODULES: Final = "mpm_event authz_core ssl socache_shmcb http2 proxy proxy_http"
_APACHE: Final = (
    "".join(
        f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"
        for name in _MODULES.split()
    )
    + """
ServerName localhost
Listen {listen}
PidFile {folder}/apache.pid
ErrorLog {folder}/error.log
LogLevel info
DefaultRuntimeDir {folder}
<VirtualHost *:*>
SSLEngine on
SSLCertificateFile {cert}
SSLCertificateKeyFile {key}
SSLCACertificateFile {ca}
SSLVerifyClient require
SSLVerifyDepth 3
SSLProtocol -all +{version}
ProxyPass / http://127.0.0.1:{behind}/
</VirtualHost>
"""
)
_LIGHTTPD: Final = """
server.modules = ( "mod_openssl", "mod_proxy" )
server.document-root = "{folder}"
server.bind = "127.0.0.1"
server.port = {port}
ssl.engine = "enable"
ssl.pemfile = "{cert}"
ssl.privkey = "{key}"
ssl.ca-file = "{ca}"
ssl.verifyclient.activate = "enable"
ssl.verifyclient.enforce = "enable"
ssl.openssl.ssl-conf-cmd = ("MinProtocol" => "{version}", "MaxProtocol" => "{version}")
proxy.server = ( "" => ( ( "host" => "127.0.0.1", "port" => {behind} ) ) )
"""
_HITCH: Final = """
frontend = "[127.0.0.1]:{port}"
backend = "[127.0.0.1]:{behind}"
pem-file = "{pair}"
client-verify = required
client-verify-ca = "{ca}"
tls-protos = {version}
alpn-protos = "http/1.1"
workers = 1
daemon = off
log-level = 1
"""
_MOSQUITTO: Final = """
listener {port} 127.0.0.1
allow_anonymous true
certfile {cert}
keyfile {key}
cafile {ca}
require_certificate true
tls_version tlsv{tls}
user root
"""
_PUMA: Final = """
bind "ssl://{listen}?key={key}&cert={cert}&ca={ca}&verify_mode=force_peer"
app {{ |_| [200, {{}}, []] }}
threads 1, 2
"""


def _haproxy(option: str) -> Start:
    text = _HAPROXY.replace("{{option}}", option.replace("{", "{{").replace("}", "}}"))
    return _configured("haproxy", text, ("haproxy", "-db", "-f", "{file}"))


_NODE: Final = {"NODE_OPTIONS": f"--require {DRIVERS / 'node_tls_errors.js'}"}
_ERLANG: Final = (
    "erl",
    "-noshell",
    "-eval",
    "io:put_chars(erlang:system_info(otp_release)),halt().",
)
SERVERS: Final = (
    Talking("nginx-http", nginx.NGINX_HTTP.start, ("nginx", "-v")),
    Talking("nginx-stream", nginx.NGINX_STREAM.start, ("nginx", "-v")),
    Talking("haproxy", _haproxy("option httplog"), ("haproxy", "-v")),
    Talking("haproxy-errors", _haproxy(_ERROR_LOG), ("haproxy", "-v")),
    Talking("stunnel", _configured("stunnel", _STUNNEL, ("stunnel4", "{file}")), ("stunnel4", "-version")),
    Talking("node-https", node.NODE_HTTPS.start, ("node", "--version"), _NODE),
    Talking("node-http2", node.NODE_HTTP2.start, ("node", "--version"), _NODE),
    Talking("cpython", cpython.CPYTHON.start, ("python3", "--version")),
    Talking(
        "grpc-core", grpc_core.GRPC_CORE.start, ("python3", "--version"),
        {"GRPC_VERBOSITY": "INFO"},
    ),
    Talking("go-http", go.GO.start, ("go", "version")),
    Talking("erlang-ssl", _scripted("escript", "erlang_ssl_server.escript"), _ERLANG),
    Talking("ruby-openssl", _scripted("ruby", "ruby_ssl_server.rb"), ("ruby", "--version")),
    Talking("perl-io-socket-ssl", _scripted("perl", "perl_ssl_server.pl"), ("perl", "-e", "print $^V")),
    Talking(
        "apache", _configured("apache", _APACHE, ("apache2", "-X", "-f", "{file}")),
        ("apache2", "-v"),
    ),
    Talking(
        "lighttpd", _configured("lighttpd", _LIGHTTPD, ("lighttpd", "-D", "-f", "{file}")),
        ("lighttpd", "-v"),
    ),
    Talking("hitch", _configured("hitch", _HITCH, ("hitch", "--config={file}")), ("hitch", "-V")),
    Talking(
        "mosquitto", _configured("mosquitto", _MOSQUITTO, ("mosquitto", "-v", "-c", "{file}")),
        ("mosquitto", "-h"), http=False,
    ),
    Talking("puma", _configured("puma", _PUMA, ("puma", "-C", "{file}")), ("puma", "--version")),
)  # fmt: skip


def installed(server: Talking) -> bool:
    """Return whether this machine has it."""
    return shutil.which(server.version[0]) is not None
