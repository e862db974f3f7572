"""What a configuration says of itself holds no secret of it: pages and documents show it as it is."""

from pathlib import Path

from probe.config.configuration import Configuration, load_configuration
from probe.config.configured_secrets import mask_sources, register_configuration
from probe.model.source_state import SourceState
from probe.text.secret_register import MASK, SecretRegister
from tests.support.command_line import NOWHERE, configuration

SECRET = "hunter2-Sw0rdfish-Zz9"


def test_warnings_errors_and_reasons_are_masked(tmp_path: Path) -> None:
    """Whoever wrote them, from what; and nothing else of them changes."""
    written = configuration(tmp_path, {"endpoint": NOWHERE, "headers": {"x-api-key": SECRET}})
    register = SecretRegister()
    register_configuration(register, load_configuration(written, {}))
    said = Configuration(
        source_states=(SourceState(f"file_sd:{SECRET}", up=False, error=f"no {SECRET}"),),
        nothing_to_probe=f"nothing: {SECRET}",
        warnings=(f"m.yml: {SECRET} is odd", "plain"),
    )
    masked = mask_sources(register, said)
    assert masked.warnings == (f"m.yml: {MASK} is odd", "plain")
    assert masked.source_states[0].error == f"no {MASK}"
    assert masked.source_states[0].source == f"file_sd:{MASK}"
    assert masked.nothing_to_probe == f"nothing: {MASK}"


def test_sources_whose_names_hold_secrets_keep_names_of_their_own() -> None:
    """Two series of one name would make all of /metrics unreadable."""
    register = SecretRegister()
    register.add("alpha-environment")
    register.add("gamma-environment")
    states = tuple(
        SourceState(f"file_sd:{name}-environment", up=True) for name in ("alpha", "gamma")
    )
    masked = mask_sources(register, Configuration(source_states=states)).source_states
    assert [each.source for each in masked] == [f"file_sd:{MASK}", f"file_sd:{MASK}#2"]
