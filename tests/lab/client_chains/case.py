"""A chain that breaks one rule, and how cases are made."""

from dataclasses import dataclass
from typing import Final

from cryptography import x509

from tests.lab.client_chains.writing import Made, make

USAGE: Final = ("client_cert_wrong_usage",)
TRUST: Final = ("client_ca_untrusted",)
EXPIRED: Final = ("client_cert_expired",)
EARLY: Final = ("client_cert_not_yet_valid",)
WEAK: Final = ("client_cert_weak",)
INCOMPLETE: Final = ("client_chain_incomplete",)
RULE: Final = ("client_cert_rejected",)
"""A rule of RFC 5280 that has no cause of its own: the facts have to name it."""


@dataclass(frozen=True)
class Case:
    """One chain."""

    name: str
    chain: tuple[Made, ...]
    """What is sent, the end entity first."""
    truth: tuple[str, ...] = ()
    """The causes that name what is broken; () where nothing is."""
    culprit: str = ""
    """The CN of the certificate that breaks the rule."""
    roots: tuple[Made, ...] = ()
    """What the backend holds for it."""
    beside: tuple[Made, ...] = ()
    """What lies next to cert_file."""


PLAIN: Final = make("Lab root", ca=True)


def below(*between: Made, root: Made = PLAIN, **fields: object) -> tuple[Made, ...]:
    """Return a chain of an end entity below `between`, which lead to `root`."""
    issuer = between[0] if between else root
    return (make("checkout", issuer, **fields), *between)  # type: ignore[arg-type]


def between(name: str = "Lab issuing", issuer: Made = PLAIN, **fields: object) -> Made:
    """Return an intermediate."""
    return make(name, issuer, **({"ca": True} | fields))  # type: ignore[arg-type]


_UNREADABLE: Final = frozenset(
    {
        "leaf: negative serial number",
        "leaf: duplicate extension",
        "leaf: subjectAltName that is not ASCII",
        "leaf: IP of three octets",
        "leaf: secp256k1",
        "leaf: Ed448",
    }
)
"""What some exporters do not load themselves."""


def case(
    name: str,
    chain: tuple[Made, ...],
    truth: tuple[str, ...] = (),
    culprit: str = "",
    *,
    root: Made = PLAIN,
    beside: tuple[Made, ...] = (),
    unlisted: bool = False,
) -> Case:
    """Return a case whose root the backend holds."""
    if name in _UNREADABLE:
        truth = (*truth, "client_file_malformed")
    return Case(name, chain, truth, culprit, () if unlisted else (root,), beside)


def make_name_constraints(
    permitted: list[x509.GeneralName] | None = None,
    excluded: list[x509.GeneralName] | None = None,
    *,
    critical: bool = True,
) -> tuple[x509.ExtensionType, bool]:
    """Return the extension, and whether it is critical."""
    return x509.NameConstraints(permitted, excluded), critical
