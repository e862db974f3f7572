"""`mtls-probe validate`: loads the configuration and every file it names; connects nowhere."""

from pathlib import Path

import click

from probe.commands.configuration import config_option, configuration
from probe.commands.exit_codes import AS_EXPECTED, NOT_AS_EXPECTED
from probe.outputs.standard_streams import reader_may_leave
from probe.safe_text import safe_text


@click.command()
@config_option
def validate(config_file: Path | None) -> int:
    """Load the configuration and every file it names; connects nowhere."""
    loaded = configuration(config_file, connects=False)
    from probe.credentials.store import CredentialStore

    store = CredentialStore()
    faults = [
        (target, fault) for target in loaded.targets for fault in store.get(target).facts.faults
    ]
    with reader_may_leave():
        for target, fault in faults:
            click.echo(f"{safe_text(target.name)}: {fault.fact} ({fault.cause})")
            for step in fault.fix:
                click.echo(f"  fix: {step}")
    count = len(loaded.targets)
    click.echo(
        f"{count} target{'' if count == 1 else 's'}, {len(faults)} credential faults", err=True
    )
    return NOT_AS_EXPECTED if faults else AS_EXPECTED
