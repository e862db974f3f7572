"""The ways in which people paste an error text: each takes the text and returns the paste."""

import html
import json
import textwrap
from collections.abc import Callable, Mapping
from typing import Final

NAMES: Final = (
    "listener-7f9c-x2x4q inbound-gateway downstream-proxy-0 client-ca-sync expired-certs-archive x509-checker-2 "
    "otelcol[100418] kafka-listener-3 tls-server-0 unknown-ca-job handshake-timeout-1"
).split()  # fmt: skip
"""Names of pods, hosts, units and threads whose words errors have as well."""
_TIME: Final = "2026-11-27T19:58:39.123Z"
_BEFORE: Final = """\
2026-11-27T19:58:31.002Z INFO  c.e.shop.OrderService : order 4711 accepted
10.0.3.17 - - [27/Nov/2026:19:58:32 +0000] "GET /health HTTP/1.1" 200 2 "-" "kube-probe/1.29"
2026-11-27T19:58:33.410Z INFO  c.e.shop.InboundListener : inbound listener has 3 orders"""
_AFTER: Final = """\
2026-11-27T19:58:41.002Z INFO  c.e.shop.OrderService : order 4712 accepted
2026-11-27T19:58:42.810Z INFO  c.e.shop.Cache : 12 entries evicted in 3 ms"""


def _each_line(prefix: str) -> Callable[[str], str]:
    return lambda text: "\n".join(prefix + line for line in text.splitlines())


def _record(**fields: str) -> Callable[[str], str]:
    """Return a wrapping into one JSON record; `MESSAGE` is the text."""
    return lambda text: json.dumps(
        {key: text if value == "MESSAGE" else value for key, value in fields.items()}
    )


def _twice_in_json(text: str) -> str:
    inner = json.dumps({"level": "error", "msg": text, "logger": "kafka-listener"})
    return json.dumps({"log": inner + "\n", "stream": "stderr", "time": _TIME})


def _in_yaml_block(text: str) -> str:
    return "status:\n  lastError: |\n" + textwrap.indent(text, "    ")


def _in_quoted_yaml(text: str) -> str:
    quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'kind: Pod\nmessage: "{quoted}"\nreason: Error'


def _coloured(text: str) -> str:
    lines = text.splitlines()
    return "\n".join(f"\x1b[31mERROR\x1b[0m \x1b[1;37m{line}\x1b[0m" for line in lines)


def _wrapped(width: int) -> Callable[[str], str]:
    """Return a wrapping as a terminal's: after `width` columns, also inside a word."""

    def wrap(text: str) -> str:
        return "\n".join(
            line[at : at + width]
            for line in text.splitlines()
            for at in range(0, len(line) or 1, width)
        )

    return wrap


def _syslog(name: str) -> str:
    return f"Nov 27 19:58:39 node-a7 {name}: "


WRAPPINGS: Final[Mapping[str, Callable[[str], str]]] = {
    "kubectl logs --prefix": _each_line("[pod/listener-7f9c-x2x4q/client-ca-sync] "),
    "kubectl logs --timestamps": _each_line(f"{_TIME} "),
    "docker compose": _each_line("expired-certs-archive-1  | "),
    "journald": _each_line(_syslog("otelcol[100418]")),
    "journald, treacherous unit": _each_line(_syslog("x509-checker[4242]")),
    "syslog with a priority": _each_line(f"<11>1 {_TIME} tls-server-0 inbound 4242 - - "),
    "zap": _record(level="error", ts=_TIME, caller="listener/inbound.go:10", msg="MESSAGE"),
    "zap, with an error": _record(level="error", ts=_TIME, logger="downstream", msg="failed", error="MESSAGE"),
    "pino": _record(level="50", time="1764273519123", pid="42", hostname="unknown-ca-job", msg="MESSAGE"),
    "logrus": _record(level="error", time=_TIME, component="x509-checker", msg="MESSAGE"),
    "serilog": _record(**{"@t": _TIME, "@l": "Error", "@m": "MESSAGE", "SourceContext": "Kafka.Listener"}),
    "ECS": _record(**{"@timestamp": _TIME, "log.level": "error", "message": "MESSAGE", "host.name": "client-ca-sync"}),
    "journalctl -o json": _record(__REALTIME_TIMESTAMP="1764273519123456", _SYSTEMD_UNIT="expired-certs.service", MESSAGE="MESSAGE", _HOSTNAME="tls-server-0"),
    "JSON in JSON": _twice_in_json,
    "YAML block": _in_yaml_block,
    "YAML in quotes": _in_quoted_yaml,
    "ANSI colours": _coloured,
    "CRLF": lambda text: text.replace("\n", "\r\n") + "\r\n",
    "terminal of 120 columns": _wrapped(120),
    "terminal of 80 columns": _wrapped(80),
    "HTML entities": html.escape,
    "Markdown fence": lambda text: f"```text\n{text}\n```",
    "Markdown quote": _each_line("> "),
    "twice": lambda text: f"{text}\n{text}",
    "between other lines": lambda text: f"{_BEFORE}\n{text}\n{_AFTER}",
    "logback": lambda text: f"2026-11-27 19:58:39,123 ERROR [kafka-listener-3] c.e.tls.server.InboundListener - {text}",
    "in a path": lambda text: f"{text}\n    at /etc/expired/unknown-ca/listener/inbound.js:10:3",
}  # fmt: skip
"""Wrappings that must not change what a text is taken for."""
