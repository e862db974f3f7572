"""Stories of backends that take this exporter as before, and have changed what others depend on."""

import msgspec.structs

from probe.model.change import Change
from probe.model.evidence import Evidence
from tests.stories.story import story
from tests.support.certificate_facts import AT
from tests.support.evidence import answered_attempt


def changed(*changes: Change) -> Evidence:
    """Return an attempt that went well after `changes`."""
    return msgspec.structs.replace(answered_attempt(), changed=changes)


@story("export", outcome="confirmed", findings=("backend_changed",))
def backend_changed() -> Evidence:
    """The list of accepted CAs has lost another team's CA; this exporter's is still there."""
    return changed(
        Change(
            what="acceptable_cas",
            before=("CN=Another team's CA", "CN=Exporter client CA"),
            after=("CN=Exporter client CA",),
            at=AT - 60,
            last_before=AT - 90,
        )
    )


@story("export", outcome="confirmed", findings=("backend_changed",))
def backend_changed__another_issuer() -> Evidence:
    """The backend's certificate is of another CA, which this exporter's ca_file has too."""
    return changed(
        Change(
            what="server_chain",
            before=("CN=collector, issued by CN=Backend CA",),
            after=("CN=collector, issued by CN=Next CA",),
            at=AT - 60,
            last_before=AT - 90,
            parts=("end_entity", "issuer", "key"),
        )
    )
