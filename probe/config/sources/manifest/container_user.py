"""Who a container runs as, and so which files of its volumes it may read.

Pure. Volumes of Secrets and ConfigMaps belong to root; the security contexts of pod and container say
the user and its groups, and where they do not, the image does.
"""

from dataclasses import dataclass
from typing import Final

from probe.config.sources.manifest.container_arguments import is_official_image
from probe.config.sources.manifest.pods import ContainerSpec, Pod

COLLECTOR_UID: Final = 10001
"""The user of OpenTelemetry's own images of the Collector (USER in their Dockerfiles)."""


@dataclass(frozen=True, slots=True)
class ContainerUser:
    """The user of a container, as far as it is known."""

    uid: int | None = None
    is_root: bool | None = None
    groups: tuple[int, ...] | None = None
    """All its groups; None where its own one is the image's."""


def find_fs_group(pod: Pod) -> int | None:
    """Return the group that the kubelet gives the files of volumes to, or None."""
    return None if pod.security is None else pod.security["fsGroup"].number


def find_user(pod: Pod, spec: ContainerSpec) -> ContainerUser:
    """Return who the container `spec` of `pod` runs as."""
    contexts = [one for one in (spec.security, pod.security) if one is not None]

    def find(key: str) -> int | None:
        return next((n for one in contexts if (n := one[key].number) is not None), None)

    uid = find("runAsUser")
    if uid is None and is_official_image(spec.image):
        uid = COLLECTOR_UID
    is_root = None if uid is None else uid == 0
    if is_root is None and any(one["runAsNonRoot"].flag for one in contexts):
        is_root = False
    gid = find("runAsGroup")
    if gid is None:
        return ContainerUser(uid, is_root)
    added = () if pod.security is None else pod.security["supplementalGroups"].items()
    more = (find_fs_group(pod), *(one.number for one in added))
    return ContainerUser(uid, is_root, (gid, *(one for one in more if one is not None)))
