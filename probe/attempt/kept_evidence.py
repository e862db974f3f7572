"""The masked evidence of one target's last attempt, for an attempt that saw the same once more.

It gets new times and shares all else, so that whoever reads evidence finds by identity what stayed.
"""

from probe.attempt.masking import EvidenceMasker
from probe.model.evidence import Evidence
from probe.model.evidence_times import is_repeat, take_times
from probe.model.shared import share_parts


class KeptEvidence:
    """Masks the evidence of one target: a part of its `PreparedTarget`."""

    __slots__ = ("_masked", "_raw", "_version", "repeats")

    def __init__(self) -> None:
        """Keep nothing yet."""
        self.repeats = False
        """Whether the last attempt saw the same as the one before it."""
        self._raw: Evidence | None = None
        """What was masked last: the same object as the masked one, where there is no secret in it."""
        self._masked: Evidence | None = None
        self._version = 0

    def mask_evidence(self, evidence: Evidence, masker: EvidenceMasker) -> Evidence:
        """Return `evidence` without the secrets that `masker` knows by now."""
        raw, masked, version = self._raw, self._masked, masker.version
        self.repeats = raw is not None and is_repeat(evidence, raw)
        if self.repeats and masked is not None and version == self._version:
            # The last times take the place of the first ones, and those need not be kept.
            self._masked = take_times(masked, evidence)
            self._raw = self._masked if raw is masked else evidence
            return self._masked
        masked = masker.mask_evidence(evidence)
        self._masked, self._version = share_parts(masked), version
        self._raw = self._masked if masked is evidence else evidence
        return self._masked
