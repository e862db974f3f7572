"""What of a target, a URL and the environment is secret, and what is shown by design."""

import base64
import time
from typing import Final

import pytest

from probe.model.known_secrets import (
    PUBLIC_HEADERS,
    header_secrets,
    key_secrets,
    register_environment,
    register_targets,
    register_url,
    url_secrets,
)
from probe.model.target import Endpoint, Secret, Target, TlsSettings
from probe.text.secret_register import MASK, SecretRegister

TOKEN: Final = "9f8e7d6c-5b4a-3c2d"
BASIC: Final = base64.b64encode(f"somebody:{TOKEN}".encode()).decode()


@pytest.mark.parametrize(
    ("name", "value", "held"),
    [
        ("authorization", f"Bearer {TOKEN}", TOKEN),
        ("Authorization", f"Basic {BASIC}", TOKEN),
        ("authorization", f"Basic {BASIC}", BASIC),
        ("x-api-key", TOKEN, TOKEN),
        ("x-auth", f"Bearer Bearer {TOKEN}-0", f"{TOKEN}-0"),
        ("authorization", f'Custom Credential="{TOKEN}", Signed=host', TOKEN),
        ("x-percent", "ab%2Fcdefgh%20ijkl", "ab/cdefgh ijkl"),
        ("x-words", "open sesame now", "open sesame now"),
    ],
)
def test_what_a_header_hides(name: str, value: str, held: str) -> None:
    """The value, what follows its scheme, what it encodes, its parameters."""
    assert held in set(header_secrets(name, Secret(value)))


@pytest.mark.parametrize("name", sorted(PUBLIC_HEADERS))
def test_public_headers_hide_nothing(name: str) -> None:
    """How to talk, or for which tenant: every dashboard shows it."""
    assert list(header_secrets(name, Secret(TOKEN))) == []
    assert list(header_secrets(name.upper(), Secret(TOKEN))) == []


def test_a_scheme_is_no_part_of_a_secret() -> None:
    """A backend may say Bearer, and what comes after it, of its own accord."""
    register = SecretRegister()
    target = Target(
        name="t",
        endpoint=Endpoint("a", 1),
        headers=(("authorization", Secret(f"Bearer {TOKEN}")), ("x", Secret("Bearer abc"))),
    )
    register_targets(register, [target])
    assert register.mask("Bearer 9f, or Bearer abc?") == "Bearer 9f, or Bearer abc?"
    assert register.mask(f"Bearer {TOKEN}") == f"Bearer {MASK}"


@pytest.mark.parametrize(
    ("url", "held"),
    [
        ("http://me:s3cret-s3cret@proxy:3128", "s3cret-s3cret"),
        ("http://me:s3cret%2Fs3cret@proxy:3128", "s3cret/s3cret"),
        ("http://s3cret-s3cret@proxy:3128", "s3cret-s3cret"),
        ("https://list/?token=s3cret-s3cret&a=b", "s3cret-s3cret"),
        ("https://list/?s3cret-s3cret", "s3cret-s3cret"),
        ("https://list/?a=s3cret+s3cret", "s3cret s3cret"),
        ("https://list/api/s3cret-S3cret-S3cret/x", "s3cret-S3cret-S3cret"),
        ("http://[s3cret-s3cret", "http://[s3cret-s3cret"),
    ],
)
def test_what_a_url_hides(url: str, held: str) -> None:
    """User, password and query, as they stand and decoded; all of what is no URL."""
    assert held in set(url_secrets(url))


def test_what_a_url_shows() -> None:
    """Scheme, host and path."""
    register = SecretRegister()
    register_url(register, f"https://inventory.example.com/collectors?token={TOKEN}")
    said = "https://inventory.example.com/collectors answers 401"
    assert register.mask(said) == said
    assert register.mask(f"{said} to {TOKEN}") == f"{said} to {MASK}"


def test_a_token_in_the_path_of_an_endpoint_is_masked() -> None:
    """A backend repeats the path that it does not know, whole or cut; its words stay."""
    token = "hunter2-Sw0rdfish-Zz9"
    register = SecretRegister()
    endpoint = Endpoint.parse(f"https://backend.example:4318/tenants/{token}/v1/traces")
    register_targets(register, [Target(name="t", endpoint=endpoint)])
    assert register.mask(f"Cannot POST /tenants/{token}/v1/traces") == (
        f"Cannot POST /tenants/{MASK}/v1/traces"
    )
    assert register.mask(f"404 for {token[:12]}…") == f"404 for {MASK}…"


def test_a_proxys_password_comes_back_as_base64() -> None:
    """As the proxy was sent it (RFC 7617), in its reason phrase."""
    register = SecretRegister()
    proxy = Secret(f"http://somebody:{TOKEN}@proxy:3128")
    register_targets(register, [Target(name="t", endpoint=Endpoint("a", 1), proxy_url=proxy)])
    assert register.mask(f"HTTP/1.1 407 no Basic {BASIC}") in {
        f"HTTP/1.1 407 no Basic {MASK}",
        f"HTTP/1.1 407 no Basic {MASK}{BASIC[-1]}",
    }


def test_a_key_given_inline_hides_its_lines() -> None:
    """Not the armour, which every key has."""
    pem = f"-----BEGIN PRIVATE KEY-----\n{TOKEN}ABCD\nEFGH{TOKEN}\n-----END PRIVATE KEY-----\n"
    assert list(key_secrets(pem)) == [f"{TOKEN}ABCDEFGH{TOKEN}"]
    register = SecretRegister()
    tls = TlsSettings(key_pem=Secret(pem))
    register_targets(register, [Target(name="t", endpoint=Endpoint("a", 1), tls=tls)])
    assert TOKEN not in register.mask(pem)
    assert "-----BEGIN PRIVATE KEY-----" in register.mask(pem)


def test_what_variables_hide() -> None:
    """Headers of every signal, proxies, endpoints with a query: also where nothing can use them."""
    register = SecretRegister()
    register_environment(
        register,
        {
            "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{TOKEN}-1,x-scope-orgid=tenant-1234",
            "OTEL_EXPORTER_OTLP_LOGS_HEADERS": f"no-equals-sign-{TOKEN}-2",
            "https_proxy": f"me:{TOKEN}-3@proxy:1",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"a:1/?key={TOKEN}-4",
            "HOME": "/home/somebody-else",
        },
    )
    for number in range(1, 5):
        assert register.mask(f"{TOKEN}-{number}") == MASK
    assert (
        register.mask("tenant-1234 in /home/somebody-else") == "tenant-1234 in /home/somebody-else"
    )


def test_what_is_shown_of_one_target_is_shown_of_all() -> None:
    """A header that repeats the host, or the name of another target, masks neither."""
    register = SecretRegister()
    targets = [
        Target(name="payments-prod", endpoint=Endpoint("collector.example.com", 4317)),
        Target(
            name="b",
            endpoint=Endpoint("other.example.com", 4317),
            headers=(
                ("x-target", Secret("payments-prod")),
                ("x-host", Secret("collector.example.com")),
            ),
        ),
    ]
    register_targets(register, targets)
    said = "certificate for collector.example.com, not payments-prod"
    assert register.mask(said) == said


@pytest.mark.parametrize("unit", ["a", "a=", "a.", "=", 'a="', "a b "])
def test_a_long_header_takes_time_in_proportion(unit: str) -> None:
    """A value of 100,000 characters, whatever it repeats, is read within seconds."""
    began = time.process_time()
    for _ in header_secrets("x-token", Secret(unit * (100_000 // len(unit)))):
        pass
    assert time.process_time() - began < 5
