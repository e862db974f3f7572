"""Stories of clocks that disagree, and of certificates that are not valid yet: documented cause 6."""

from probe.model.evidence import Evidence
from tests.stories.story import story
from tests.support.certificate_facts import (
    BACKEND,
    EXPORTER,
    OTHER_CA,
    authority,
    backend,
    exporter,
)
from tests.support.evidence import (
    answered_attempt,
    clock_offset,
    held_credentials,
    refused_attempt,
    unverified_attempt,
)

A_MINUTE = 1 / 1440


@story("accept", certain=False, also=("client_cert_expired",))
def clock_skew() -> Evidence:
    """30 days are left here, and the backend says expired: its clock is wrong, or a CA of its has expired."""
    return refused_attempt(45, exporter(ends=30))


@story("accept", certain=False, also=("client_ca_untrusted", "client_cert_expired"))
def clock_skew__and_unknown_ca() -> Evidence:
    """The same, while the backend's list names another CA: Go checks dates first."""
    return refused_attempt(45, exporter(ends=30), listed=(OTHER_CA,))


@story("accept")
def clock_skew__new_certificate() -> Evidence:
    """The certificate begins in 40 seconds, which is within the tolerance of two clocks."""
    return refused_attempt(42, exporter(begins=40 / 86_400))


@story("accept")
def clock_skew__measured() -> Evidence:
    """The certificate begins in two hours by the probe's clock; a third clock is a day ahead."""
    return refused_attempt(45, exporter(begins=2 / 24), clock=clock_offset(1, "sntp"))


@story("accept", certain=True)
def clock_skew__both_ahead() -> Evidence:
    """Both clocks are sixty days ahead of SNTP's; a Java backend says certificate_unknown only."""
    both = (*clock_offset(-60, "sntp"), *clock_offset(0))
    return refused_attempt(46, exporter(ends=-10), clock=both)


@story("accept", also=("clock_skew",))
def client_ca_untrusted__and_both_clocks_ahead() -> Evidence:
    """The same clocks, and the backend does not trust the CA: each alone would stop the exporter."""
    both = (*clock_offset(-60, "sntp"), *clock_offset(0))
    return refused_attempt(48, exporter(ends=-10), listed=(OTHER_CA,), clock=both)


@story("handshake")
def clock_skew__server() -> Evidence:
    """The backend's certificate has expired by our clock; by the backend's Date it has not."""
    late = backend(ends=-2)
    return unverified_attempt(late, faults=(("expired", 0),), clock=clock_offset(-5))


@story("handshake")
def clock_skew__server_new_certificate() -> Evidence:
    """The backend's certificate begins in 30 seconds."""
    return unverified_attempt(backend(begins=A_MINUTE / 2), faults=(("not_yet_valid", 0),))


@story("accept")
def client_cert_not_yet_valid() -> Evidence:
    """The certificate is valid in two days; Go answers certificate_expired to that too."""
    return refused_attempt(45, exporter(begins=2))


@story("accept")
def client_cert_not_yet_valid__openssl() -> Evidence:
    """To the same certificate OpenSSL answers bad_certificate."""
    return refused_attempt(42, exporter(begins=2))


@story("accept")
def client_cert_not_yet_valid__clocks_agree() -> Evidence:
    """The same, and a measured offset of four seconds does not explain it."""
    return refused_attempt("close", exporter(begins=2), listed=(), clock=clock_offset(4 / 86_400))


@story("export", outcome="confirmed", findings=("client_cert_not_yet_valid",))
def client_cert_not_yet_valid__accepted() -> Evidence:
    """The certificate is valid in two days, and the backend does not check dates."""
    return answered_attempt(credentials=held_credentials(exporter(begins=2)))


@story("handshake", certain=False, also=("clock_skew",))
def server_cert_not_yet_valid() -> Evidence:
    """The backend's certificate begins in two days, and no other clock was read."""
    return unverified_attempt(backend(begins=2), faults=(("not_yet_valid", 0),))


@story("handshake")
def server_cert_not_yet_valid__clocks_agree() -> Evidence:
    """The same, with a clock reading that agrees with ours."""
    return unverified_attempt(
        backend(begins=2), faults=(("not_yet_valid", 0),), clock=clock_offset(0)
    )


@story("handshake", certain=False, also=("clock_skew",))
def server_cert_not_yet_valid__anchor() -> Evidence:
    """The CA in ca_file begins in two days; the backend does not send it."""
    early = authority("Backend CA", begins=2)
    return unverified_attempt(
        BACKEND,
        faults=(("not_yet_valid", 1),),
        credentials=held_credentials(EXPORTER, ca_bundle=(early,)),
    )


@story("handshake")
def clock_skew__own_year_back() -> Evidence:
    """The probe's clock is a year behind: both sides' certificates look early; the Date proves it."""
    early = backend(begins=300, ends=665)
    return unverified_attempt(
        early,
        faults=(("not_yet_valid", 0),),
        credentials=held_credentials(exporter(begins=310, ends=675)),
        clock=clock_offset(365),
    )


@story(
    "handshake",
    certain=False,
    also=("server_cert_not_yet_valid",),
    findings=("client_cert_not_yet_valid",),
)
def clock_skew__both_sides_early() -> Evidence:
    """The same with a backend that sends no Date, and without another clock configured."""
    early = backend(begins=300, ends=665)
    return unverified_attempt(
        early,
        faults=(("not_yet_valid", 0),),
        credentials=held_credentials(exporter(begins=310, ends=675)),
    )


@story("export")
def clock_skew__nginx() -> Evidence:
    """The certificate has 30 days left; nginx, 60 days ahead by its Date, answers 400."""
    return refused_attempt("http_400", exporter(ends=30), clock=clock_offset(60))


@story("export", outcome="confirmed", findings=("clock_skew",))
def clock_skew__harmless() -> Evidence:
    """All is well, and the backend's clock is an hour behind."""
    return answered_attempt(clock=clock_offset(-1 / 24))


@story("accept", certain=False, also=("clock_skew",))
def client_cert_not_yet_valid__issuer() -> Evidence:
    """What is sent is valid; its root, which is known here, is not yet: Go says certificate_expired."""
    early = authority("Exporter client CA", begins=2)
    return refused_attempt(45, exporter(early), at_hand=(early,))


@story(
    "accept",
    certain=False,
    also=("client_ca_untrusted", "client_san_rejected", "client_cert_revoked"),
)
def client_cert_not_yet_valid__issuer_silent() -> Evidence:
    """The same with a backend that closes without an alert."""
    early = authority("Exporter client CA", begins=2)
    return refused_attempt("close", exporter(early), at_hand=(early,))


@story("export", outcome="confirmed")
def confirmed__an_early_cross_certificate_in_cert_file() -> Evidence:
    """A certificate of a CA's renewal that begins in two days is in cert_file already."""
    cross = authority("Exporter client CA", authority("Old root"), begins=2)
    return answered_attempt(credentials=held_credentials(EXPORTER, cross, at_hand=()))
