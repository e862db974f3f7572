"""Where an exporter runs: whose files it reads, and whose network it connects from. Plain data.

A target of a running process reads files below the root of that process with the rights of its
user, and connects from its network namespace. A target of a Kubernetes manifest has the files that
the manifest's Secrets and ConfigMaps would be mounted as; they stay in memory.
"""

from dataclasses import dataclass, field

from probe.text.safe_text import safe_text


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningProcess:
    """A process of Linux, as proc(5) describes it."""

    pid: int
    start_ticks: int
    """Field 22 of /proc/PID/stat: a later process with the same number has another one."""
    started: float = field(compare=False)
    """The same in epoch seconds; it moves with the clock, so that it tells no process apart."""
    uid: int
    """The file-system user id, as the next two: what decides which files it may read."""
    gid: int
    groups: tuple[int, ...] = ()
    reads_everything: bool = False
    """Whether its capabilities bypass the permissions of files (CAP_DAC_OVERRIDE or
    CAP_DAC_READ_SEARCH) in its own user namespace."""
    working_directory: str = "/"
    """As the process sees it; relative paths begin there."""
    command: str = ""
    """Its command in short, as it may be shown."""
    ssl_cert_file: str = ""
    ssl_cert_dir: str = ""
    """SSL_CERT_FILE and SSL_CERT_DIR of its environment, which Go and OpenSSL read."""

    @property
    def name(self) -> str:
        """What sentences call it: `process 4242 (otelcol)`."""
        command = f" ({safe_text(self.command, 80)})" if self.command else ""
        return f"process {self.pid}{command}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MountedFile:
    """One file that a container sees, taken from a Secret or ConfigMap of the manifest."""

    path: str
    origin: str
    """Which object and key it is, like `Secret otel/client, key tls.key`."""
    content: bytes = field(repr=False)
    mode: int = 0o644
    """As the kubelet writes it, with what fsGroup adds; its owner is root."""
    group: int = 0
    """The pod's fsGroup, else root's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownMount:
    """A path of a container whose content the manifest does not have."""

    path: str
    """Everything below it is unknown."""
    reason: str
    """What is missing, like `Secret otel/client is not in the manifest`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A container of a manifest, with the files that it would see."""

    name: str
    """Like `Deployment otel/gateway, container collector`."""
    files: tuple[MountedFile, ...] = ()
    unknown: tuple[UnknownMount, ...] = ()
    """Paths outside of all mounts are the image's and unknown too."""
    mounts: tuple[str, ...] = ()
    """Directories of which every file is in `files`: another path there does not exist."""
    uid: int | None = None
    """The user that it runs as; None where only its image says."""
    runs_as_root: bool | None = None
    """None where only its image says."""
    groups: tuple[int, ...] | None = None
    """The groups of that user; None where its own group is the image's."""
    namespace: str = ""
    """Of its pod, whose Services have short names there; empty where the manifest does not say."""
    ssl_cert_file: str = ""
    ssl_cert_dir: str = ""
    """SSL_CERT_FILE and SSL_CERT_DIR of its environment, which Go and OpenSSL read."""


Surroundings = RunningProcess | Container
