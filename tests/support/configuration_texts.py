"""Configurations written as text, as the tests of the configuration load them."""

from collections.abc import Callable, Mapping
from pathlib import Path

from probe.config.configuration import Configuration
from probe.config.loader import load_configuration
from probe.model.target import Target

CAUSES = ("client_cert_not_sent", "client_ca_untrusted")
"""The catalogue, as far as these texts expect anything of it."""
Load = Callable[..., Configuration]
One = Callable[..., Target]


def load_text(text: str, environ: Mapping[str, str] | None = None) -> Configuration:
    """Return the configuration of a text, which becomes `m.yml` of the working directory."""
    Path("m.yml").write_text(text, encoding="utf-8")
    return load_configuration(Path("m.yml"), environ or {}, known_causes=CAUSES)


def load_target(
    *lines: str, environ: Mapping[str, str] | None = None, endpoint: str = "c:4317"
) -> Target:
    """Return the target which some lines under `targets` describe."""
    text = f"targets:\n  - endpoint: {endpoint}\n" + "".join(f"    {line}\n" for line in lines)
    (target,) = load_text(text, environ).targets
    return target
