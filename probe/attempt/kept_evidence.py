"""The masked evidence of one target's last attempt, for an attempt that saw the same once more.

It gets new times and shares all else, so that whoever reads evidence finds by identity what stayed.
"""

from probe.attempt.masking import EvidenceMasker
from probe.model.evidence import Evidence
from probe.model.evidence_times import drop_times, take_times


class KeptEvidence:
    """Masks the evidence of one target: a part of its `PreparedTarget`."""

    __slots__ = ("_masked", "_seen", "_version")

    def __init__(self) -> None:
        """Keep nothing yet."""
        self._seen: Evidence | None = None
        """The last attempt, without its times, as it was before masking."""
        self._masked: Evidence | None = None
        self._version = 0

    def mask_evidence(self, evidence: Evidence, masker: EvidenceMasker) -> Evidence:
        """Return `evidence` without the secrets that `masker` knows by now."""
        seen, version = drop_times(evidence), masker.version
        if self._masked is not None and self._version == version and seen == self._seen:
            return take_times(self._masked, evidence)
        self._seen, self._version = seen, version
        self._masked = masked = masker.mask_evidence(evidence)
        return masked
