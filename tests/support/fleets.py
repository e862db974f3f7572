"""Generated fleets: targets with certificates that end at random moments, some of them unused.

Their certificates are plain facts, and each fleet says what a verifier would see of it: which paths
there are. What then breaks, and when, tests compute for themselves.
"""

import random
from dataclasses import dataclass
from typing import Any

import msgspec.structs

from probe.diagnosis.diagnose import diagnose
from probe.forecast.forecast import SeenTarget
from probe.model.certificate import CertificateFacts, LocatedCertificate
from tests.support.certificate_facts import AT, DAY, authority, backend, exporter
from tests.support.evidence import answered_attempt, complete_handshake, held_credentials, target

Path = tuple[CertificateFacts, ...]


@dataclass(frozen=True)
class FleetTarget:
    """One target of a fleet, and the truth about it."""

    seen: SeenTarget
    server_paths: tuple[Path, ...]
    """Every path that the exporter verifies, from the backend's certificate to an anchor."""
    client_needs: Path
    """What the backend needs of the client's side, the CA that it lists included."""
    silence: float
    """When a silence ends; 0: there is none."""


class _Dates:
    """Random ends, no two of which are equal."""

    def __init__(self, source: random.Random) -> None:
        self._source = source
        self._taken: set[int] = set()

    def draw(self, most: int) -> float:
        """Return days from the attempt, in whole minutes."""
        while (minutes := self._source.randint(10, most * 1440)) in self._taken:
            pass
        self._taken.add(minutes)
        return minutes / 1440


def make_fleet(seed: int) -> list[FleetTarget]:
    """Return the fleet of this seed: 1 to 12 targets that share some of their files."""
    source = random.Random(seed)
    dates = _Dates(source)
    roots = [authority(f"Root {seed}-{at}", ends=dates.draw(400)) for at in range(3)]
    client_ca = authority(f"Client CA {seed}", ends=dates.draw(400))
    shared = exporter(client_ca, ends=dates.draw(200))
    return [
        _make_target(source, dates, at, roots, client_ca, shared)
        for at in range(source.randint(1, 12))
    ]


def _make_target(
    source: random.Random,
    dates: _Dates,
    number: int,
    roots: list[CertificateFacts],
    client_ca: CertificateFacts,
    shared: CertificateFacts,
) -> FleetTarget:
    name = f"target-{number}"
    chain: list[CertificateFacts]
    paths: list[Path]
    root = source.choice(roots)
    if source.random() < 0.3:
        leaf = backend(root, ends=dates.draw(200))
        chain, paths = [leaf], [(leaf, root)]
    else:
        # Cross-certificates: one intermediate's name and key, certified by several CAs.
        inters = [
            msgspec.structs.replace(
                authority(f"Issuing {number}", each, ends=dates.draw(300)),
                serial_number=f"{number}-{at}",
            )
            for at, each in enumerate(source.sample(roots, source.randint(1, 3)))
        ]
        leaf = backend(inters[0], ends=dates.draw(200))
        chain = [leaf, *inters]
        paths = [
            (leaf, inter, anchor)
            for inter in inters
            for anchor in roots
            if anchor.subject == inter.issuer
        ]
    if source.random() < 0.4:  # what is sent and no path uses
        chain.append(authority(f"Left over {number}", ends=dates.draw(100)))
    unused = authority(f"Unused root {number}", ends=dates.draw(100))
    own = shared if source.random() < 0.5 else exporter(client_ca, ends=dates.draw(200))
    silence = AT + dates.draw(200) * DAY if source.random() < 0.2 else 0.0
    settings: dict[str, Any] = {"name": name, "endpoint": f"{name}.example.com:4317"}
    settings["cert_file"] = "/etc/otel/shared.crt" if own is shared else f"/etc/otel/{name}.crt"
    if silence:
        settings |= {"expect_cause": "client_ca_untrusted", "expect_until": silence}
    evidence = answered_attempt(
        target=target(**settings),
        credentials=held_credentials(
            own,
            at_hand=(),
            unsent_issuers=(
                LocatedCertificate(path="/etc/otel/client-ca.crt", certificate=client_ca),
            ),
            ca_bundle=(*roots, unused),
            ca_bundle_size=len(roots) + 1,
        ),
        handshake=complete_handshake(
            server_chain=tuple(chain),
            acceptable_cas=(client_ca.subject,),
            verified_paths=tuple(tuple(one.sha256 for one in path) for path in paths),
            used_anchors=tuple({path[-1].sha256: path[-1] for path in paths}.values()),
        ),
    )
    return FleetTarget(
        SeenTarget(evidence, diagnose(evidence)), tuple(paths), (own, client_ca), silence
    )
