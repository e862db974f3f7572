"""The masked evidence of one target's last attempt, for an attempt that saw the same once more.

It gets new times and shares all else, so that whoever reads evidence finds by identity what stayed.
"""

from probe.attempt.masking import EvidenceMasker
from probe.model.evidence import Evidence
from probe.model.evidence_times import is_repeat, take_times


class KeptEvidence:
    """Masks the evidence of one target: a part of its `PreparedTarget`."""

    __slots__ = ("_masked", "_raw", "_version")

    def __init__(self) -> None:
        """Keep nothing yet."""
        self._raw: Evidence | None = None
        """What was masked last."""
        self._masked: Evidence | None = None
        self._version = 0

    def mask_evidence(self, evidence: Evidence, masker: EvidenceMasker) -> Evidence:
        """Return `evidence` without the secrets that `masker` knows by now."""
        raw, masked, version = self._raw, self._masked, masker.version
        if (
            raw is not None
            and masked is not None
            and version == self._version
            and is_repeat(evidence, raw)
        ):
            return take_times(masked, evidence)
        self._raw, self._version = evidence, version
        self._masked = masked = masker.mask_evidence(evidence)
        return masked
