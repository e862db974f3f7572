"""How Go reads a URL, and writes it in a request."""

from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.exporters.go_url import UrlError, from_text, parse_url, to_text


@pytest.mark.parametrize(
    ("text", "scheme", "hostname", "port", "sent"),
    [
        ("https://h", "https", "h", "", "/"),
        ("HTTPS://H:1/x", "https", "H", "1", "/x"),
        ("https://h:/x", "https", "h", "", "/x"),
        ("https://[::1]:4318/x?a=b c#f", "https", "::1", "4318", "/x?a=b c"),
        ("https://[fe80::1%25eth0]/", "https", "fe80::1%eth0", "", "/"),
        ("https://h/a%2Fb", "https", "h", "", "/a%2Fb"),
        ("https://h/a'b", "https", "h", "", "/a'b"),
        ("https://h/a'b c", "https", "h", "", "/a%27b%20c"),
        ("https://h/?", "https", "h", "", "/?"),
        ("https://b%C3%BCcher.example/", "https", "b\xc3\xbccher.example", "", "/"),
    ],
)
def test_the_parts_of_a_url(text: str, scheme: str, hostname: str, port: str, sent: str) -> None:
    """As net/url reads them; percent-encoding in a host is for octets outside of ASCII."""
    url = parse_url(text)
    assert (url.scheme, url.hostname, url.port, url.request_uri) == (
        scheme, hostname, port, sent,
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["://h", "https://h:a/", "https://a:1:2/", "https://[::1/", "https://a b/", "https://h/%zz",
     "https://a%20b/", "127.0.0.1:4318/x", "https://h/\x01", "https://a{b/"],
)  # fmt: skip
def test_what_go_does_not_take(text: str) -> None:
    """Each is an error of url.Parse."""
    with pytest.raises(UrlError):
        parse_url(text)


def test_a_host_without_a_scheme_reads_as_a_scheme() -> None:
    """`localhost:4318` is the scheme `localhost`, which no client speaks."""
    assert (parse_url("localhost:4318").scheme, parse_url("localhost:4318").host) == (
        "localhost",
        "",
    )


@given(st.text())
def test_any_text_is_a_url_or_an_error(text: str) -> None:
    """Nothing else is raised, and a request's target has no control character."""
    try:
        url = parse_url(from_text(text))
    except UrlError:
        return
    assert not any(one < " " for one in url.request_uri)
    assert to_text(url.path) is not None


@given(st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="?#%/")))
def test_a_path_comes_out_as_it_went_in(text: str) -> None:
    """Whatever stands in a path reads the same after percent-decoding."""
    url = parse_url(from_text(f"https://h/{text}"))
    assert unquote(url.escaped_path) == f"/{text}"
    assert parse_url(from_text(f"https://h/{quote(text)}")).path == url.path
