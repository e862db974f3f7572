"""What a container of a manifest would see: known files, known gaps, and what nobody knows."""

import pytest

from probe.model.surroundings import Container, MountedFile, UnknownMount
from probe.model.target import Endpoint, Target, TlsSettings
from probe.surroundings.container_files import ContainerFiles, UnknownFileError, find_unknown_files
from probe.surroundings.file_view import IrregularFileError

CONTAINER = Container(
    name="Deployment otel/gateway, container collector",
    files=(
        MountedFile(
            path="/etc/tls/tls.crt", origin="Secret otel/client, key tls.crt", content=b"A"
        ),
        MountedFile(
            path="/etc/tls/tls.key", origin="Secret otel/client, key tls.key", content=b"B"
        ),
        MountedFile(path="/conf/ca.pem", origin="ConfigMap otel/ca, key ca.pem", content=b"C"),
    ),
    unknown=(UnknownMount(path="/var/run/x", reason="Secret otel/x is not in the manifest"),),
    mounts=("/etc/tls",),
)
FILES = ContainerFiles(CONTAINER)


def make_target(**files: str) -> Target:
    """Return a target of the container with these files."""
    return Target(name="a", endpoint=Endpoint("b", 1), tls=TlsSettings(**files), runs_in=CONTAINER)


@pytest.mark.parametrize(
    "path",
    ["/etc/tls/tls.crt", "/etc//tls/./tls.crt", "/etc/tls/..data/tls.crt", "/etc/a/../tls/tls.crt"],
)
def test_a_file_has_the_names_that_its_mount_gives_it(path: str) -> None:
    """A Secret's mount has `..data` next to its files, and a path may be written in many ways."""
    assert FILES.read(path, 10) == b"A"


def test_what_a_known_mount_lacks_does_not_exist() -> None:
    """The fact names what is mounted there: a key with another name is seen at once."""
    with pytest.raises(FileNotFoundError):
        FILES.read("/etc/tls/client.crt", 10)

    said = FILES.explain_absence("/etc/tls/client.crt")
    assert "/etc/tls/tls.crt (Secret otel/client, key tls.crt)" in said
    assert "ca.pem" not in said


@pytest.mark.parametrize("path", ["/etc/tls", "/etc", "/conf"])
def test_a_directory_is_not_a_file(path: str) -> None:
    """A path to the mount, and not to the file in it, says so."""
    with pytest.raises(IrregularFileError):
        FILES.read(path, 10)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/var/run/x/ca.crt", "Secret otel/x is not in the manifest"),
        ("/etc/ssl/cert.pem", "a file of the image"),
        ("tls.crt", "is relative"),
        ("/conf/other.pem", "a file of the image"),
    ],
)
def test_what_the_manifest_does_not_have_is_unknown(path: str, reason: str) -> None:
    """Nothing is said of the exporter then, only what is missing."""
    with pytest.raises(UnknownFileError) as raised:
        FILES.read(path, 10)
    assert reason in raised.value.detail

    assert [one.setting for one in find_unknown_files(make_target(ca_file=path))] == ["ca_file"]


def test_known_and_absent_files_can_be_judged() -> None:
    """A missing key of a known Secret is the exporter's failure, and needs nothing besides."""
    target = make_target(
        cert_file="/etc/tls/tls.crt", key_file="/etc/tls/nope", ca_file="/conf/ca.pem"
    )

    assert find_unknown_files(target) == ()


def test_another_content_has_another_fingerprint() -> None:
    """What changes in the manifest is read again."""
    assert FILES.read_fingerprint("/etc/tls/tls.crt") != FILES.read_fingerprint("/etc/tls/tls.key")
    assert FILES.read_fingerprint("/etc/tls/nope") == (2,)
