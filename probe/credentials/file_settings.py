"""What whoever configures the exporter calls the settings that name its files.

Pure. The keys of a Collector and of this probe (`key_file`), or the environment variables of an SDK,
of which a signal's own comes before the general one.
"""

from dataclasses import dataclass
from typing import Final, Self

from probe.model.finding import Role
from probe.model.target import GENERAL_VARIABLES, Target, name_variables


@dataclass(frozen=True, slots=True)
class FileSettings:
    """The names of the three settings, for facts and steps."""

    cert: str = "cert_file"
    key: str = "key_file"
    ca: str = "ca_file"
    variables: bool = False
    """Whether they are variables of an SDK's environment, which have no inline form."""

    @classmethod
    def of_target(cls, target: Target) -> Self:
        """Return the names where `target` was read: an SDK's file has keys, its environment variables."""
        if not any(one.kind == "sdk" and one.where == "environment" for one in target.sources):
            return cls()
        cert, key, ca = (
            name_variables(setting, target.signal_variables)
            for setting in ("cert_file", "key_file", "ca_file")
        )
        return cls(cert, key, ca, variables=True)

    def name(self, role: Role) -> str:
        """Return what the setting of `role` is called."""
        return {"cert": self.cert, "key": self.key, "ca": self.ca}[role]

    def name_for_anyone(self, role: Role) -> str:
        """Return the name with the variable of an SDK, where it is not known who reads it."""
        if self.variables:
            return self.name(role)
        return f"{self.name(role)} ({GENERAL_VARIABLES[f'{role}_file']} of an SDK)"


KEYS: Final = FileSettings()
"""Of a Collector, of this probe, and of whoever is not known."""
