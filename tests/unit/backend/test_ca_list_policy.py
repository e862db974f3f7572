"""The list of CAs is left out once after a connection that presented no certificate."""

from probe.backend.ca_list_policy import MAX_KINDS, CaListPolicy


def test_the_list_is_left_out_once() -> None:
    """An exporter that presents none is asked without the list, and then with it again."""
    policy = CaListPolicy()
    assert policy.names_cas("a")
    policy.note("a", 1, "none", named=True)
    assert not policy.names_cas("a")
    assert policy.names_cas("b")
    policy.note("a", 2, "presented", named=False)
    assert policy.names_cas("a")
    assert (policy.find("a").none_listed, policy.find("a").presented) == (1, 2)
    policy.note("a", 3, "none", named=True)
    policy.note("a", 4, "none", named=False)
    assert (policy.find("a").presented, policy.find("a").none) == (0, 4)


def test_a_certificate_with_the_list_ends_the_question() -> None:
    """Nothing is withheld any more."""
    policy = CaListPolicy()
    policy.note("a", 1, "none", named=True)
    policy.note("a", 2, "presented", named=True)
    assert policy.names_cas("a")
    assert policy.find("a").none_listed == 0


def test_a_handshake_that_stopped_before_says_nothing() -> None:
    """Whether a certificate would have been presented is not known."""
    policy = CaListPolicy()
    policy.note("a", 1, "not_reached", named=True)
    assert policy.names_cas("a")


def test_without_hints_no_connection_has_the_list() -> None:
    """--no-ca-hints."""
    policy = CaListPolicy(always_without=True)
    assert not policy.names_cas("a")
    policy.note("a", 1, "presented", named=False)
    assert not policy.names_cas("a")


def test_what_is_remembered_is_bounded() -> None:
    """A peer with ever new ClientHellos drives out the oldest, and no memory."""
    policy = CaListPolicy()
    for number in range(MAX_KINDS + 10):
        policy.note(number, number, "none", named=True)
    assert policy.names_cas(0)
    assert not policy.names_cas(MAX_KINDS + 9)
