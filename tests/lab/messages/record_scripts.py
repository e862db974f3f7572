"""Records what clients in PHP, Ruby, Perl, Erlang and Elixir print for every fault.

`python -m tests.lab.messages.record_scripts FAULTS.JSON DIRECTORY [CLIENT …]` needs what Debian has of
them, and writes CLIENT.jsonl to DIRECTORY.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

DRIVERS: Final = Path(__file__).with_name("drivers")
LONGEST: Final = 4000
NOBODY: Final = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


@dataclass(frozen=True)
class Client:
    """One client: its driver, and how to ask for its version."""

    name: str
    command: Sequence[str]
    driver: str
    version: Sequence[str]
    environment: Mapping[str, str] | None = None


def _php(extension: str) -> Sequence[str]:
    return ("php", "-r", f"echo {extension};")


_RUBY: Final = ("ruby", "-e", "print RUBY_VERSION")
_ERLANG: Final = (
    "erl",
    "-noshell",
    "-eval",
    "io:put_chars(erlang:system_info(otp_release)),halt().",
)
_GEM: Final = "print Gem.loaded_specs.values.first.version"
_PERL_MODULE: Final = "print $%s::VERSION"
CLIENTS: Final = (
    Client("php-streams", ("php",), "php_streams.php", _php("PHP_VERSION")),
    Client("php-curl", ("php",), "php_curl.php", _php("PHP_VERSION")),
    Client("php-guzzle", ("php",), "php_guzzle.php", _php("PHP_VERSION")),
    Client("php-symfony", ("php",), "php_symfony.php", _php("PHP_VERSION")),
    Client(
        "php-symfony-native", ("php",), "php_symfony.php", _php("PHP_VERSION"), {"NATIVE": "1"}
    ),
    Client("ruby-net-http", ("ruby",), "ruby_net_http.rb", _RUBY),
    Client("ruby-faraday", ("ruby",), "ruby_faraday.rb", _RUBY),
    Client("ruby-excon", ("ruby",), "ruby_excon.rb", _RUBY),
    Client(
        "perl-io-socket-ssl", ("perl",), "perl_io_socket_ssl.pl",
        ("perl", "-MIO::Socket::SSL", "-e", _PERL_MODULE % "IO::Socket::SSL"),
    ),
    Client("perl-lwp", ("perl",), "perl_lwp.pl", ("perl", "-MLWP", "-e", _PERL_MODULE % "LWP")),
    Client(
        "perl-http-tiny", ("perl",), "perl_http_tiny.pl",
        ("perl", "-MHTTP::Tiny", "-e", _PERL_MODULE % "HTTP::Tiny"),
    ),
    Client("erlang-httpc", ("escript",), "erlang_httpc.escript", _ERLANG),
    Client("elixir-httpc", ("elixir",), "elixir_httpc.exs", _ERLANG),
)  # fmt: skip


def run(client: Client, fault: Mapping[str, Any]) -> str:
    """Return all that the client prints for one fault."""
    pair = [fault["cert"], fault["key"]] if fault["cert"] else []
    command = [*client.command, str(DRIVERS / client.driver), fault["url"], fault["ca"], *pair]
    if fault["as_another_user"]:
        command = [*NOBODY, *command]
    environment = {**os.environ, "LANG": "C.UTF-8", "HOME": "/tmp", **(client.environment or {})}
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        timeout=60,
        start_new_session=True,
        check=False,
    )
    return done.stdout.decode(errors="replace")


def without_own_paths(text: str, folder: Path) -> str:
    """Return `text` with /srv/app in place of this laboratory's folders, cut to what is kept."""
    for own in (folder, DRIVERS):
        text = text.replace(str(own), "/srv/app")
    return re.sub(r"/tmp/[\w./-]*", "/srv/app", text)[:LONGEST].strip()


def records(client: Client, faults: Path) -> Iterator[Mapping[str, Any]]:
    """Give one record for each fault that the client does not take."""
    done = subprocess.run(client.version, capture_output=True, text=True, check=True)
    always = ""
    for name, fault in json.loads(faults.read_text()).items():
        text = without_own_paths(run(client, fault), faults.parent)
        if name == "ok":
            always = text
        if text in {"", always}:
            sys.stderr.write(f"{client.name} {name}: {text or 'prints nothing'}\n")
            continue
        yield {
            "id": f"{client.name} {name}",
            "client": f"{client.name} {done.stdout.strip()}",
            "runtime": "",
            "fault": name,
            "side": "exporter",
            "cause": fault["cause"],
            "also": fault["also"],
            "text": text,
        }


def main() -> None:
    """Record the clients that the command line names, or all."""
    faults, directory, *names = sys.argv[1:]
    for client in CLIENTS:
        if names and client.name not in names:
            continue
        with (Path(directory) / f"{client.name}.jsonl").open("w") as file:
            for record in records(client, Path(faults)):
                file.write(json.dumps(record, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
