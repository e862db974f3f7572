"""The files that a container sees: its volumes and mounts, filled from Secrets and ConfigMaps.

Pure and total. What the manifest does not have is an `UnknownMount`; a mount that the kubelet cannot
make is a fault of the pod. The deepest mount decides for a path, as in the kernel.
"""

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from probe.config.errors import ConfigurationError
from probe.config.sources.manifest.container_variables import Unknown, Variables
from probe.config.sources.manifest.objects import Node
from probe.config.sources.manifest.stored_data import Store, StoredData
from probe.model.surroundings import Container, MountedFile, UnknownMount
from probe.text.safe_text import safe_text

MOST_FILES: Final = 5000
"""How many files one container may have."""
_MODE: Final = 0o644
SERVICE_ACCOUNT: Final = "/var/run/secrets/kubernetes.io/serviceaccount"
"""Where the API server's admission mounts the token of the service account, and the cluster's CA."""

_UNKNOWN_KINDS: Final = {
    "emptyDir": "is an emptyDir, filled when the pod runs",
    "hostPath": "is a hostPath: its files are the node's",
    "persistentVolumeClaim": "is a persistent volume claim",
    "ephemeral": "is an ephemeral volume, filled when the pod runs",
    "csi": "is filled by a CSI driver when the pod runs",
    "downwardAPI": "is made of the pod's own fields",
}


@dataclass(frozen=True, slots=True)
class _Volume:
    """What a volume holds: relative paths and files; `missing` says what of it is unknown."""

    files: Mapping[str, tuple[StoredData, str]] = field(default_factory=dict)
    modes: Mapping[str, int] = field(default_factory=dict)
    """Of those files whose mode is not the usual one."""
    missing: str = ""
    faults: tuple[ConfigurationError, ...] = ()


def make_container(
    name: str,
    mounts: tuple[Node, ...],
    volumes: Mapping[str, Node | StoredData],
    *,
    namespace: str,
    store: Store,
    variables: Variables,
    service_account: bool,
    fs_group: int | None = None,
) -> tuple[Container, list[ConfigurationError]]:
    """Return the files of a container, and why the kubelet cannot mount some of them."""
    places: dict[str, tuple[str, _Volume]] = {}
    faults: list[ConfigurationError] = []
    read: dict[str, _Volume] = {}
    if service_account:
        places[SERVICE_ACCOUNT] = ("", _read_service_account(namespace, store))
    for mount in mounts:
        volume_name, path = mount["name"].text, _normalize(mount["mountPath"].text)
        if not path:
            continue
        if volume_name not in volumes:
            reason = f"the pod has no volume {safe_text(volume_name)}, so the API server refuses it"
            faults.append(mount["name"].at.error(reason))
            continue
        if volume_name not in read:
            read[volume_name] = volume = _read_volume(
                volumes[volume_name], volume_name, namespace, store
            )
            faults += volume.faults
        below = mount["subPath"].text
        if expression := mount["subPathExpr"].text:
            expanded = variables.expand(expression, services={})
            if not isinstance(expanded, str):
                reason = expanded.reason if isinstance(expanded, Unknown) else "it is not known"
                places[path] = ("", _Volume(missing=f"subPathExpr: {reason}"))
                continue
            below = expanded
        places[path] = (below.strip("/"), read[volume_name])
    return _lay_out(name, places, store, fs_group), faults


def _lay_out(
    name: str, places: Mapping[str, tuple[str, _Volume]], store: Store, fs_group: int | None
) -> Container:
    files: dict[str, MountedFile] = {}
    unknown: list[UnknownMount] = []
    complete: list[str] = []
    for path, (below, volume) in places.items():
        missing = volume.missing
        for relative, (data, key) in _select(volume, below):
            full = posixpath.join(path, relative) if relative else path
            if _find_mount(full, places) != path:
                continue
            if len(files) >= MOST_FILES or not store.take_file():
                missing = "the manifest mounts more files than the probe looks at"
                break
            mode = volume.modes.get(f"{below}/{relative}".strip("/"), _MODE)
            files[full] = MountedFile(
                path=full,
                origin=data.name_key(key),
                content=data.values[key],
                # SetVolumeOwnership of the kubelet lets the group of the pod read.
                mode=mode if fs_group is None else mode | 0o440,
                group=fs_group or 0,
            )
        if missing:
            unknown.append(UnknownMount(path=path, reason=missing))
        else:
            complete.append(path)
    return Container(
        name=name, files=tuple(files.values()), unknown=tuple(unknown), mounts=tuple(complete)
    )


def _select(volume: _Volume, below: str) -> Iterator[tuple[str, tuple[StoredData, str]]]:
    """Yield the files of a mount: all, or where it has a subPath that file or directory alone."""
    for relative, held in volume.files.items():
        if not below:
            yield relative, held
        elif relative == below:
            yield "", held
        elif relative.startswith(f"{below}/"):
            yield relative[len(below) + 1 :], held


def _find_mount(path: str, places: Mapping[str, object]) -> str | None:
    """Return the deepest of `places` that `path` is at or below."""
    while path not in places:
        if path == "/":
            return None
        path = posixpath.dirname(path)
    return path


def _normalize(path: str) -> str:
    """Return an absolute path in its simplest form; empty for another one."""
    if not path.startswith("/"):
        return ""
    return "/" + posixpath.normpath(path).lstrip("/")


def _read_service_account(namespace: str, store: Store) -> _Volume:
    roots = store.find("ConfigMap", namespace, "kube-root-ca.crt")
    if roots is None:
        absent = store.describe_absent("ConfigMap", namespace, "kube-root-ca.crt")
        return _Volume(missing=f"the service account's files: {absent}")
    files = {key: (roots, key) for key in roots.values if key == "ca.crt"}
    return _Volume(files, missing="the service account's token is made when the pod runs")


def _read_volume(volume: Node | StoredData, name: str, namespace: str, store: Store) -> _Volume:
    if isinstance(volume, StoredData):
        return _Volume({key: (volume, key) for key in volume.values})
    for kind, key, ref in (("Secret", "secret", "secretName"), ("ConfigMap", "configMap", "name")):
        if volume[key]:
            return _read_stored(volume[key], kind, ref, name, namespace, store, volume[key])
    if volume["projected"]:
        return _read_projected(volume["projected"], name, namespace, store)
    driver = volume.get("csi", "driver").value
    for key, text in _UNKNOWN_KINDS.items():
        if volume[key].value is not None:
            what = f" {driver}" if key == "csi" and isinstance(driver, str) else ""
            return _Volume(missing=f"volume {name} {text}{f' ({driver})' if what else ''}")
    other = next((key for key in volume.value if key != "name"), "emptyDir")
    return _Volume(
        missing=f"volume {name} is of the kind {other}, whose files the manifest has not"
    )


def _read_stored(
    source: Node, kind: str, reference: str, name: str, namespace: str, store: Store, general: Node
) -> _Volume:
    held = source[reference].text
    data = store.find(kind, namespace, held)
    if data is None:
        return _Volume(missing=store.describe_absent(kind, namespace, held))
    files: dict[str, tuple[StoredData, str]] = {}
    faults: list[ConfigurationError] = []
    optional = source["optional"].flag
    items = source["items"].items()
    for key, why in data.damaged.items():
        faults.append(source.at.error(f"{data.name_key(key)} {why}"))
    mode = general["defaultMode"].number
    if not items:
        held_modes = {} if mode is None else dict.fromkeys(data.values, mode)
        return _Volume({key: (data, key) for key in data.values}, held_modes, "", tuple(faults))
    modes: dict[str, int] = {}
    for item in items:
        key, path = item["key"].text, item["path"].text.strip("/")
        if key in data.values:
            files[path or key] = (data, key)
            own = item["mode"].number
            if (chosen := mode if own is None else own) is not None:
                modes[path or key] = chosen
        elif not optional and key not in data.damaged:
            reason = (
                f"{data.title} has no key {safe_text(key)} for volume {safe_text(name)}; "
                f"{data.list_keys()}: the pod does not start"
            )
            faults.append(item["key"].at.error(reason))
    return _Volume(files, modes, "", tuple(faults))


def _read_projected(source: Node, name: str, namespace: str, store: Store) -> _Volume:
    files: dict[str, tuple[StoredData, str]] = {}
    modes: dict[str, int] = {}
    missing: list[str] = []
    faults: list[ConfigurationError] = []
    for part in source["sources"].items():
        for kind, key in (("Secret", "secret"), ("ConfigMap", "configMap")):
            if part[key]:
                found = _read_stored(part[key], kind, "name", name, namespace, store, source)
                files.update(found.files)
                modes.update(found.modes)
                missing += [found.missing] if found.missing else []
                faults += found.faults
        for key in ("downwardAPI", "serviceAccountToken", "clusterTrustBundle", "podCertificate"):
            if part[key]:
                missing.append(f"volume {name}: its {key} is made when the pod runs")
    return _Volume(files, modes, "; ".join(dict.fromkeys(missing)), tuple(faults))
