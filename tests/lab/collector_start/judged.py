"""What the probe makes of a generated configuration: whether anything fails, and the good exporter."""

from dataclasses import dataclass

from probe.config.errors import ConfigurationError
from probe.config.sources.collector.read_collector import read_collector
from probe.credentials.load import load_credentials
from probe.model.target import TlsSettings
from tests.lab.collector_start.configurations import ENVIRONMENT, GOOD

FILE = "collector.yaml"


@dataclass(frozen=True, slots=True)
class Judged:
    """One configuration."""

    faults: tuple[str, ...]
    whole_fails: bool
    """Whether the configuration itself is one of the results that fail."""
    good_is_probed: bool


def judge(text: str) -> Judged:
    """Read `text` as a source; the files that it names are there, but for one."""

    def read(path: str) -> str:
        if path == "/not/there":
            raise FileNotFoundError(2, "No such file or directory", path)
        return text if path == FILE else ""

    try:
        targets = read_collector([FILE], ENVIRONMENT, read).targets
    except ConfigurationError as error:
        return Judged((str(error),), whole_fails=True, good_is_probed=False)
    halves = (
        f"half of the pair of {target.name}" for target in targets if _fails_at_load(target.tls)
    )
    return Judged(
        (*(fault.fact for target in targets for fault in target.faults), *halves),
        whole_fails=any(target.name == FILE for target in targets),
        good_is_probed=any(target.name == GOOD and not target.faults for target in targets),
    )


def _fails_at_load(tls: TlsSettings) -> bool:
    """Whether half of the pair is missing, by what the credentials' own reading says.

    Nothing else is asked of it: no file that a configuration here names is there.
    """
    certificate, key = bool(tls.cert_file or tls.cert_pem), bool(tls.key_file or tls.key_pem)
    if certificate == key or tls.plaintext:
        return False
    return any(fault.role in {"cert", "key"} for fault in load_credentials(tls).facts.faults)
