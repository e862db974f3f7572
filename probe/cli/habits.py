"""What users of curl, `openssl s_client` and grpcurl write, in the words of `mtls-probe check`.

Pure. What means the same is translated; what cannot be had so is a usage error that says what to write.
"""

import re
from collections.abc import Collection, Iterator
from ipaddress import ip_address
from typing import Final

import click

_TAKES: Final = {
    **dict.fromkeys(("--cacert", "-cacert", "-CAfile"), "--ca"),
    **dict.fromkeys(("-cert", "-E"), "--cert"),
    **dict.fromkeys(("-key",), "--key"),
    **dict.fromkeys(("-H", "-rpc-header", "-reflect-header"), "--header"),
    **dict.fromkeys(("-servername", "-authority", "-verify_hostname"), "--server-name"),
    **dict.fromkeys(("-x", "-proxy"), "--proxy"),
    **dict.fromkeys(("-m", "--max-time", "--connect-timeout", "-connect-timeout"), "--timeout"),
}
"""Options with a value, by what they are called here."""

_ENDPOINTS: Final = frozenset({"--url", "-connect", "-host"})
"""Options whose value is the endpoint."""

_FLAGS: Final = {
    **dict.fromkeys(("-k", "--insecure", "-insecure"), "--insecure-skip-verify"),
    **dict.fromkeys(("-s", "--silent", "-quiet"), "--quiet"),
    **dict.fromkeys(("-showcerts",), "--verbose"),
}
"""Options without a value."""

_NEEDLESS: Final = frozenset(
    {"-S", "--show-error", "-f", "--fail", "-verify_return_error", "-brief", "-ign_eof"}
)
"""What a check does anyhow."""

_REQUEST: Final = (
    "the request is the probe's own, an empty OTLP export; leave it out, or write --depth canary to "
    "send one item"
)
_VERSIONS: Final = (
    "a check offers what the exporter offers; write --exporter, or min_version and max_version under "
    "tls in a configuration"
)
_OFFER: Final = (
    "a check offers what the exporter offers; write --exporter, or cipher_suites and "
    "curve_preferences under tls in a configuration"
)
_CONVERT: Final = (
    "exporters read PEM without a passphrase; mtls-probe inspect FILE says what a file is, and prints "
    "the command that converts it"
)
_MORE: Final = (
    "write --verbose to see what was proven, --evidence DIR to keep all that an attempt saw"
)
_FORMAT: Final = "write --output json for a program, --output-file FILE to write it to a file"
_ADDRESS: Final = "write --resolve NAME=ADDRESS to choose the address that a name stands for"

_REFUSED: Final = {
    **dict.fromkeys(("-X", "--request", "-d", "--data", "--data-binary", "-F", "-T"), _REQUEST),
    **dict.fromkeys(("-I", "--head", "-L", "--location", "-i", "--include"), _REQUEST),
    **dict.fromkeys(("--tlsv1.2", "--tlsv1.3", "--tls-max", "-tls1_2", "-tls1_3"), _VERSIONS),
    **dict.fromkeys(("--ciphers", "-cipher", "-ciphersuites", "-groups", "--curves"), _OFFER),
    **dict.fromkeys(("-alpn", "--http1.1", "--http2", "--alpn"), f"{_OFFER}; --protocol decides"),
    **dict.fromkeys(("--capath", "-CApath"), "write --ca FILE: exporters read one file"),
    **dict.fromkeys(("--pass", "-pass", "--cert-type", "--key-type", "-certform"), _CONVERT),
    **dict.fromkeys(("-msg", "-state", "-debug", "--trace", "-trace"), _MORE),
    **dict.fromkeys(("-o", "-w", "--write-out"), _FORMAT),
    **dict.fromkeys(("-4", "-6", "--ipv4", "--ipv6"), _ADDRESS),
    **dict.fromkeys(("-plaintext",), "write the endpoint as http://HOST:PORT"),
    **dict.fromkeys(("-starttls",), "OTLP has no STARTTLS: TLS begins at once; leave it out"),
    **dict.fromkeys(
        ("-u", "--user", "--oauth2-bearer"),
        'write --header "authorization: Bearer …", or Basic with what it encodes',
    ),
}
"""What has no counterpart, and what to write."""

_CERTIFICATES: Final = frozenset({"--cert"})
_WITH_PASSPHRASE: Final = re.compile(r"\.(?:pem|crt|cer|p12|pfx):[^/]")
_BUNDLE: Final = re.compile(r"-[kvsSf]{2,}")
_CONNECT_TO: Final = re.compile(r"([^:]+):(\d*):(\[[0-9a-fA-F:.]+\]|[^:]*):(\d*)")


def translate_habits(
    arguments: Collection[str], valued: Collection[str], flags: Collection[str]
) -> Iterator[str]:
    """Yield `arguments` in this command's own words.

    Args:
        arguments: What was written.
        valued: The command's own options that take a value, which is passed on as it is.
        flags: Its own options that take none.

    Raises:
        click.UsageError: for what has no counterpart, with what to write; no value is quoted.
    """
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            yield argument
            yield from rest
            return
        if argument in valued:
            yield argument
            for value in _take_next(rest):
                _refuse_value(argument, value, valued)
                yield value
        elif argument in flags or not argument.startswith("-") or argument == "-":
            yield argument
        elif _BUNDLE.fullmatch(argument):
            letters = [f"-{letter}" for letter in argument[1:]]
            yield from translate_habits(letters, valued, flags)
        else:
            yield from _translate(argument, rest)


def _refuse_value(option: str, value: str, valued: Collection[str]) -> None:
    """Refuse an option in the place of a value, and curl's passphrase behind a file's name.

    Raises:
        click.UsageError: without the value, which may be secret.
    """
    if value.startswith("--") and value in valued:
        raise click.UsageError(
            f"{option} lacks its value: {value} follows at once; write the value behind it"
        )
    if option in _CERTIFICATES and _WITH_PASSPHRASE.search(value):
        raise click.UsageError(f"{option} FILE:PASSPHRASE: {_CONVERT}")


def _translate(argument: str, rest: Iterator[str]) -> Iterator[str]:
    """Yield what stands for one option that is not this command's own."""
    option, equals, value = argument.partition("=")
    if argument.startswith("-H") and argument != "-H":
        option, equals, value = "-H", "=", argument[2:].lstrip()
    following = iter((value,)) if equals else rest
    if option in _REFUSED:
        raise click.UsageError(f"{option}: {_REFUSED[option]}")
    if option in _FLAGS:
        yield _FLAGS[option]
    elif option in _ENDPOINTS:
        yield from _take_next(following)
    elif option == "--connect-to":
        yield "--resolve"
        yield from map(_read_connect_to, _take_next(following))
    elif option in _TAKES:
        yield _TAKES[option]
        for value in _take_next(following):
            _refuse_value(_TAKES[option], value, ())
            yield value
    elif option not in _NEEDLESS:
        yield argument


def _take_next(rest: Iterator[str]) -> Iterator[str]:
    found = next(rest, None)
    if found is not None:
        yield found


def _read_connect_to(text: str) -> str:
    """Return curl's HOST1:PORT1:HOST2:PORT2 as HOST1:PORT1:ADDRESS.

    Raises:
        click.UsageError: where the second is not an address, or has another port.
    """
    match = _CONNECT_TO.fullmatch(text)
    if match is not None:
        host, port, address, other = match.groups()
        try:
            ip_address(address.strip("[]"))
        except ValueError:
            pass
        else:
            if not other or other == port:
                return f"{host}:{port}:{address}" if port else f"{host}={address.strip('[]')}"
    raise click.UsageError(
        "--connect-to: only the address can be another one, the port is the endpoint's; write "
        "--resolve NAME=ADDRESS, and the port in the endpoint"
    )
