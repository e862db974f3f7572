"""resolv.conf, hosts and nsswitch.conf mean what they mean to glibc, Go and musl."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.attempt.resolver_files import (
    MOST_DOMAINS,
    MOST_NDOTS,
    MOST_SERVERS,
    ResolverSettings,
    find_in_hosts,
    list_candidates,
    parse_nsswitch,
    parse_resolv_conf,
)

KUBERNETES = """\
search shop.svc.cluster.local svc.cluster.local cluster.local
nameserver 10.96.0.10
options ndots:5
"""


def test_the_file_of_a_pod() -> None:
    """A short name is looked for in each domain first, and as it is at last."""
    settings = parse_resolv_conf(KUBERNETES)

    assert settings.servers == ("10.96.0.10",)
    assert list_candidates("gateway.otel", settings, "glibc") == (
        "gateway.otel.shop.svc.cluster.local",
        "gateway.otel.svc.cluster.local",
        "gateway.otel.cluster.local",
        "gateway.otel",
    )
    assert list_candidates("gateway.otel.", settings, "glibc") == ("gateway.otel",)


def test_a_name_with_enough_dots_is_asked_for_as_it_is_first() -> None:
    """Glibc and Go then try the domains; musl does not."""
    settings = parse_resolv_conf("search a.test\noptions ndots:2\n")

    assert list_candidates("x.y.z", settings, "glibc") == ("x.y.z", "x.y.z.a.test")
    assert list_candidates("x.y.z", settings, "musl") == ("x.y.z",)
    assert list_candidates("x.y", settings, "musl") == ("x.y.a.test", "x.y")


def test_what_resolvers_pass_over() -> None:
    """Comments, unknown options, a fourth server and what is not an address."""
    settings = parse_resolv_conf(
        "# nameserver 192.0.2.9\n; domain no.test\nnameserver not-an-address\n"
        "nameserver 192.0.2.1\nnameserver 2001:db8::1\nnameserver fe80::1%eth0\nnameserver 192.0.2.4\n"
        "domain first.test\nsearch second.test\noptions ndots:999 timeout:0 attempts:x rotate use-vc\n"
    )

    assert settings == ResolverSettings(
        servers=("192.0.2.1", "2001:db8::1", "fe80::1%eth0"),
        domains=("second.test",),
        ndots=MOST_NDOTS,
        timeout=1.0,
        over_tcp=True,
    )
    assert parse_resolv_conf("").servers == ("127.0.0.1",)


def test_every_line_of_hosts_with_the_name_counts() -> None:
    """Without regard to case or to a last dot; a comment has no names."""
    text = "127.0.0.1 localhost # gateway\n10.0.0.1 Gateway.test alias\n::1 gateway.test\nx gateway.test\n"

    assert find_in_hosts(text, "gateway.test.", "glibc") == ("10.0.0.1", "::1")
    assert find_in_hosts(text, "ALIAS", "go") == ("10.0.0.1",)
    assert find_in_hosts(text, "gateway", "glibc") == ()
    assert find_in_hosts(text, "gateway.test", "musl") == ("::1",)


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("", ("files", "dns")),
        ("hosts: dns files\n", ("dns", "files")),
        ("passwd: files\nhosts:\tfiles # dns\n", ("files",)),
        ("hosts: files mdns4_minimal [NOTFOUND=return] dns\n", ("files", "dns")),
        ("hosts: mymachines resolve [!UNAVAIL=return] files myhostname dns\n", ("files", "dns")),
        ("hosts: files [NOTFOUND=return] dns\n", ("files",)),
        ("hosts: dns [ !UNAVAIL=return ] files\n", ("dns",)),
        ("hosts: wins\n", ("files", "dns")),
    ],
)
def test_the_order_of_services(text: str, order: tuple[str, ...]) -> None:
    """Services that need a program of the machine are taken to be unavailable."""
    assert parse_nsswitch(text, "glibc") == order
    assert parse_nsswitch(text, "musl") == ("files", "dns")


def test_go_knows_no_actions() -> None:
    """And asks DNS in the place of a service that it does not know, where no other is DNS."""
    for text, order in (
        ("hosts: files [NOTFOUND=return] dns", ("files", "dns")),
        ("hosts: myhostname files", ("dns", "files")),
        ("hosts: files wins", ("files", "dns")),
        ("hosts: wins files dns", ("files", "dns")),
        ("hosts: files", ("files",)),
    ):
        assert parse_nsswitch(text, "go") == order


LINES = st.lists(
    st.one_of(
        st.text(max_size=40),
        st.builds(
            "{} {}".format,
            st.sampled_from(["nameserver", "search", "domain", "options", "hosts:", "127.0.0.1"]),
            st.text(alphabet="ab.:%0123456789 []!=#-", max_size=60),
        ),
    ),
    max_size=30,
).map("\n".join)


@given(LINES, st.text(alphabet="ab.", max_size=20))
def test_any_text_is_bounded(text: str, host: str) -> None:
    """Whatever a container's files hold, there are few servers and few names to ask for."""
    settings = parse_resolv_conf(text)

    assert 1 <= len(settings.servers) <= MOST_SERVERS
    assert len(list_candidates(host, settings, "glibc")) <= MOST_DOMAINS + 1
    assert settings.timeout * settings.attempts <= 150
    assert set(parse_nsswitch(text, "go")) <= {"files", "dns"}
    assert set(parse_nsswitch(text, "glibc")) <= {"files", "dns"}
    find_in_hosts(text, host, "go")
