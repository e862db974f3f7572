"""Registers what is secret of a configuration as it was read: its targets, modules and URLs."""

from dataclasses import replace

from probe.config.configuration import Configuration
from probe.config.source_reader import name_apart
from probe.model.known_secrets import register_targets, register_url
from probe.text.secret_register import SecretRegister


def register_configuration(register: SecretRegister, configuration: Configuration) -> None:
    """Register every secret of `configuration`; one that is known already costs next to nothing."""
    templates = (
        template
        for module in configuration.modules.values()
        for template in module.templates.values()
    )
    register_targets(register, (*configuration.targets, *templates))
    for source in configuration.sources:
        if source.url is not None:
            register_url(register, source.url.reveal())
    for clock in configuration.clock_sources:
        if clock.kind == "http":
            register_url(register, clock.where)


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
    nothing = register.mask(configuration.nothing_to_probe)
    warnings = tuple(map(register.mask, configuration.warnings))
    return replace(
        configuration, source_states=name_apart(states), nothing_to_probe=nothing, warnings=warnings
    )
