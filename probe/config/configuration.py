"""`Configuration`: everything that the user decides, as plain values; and what of it is secret."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Self

from probe.config.declared_source import DeclaredSource
from probe.config.source_reader import number_equal_names
from probe.config.span_destination import SpanDestination
from probe.model.known_secrets import register_targets, register_url
from probe.model.module import Module
from probe.model.target import ClockSource, Secret, SourceState, Target
from probe.text.host_port import split_host_port
from probe.text.secret_register import SecretRegister

SAMPLE_SUCCESSES: Final = 0.01
"""The share of successes recorded where neither file nor environment says."""
_LAST_PORT: Final = 65535


@dataclass(frozen=True, slots=True)
class WebSettings:
    """Where the pages and metrics are served; `config_file` is exporter-toolkit's web file."""

    host: str = "0.0.0.0"  # noqa: S104  # the contract's default: a scraper is another host
    port: int = 9943
    config_file: str | None = None
    hosts: tuple[str, ...] = ()
    """Names that the pages answer to besides this host's own, each one or `*.` and a domain."""

    @classmethod
    def parse_listen(cls, text: str) -> Self:
        """Read `HOST:PORT`; no host means every address of this machine, as in Go.

        Raises:
            ValueError: where it is not HOST:PORT.
        """
        host, port = split_host_port(text, has_port=True)
        is_port = port.isascii() and port.isdecimal() and int(port[:6]) <= _LAST_PORT
        if not is_port or "[" in host or "]" in host:
            raise ValueError("must be host:port, like 0.0.0.0:9943")
        return cls(host or "0.0.0.0", int(port))  # noqa: S104  # as documented


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Everything that the user decides; times are seconds."""

    targets: tuple[Target, ...] = ()
    sources: tuple[DeclaredSource, ...] = ()
    resource: dict[str, str] = field(default_factory=dict)
    """The probe's own attributes, those that the user did not have to give included."""
    modules: Mapping[str, Module] = field(default_factory=dict)
    web: WebSettings = WebSettings()
    concurrency: int = 100
    clock_tolerance: float = 60.0
    clock_sources: tuple[ClockSource, ...] = ()
    expiry_warning: float = 672 * 3600.0
    expiry_critical: float = 336 * 3600.0
    experiments_enabled: bool = True
    experiments_concurrency: int = 4
    sample_successes: float = SAMPLE_SUCCESSES
    propagate: bool = True
    spans_to: SpanDestination | None = None
    shard_index: int = 0
    shard_count: int = 1
    alert_hold: float = 300.0
    """Seconds that something must be wrong before an alerting rule fires."""
    source_states: tuple[SourceState, ...] = ()
    """How each source was when it was read last; one that nobody has asked yet is not among them."""
    nothing_to_probe: str = ""
    """Why there is nothing to probe, in any shard and by any module, and what to do; else empty."""
    secrets: tuple[Secret, ...] = ()
    """What its sources hold besides the targets that nobody may see."""
    warnings: tuple[str, ...] = ()
    """What the user should know though it is not an error, each one line."""
    files: tuple[str, ...] = ()
    """Every file that was read for it: a change in one may change it."""


def register_configuration(register: SecretRegister, configuration: Configuration) -> None:
    """Register every secret of `configuration`; one that is known already costs next to nothing."""
    templates = (
        template
        for module in configuration.modules.values()
        for template in module.templates.values()
    )
    register_targets(register, (*configuration.targets, *templates))
    for secret in configuration.secrets:
        register.add(secret.reveal())
    for source in configuration.sources:
        if source.url is not None:
            register_url(register, source.url.reveal())
    for clock in configuration.clock_sources:
        if clock.kind == "http":
            register_url(register, clock.where)


def reuse_targets(loaded: Configuration, before: Configuration) -> Configuration:
    """Return `loaded` with the targets of `before` in place of equal ones.

    From then on a comparison of thousands of them is one of identities.
    """
    known = {each.name: each for each in before.targets}
    targets = tuple(
        old if (old := known.get(each.name)) == each and old is not None else each
        for each in loaded.targets
    )
    return replace(loaded, targets=targets)


def mask_sources(register: SecretRegister, configuration: Configuration) -> Configuration:
    """Return `configuration` with no secret in its warnings and in what it says of its sources."""
    states = tuple(
        replace(
            state,
            source=register.mask(state.source),
            error=None if state.error is None else register.mask(state.error),
        )
        for state in configuration.source_states
    )
    return replace(
        configuration,
        source_states=number_equal_names(states),
        nothing_to_probe=register.mask(configuration.nothing_to_probe),
        warnings=tuple(map(register.mask, configuration.warnings)),
    )
