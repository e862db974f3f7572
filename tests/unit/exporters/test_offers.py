"""What each runtime offers: the models against ClientHellos of the real exporters on the wire."""

import json
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from probe.exporters.offers import choose_alpn, choose_offer, list_exporters_with, list_narrowing
from probe.model.client_offer import ClientOffer
from probe.model.runtime import EXPORTERS, RUNTIMES_BY_ID
from probe.model.target import Protocol, TlsSettings

FILE: Final = Path(__file__).parents[2] / "lab" / "exporters" / "measured" / "offers.json"
MEASURED: Final[dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))
LISTS: Final = ("ciphers", "groups", "key_shares", "signature_schemes")


def protocol_of(program: str) -> Protocol:
    """Return the protocol that a recorded program speaks."""
    if program == "collector":
        return "grpc"
    protocols = RUNTIMES_BY_ID[program.removesuffix("-http") if "coll" in program else program]
    return "grpc" if protocols.protocols == ("grpc",) else "http/protobuf"


@pytest.mark.parametrize(
    "program", [each for each in MEASURED if each in {*EXPORTERS, "collector-http"}]
)
def test_a_model_offers_what_was_seen_on_the_wire(program: str) -> None:
    """Versions, suites, groups, key shares, schemes and protocols, each in its order."""
    measured, protocol = MEASURED[program], protocol_of(program)
    runtime = "collector" if program == "collector-http" else program
    lists = {key: measured["offer"][key].split() for key in LISTS}
    seen = msgspec.convert(measured["offer"] | lists, ClientOffer)

    # curl lists TLS 1.0, which its OpenSSL takes from nobody: narrow.tsv.
    seen = msgspec.structs.replace(seen, min_version=max(seen.min_version, "1.2"))
    offer = choose_offer(runtime, protocol, TlsSettings())
    # What was recorded says neither: tests/lab/test_renegotiation.py, test_late_and_optional.py.
    plain = msgspec.structs.replace(offer, renegotiates=False, post_handshake_auth=False)
    assert plain == seen
    assert choose_alpn(runtime, protocol) == tuple(measured["alpn"].split())


@pytest.mark.parametrize(
    ("tls", "narrowed"),
    [
        (TlsSettings(), ()),
        (TlsSettings(min_version="1.2", max_version="1.3"), ()),
        (TlsSettings(min_version="1.0"), ()),
        (TlsSettings(min_version="1.3"), ("min_version",)),
        (TlsSettings(max_version="1.2"), ("max_version",)),
        (TlsSettings(cipher_suites=("TLS_AES_128_GCM_SHA256",)), ("cipher_suites",)),
        (TlsSettings(curve_preferences=("P256",)), ("curve_preferences",)),
        (TlsSettings(curve_preferences=("P521", "P384", "P256", "X25519", "X25519MLKEM768")), ()),
    ],
)
def test_the_settings_that_take_something_away_are_named(
    tls: TlsSettings, narrowed: tuple[str, ...]
) -> None:
    """A setting that leaves all of the default is not the reason for anything."""
    assert list_narrowing("collector", "http/protobuf", tls) == narrowed


@pytest.mark.parametrize(
    "tls",
    [
        TlsSettings(min_version="1.4"),
        TlsSettings(min_version="1.3", max_version="1.2"),
        TlsSettings(max_version="1.1"),  # configtls: min_version is 1.2 by default
        TlsSettings(cipher_suites=("nonsense",)),
        TlsSettings(cipher_suites=("TLS_AES_128_GCM_SHA256",), max_version="1.2"),
        TlsSettings(curve_preferences=("secp256k9",)),
        TlsSettings(curve_preferences=("X25519MLKEM768",), max_version="1.2"),
    ],
)
@pytest.mark.parametrize("runtime", EXPORTERS)
def test_settings_that_leave_nothing_to_offer_raise(runtime: str, tls: TlsSettings) -> None:
    """No offer is made of names that mean nothing."""
    with pytest.raises(ValueError):
        choose_offer(runtime, "http/protobuf", tls)


@pytest.mark.parametrize("runtime", EXPORTERS)
def test_settings_bound_every_runtime(runtime: str) -> None:
    """Version, suite and group of the settings are what is left of them."""
    tls = TlsSettings(
        max_version="1.2",
        cipher_suites=("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",),
        curve_preferences=("P256",),
    )
    offer = choose_offer(runtime, "http/protobuf", tls)
    assert (offer.max_version, offer.ciphers) == ("1.2", tls.cipher_suites)
    assert (offer.groups, offer.key_shares) == (("secp256r1",), ())


def test_who_offers_a_suite_is_known_of_recorded_runtimes_alone() -> None:
    """Node's exporters have RSA key exchange, Go's have not."""
    having = list_exporters_with("TLS_RSA_WITH_AES_128_GCM_SHA256", "grpc", EXPORTERS)
    assert "node-grpc" in having
    assert not {"collector", "go-grpc", "python-grpc"} & set(having)
