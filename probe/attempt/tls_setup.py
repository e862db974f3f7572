"""The TLS plans of every target, each made once per generation of credentials and variant.

Law 8: the context behind a plan is shared and never changed; a new generation brings a new one.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

from probe.attempt.prepared import Prepared
from probe.credentials.tls_context import Credentials, Variant
from probe.model.evidence import Offer
from probe.text.safe_text import safe_text
from probe.tls.bindings import Scratch
from probe.tls.client import TlsPlan, sni_of
from probe.x509.parse import CertificateReader, parse_name

OWN: Final = Variant()
"""The target's own settings, with nothing varied."""


class _Key(NamedTuple):
    target: str
    variant: Variant
    alpn: tuple[bytes, ...]


class Plans:
    """Makes plans at their first use and keeps them for as long as they hold."""

    def __init__(
        self, reader: CertificateReader, cpu_clock: Callable[[], float] = lambda: 0.0
    ) -> None:
        """Start empty.

        Args:
            reader: reads what servers present.
            cpu_clock: seconds of CPU of this thread, which bound what a chain may cost.
        """
        self._reader = reader
        self._cpu_clock = cpu_clock
        self._scratch = Scratch()
        self._plans: dict[_Key, TlsPlan] = {}
        # A backend names the same authorities each time; a hostile one can't grow this.
        self._read_name = lru_cache(maxsize=1024)(parse_name)

    def __len__(self) -> int:
        """Count the plans that are kept."""
        return len(self._plans)

    def get(
        self,
        prepared: Prepared,
        credentials: Credentials,
        variant: Variant = OWN,
        alpn: tuple[bytes, ...] | None = None,
    ) -> TlsPlan:
        """Return the plan for `variant`; `alpn` replaces what the target offers.

        Raises:
            ValueError: where settings and variant leave nothing to offer.
        """
        offered = prepared.alpn if alpn is None else alpn
        key = _Key(prepared.target.name, variant, offered)
        known = self._plans.get(key)
        context = credentials.context(variant)
        if known is not None and known.context is context:
            return known
        target, settings = prepared.target, prepared.target.tls
        plan = self._plans[key] = TlsPlan(
            context=context,
            reference_identifier=target.reference_identifier,
            alpn=offered,
            sni=sni_of(prepared.server_name),
            scratch=self._scratch,
            read_certificate=self._reader.read_der,
            read_name=self._read_name,
            cpu_clock=self._cpu_clock,
            skip_verify=settings.insecure_skip_verify,
            sends_certificate=bool(credentials.facts.client_chain) and variant.client_certificate,
            offer=Offer(
                min_version=variant.min_version or settings.min_version or "1.2",
                max_version=variant.max_version or settings.max_version or "1.3",
                ciphers=settings.cipher_suites if variant.ciphers is None else variant.ciphers,
                groups=settings.curve_preferences if variant.groups is None else variant.groups,
                alpn=tuple(name.decode() for name in offered),
                server_name=safe_text(prepared.server_name),
            ),
        )
        return plan

    def forget(self, names: set[str]) -> None:
        """Drop the plans of targets that are gone."""
        for key in [key for key in self._plans if key.target in names]:
            del self._plans[key]
