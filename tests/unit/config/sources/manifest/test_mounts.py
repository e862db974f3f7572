"""The files of a container are those that the kubelet would mount."""

import pytest

from probe.config.sources.manifest import mounts, stored_data
from probe.credentials.load import load_credentials
from probe.model.surroundings import Container
from probe.surroundings.container_files import ContainerFiles
from tests.support.manifests import collector_config, config_map, deployment, list_errors, read

HELD = (
    "kind: Secret\nmetadata: {name: s, namespace: otel}\n"
    "data: {tls.crt: Y2VydA==}\nstringData: {tls.key: key, ca.crt: ca}",
    "kind: ConfigMap\nmetadata: {name: c, namespace: otel}\n"
    "data: {ca.crt: public, other: x}\nbinaryData: {store.p12: AAEC}",
)


def container(volumes: str, mounted: str, *more: str) -> Container:
    """Return the container of an application with these volumes and mounts, in flow YAML."""
    app = (
        "name: app\nenv: [{name: OTEL_EXPORTER_OTLP_ENDPOINT, value: 'https://b:1'}]\n"
        f"volumeMounts: [{mounted}]"
    )
    (target,) = read(deployment(app, f"volumes: [{volumes}]"), *HELD, *more).targets
    assert isinstance(target.runs_in, Container)
    return target.runs_in


def files(found: Container) -> dict[str, bytes]:
    """Return the content of each path."""
    return {file.path: file.content for file in found.files}


SECRET = "{name: v, secret: {secretName: s}}"


@pytest.mark.parametrize(
    ("volumes", "mounted", "expected"),
    [
        (
            SECRET,
            "{name: v, mountPath: /c}",
            {"/c/tls.crt": b"cert", "/c/tls.key": b"key", "/c/ca.crt": b"ca"},
        ),
        (
            "{name: v, secret: {secretName: s, items: [{key: tls.crt, path: a/client.pem}]}}",
            "{name: v, mountPath: /c/}",
            {"/c/a/client.pem": b"cert"},
        ),
        (SECRET, "{name: v, mountPath: /x.pem, subPath: tls.key}", {"/x.pem": b"key"}),
        (
            "{name: v, configMap: {name: c}}",
            "{name: v, mountPath: /c}",
            {"/c/ca.crt": b"public", "/c/other": b"x", "/c/store.p12": b"\0\1\2"},
        ),
        (
            "{name: v, projected: {sources: [{secret: {name: s, items: [{key: tls.crt, path: t}]}}, "
            "{configMap: {name: c, items: [{key: ca.crt, path: ca}]}}]}}",
            "{name: v, mountPath: /c}",
            {"/c/t": b"cert", "/c/ca": b"public"},
        ),
        (
            f"{SECRET}, {{name: w, configMap: {{name: c, items: [{{key: ca.crt, path: ca.crt}}]}}}}",
            "{name: v, mountPath: /c}, {name: w, mountPath: /c/ca.crt, subPath: ca.crt}",
            {"/c/tls.crt": b"cert", "/c/tls.key": b"key", "/c/ca.crt": b"public"},
        ),
    ],
    ids=["all", "items", "subPath", "binary data", "projected", "the deepest mount"],
)
def test_volumes_are_files(volumes: str, mounted: str, expected: dict[str, bytes]) -> None:
    """With the content of the key, wherever it is mounted."""
    assert files(container(volumes, mounted)) == expected


@pytest.mark.parametrize(
    ("volume", "reason"),
    [
        ("emptyDir: {}", "is an emptyDir, filled when the pod runs"),
        ("hostPath: {path: /etc}", "is a hostPath"),
        ("csi: {driver: csi.cert-manager.io}", "(csi.cert-manager.io)"),
        ("persistentVolumeClaim: {claimName: x}", "is a persistent volume claim"),
        ("nfs: {server: x}", "is of the kind nfs"),
        ("secret: {secretName: gone, optional: true}", "Secret otel/gone is not in the manifest"),
        ("projected: {sources: [{serviceAccountToken: {path: t}}]}", "serviceAccountToken"),
    ],
)
def test_other_volumes_are_unknown_with_their_reason(volume: str, reason: str) -> None:
    """Nothing is said of files that the manifest does not have."""
    found = container(f"{{name: v, {volume}}}", "{name: v, mountPath: /c}")
    assert [one.path for one in found.unknown if reason in one.reason] == ["/c"]
    assert "/c" not in found.mounts


def test_a_mount_without_a_volume_is_refused() -> None:
    """The API server does not take such a pod."""
    app = (
        "name: app\nenv: [{name: OTEL_EXPORTER_OTLP_ENDPOINT, value: 'https://b:1'}]\n"
        "volumeMounts: [{name: v, mountPath: /c}]"
    )
    assert "the pod has no volume v" in list_errors(read(deployment(app)))


def test_the_clusters_ca_is_a_config_map_of_every_namespace() -> None:
    """The token next to it is made when the pod runs."""
    root = (
        "kind: ConfigMap\nmetadata: {name: kube-root-ca.crt, namespace: otel}\ndata: {ca.crt: root}"
    )
    found = container("", "", root)
    assert files(found) == {f"{mounts.SERVICE_ACCOUNT}/ca.crt": b"root"}
    assert found.unknown[0].path == mounts.SERVICE_ACCOUNT


def test_data_that_is_not_base64_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it is shown."""
    bad = "kind: Secret\nmetadata: {name: bad, namespace: otel}\ndata: {tls.crt: '-----BEGIN'}"
    app = (
        "name: app\nenv: [{name: OTEL_EXPORTER_OTLP_ENDPOINT, value: 'https://b:1'}]\n"
        "volumeMounts: [{name: v, mountPath: /c}]"
    )
    volumes = "volumes: [{name: v, secret: {secretName: bad}}]"
    errors = list_errors(read(deployment(app, volumes), bad))
    assert "Secret otel/bad, key tls.crt is not base64" in errors
    assert "BEGIN" not in errors


def test_all_files_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is beyond is unknown, and says so."""
    monkeypatch.setattr(stored_data, "MOST_MOUNTED", 2)
    found = container(SECRET, "{name: v, mountPath: /c}")
    assert len(found.files) == 2
    assert "more files than the probe looks at" in found.unknown[-1].reason


SECRET_400 = "{name: v, secret: {secretName: s, defaultMode: 256}}"


@pytest.mark.parametrize(
    ("pod", "user", "readable"),
    [
        ("", "runAsUser: 1000", False),
        ("", "runAsUser: 0", True),
        ("", "runAsNonRoot: true", False),
        ("", "", True),
        ("runAsUser: 1000", "", False),
        ("runAsUser: 1000", "runAsUser: 0", True),
        ("fsGroup: 2000", "runAsUser: 1000", True),
        ("fsGroup: 2000", "runAsUser: 1000, runAsGroup: 3000", True),
    ],
)
def test_a_mode_closes_a_file_to_users_other_than_root(pod: str, user: str, readable: bool) -> None:
    """0400 is for root alone, unless fsGroup gives the file to a group; an image's user is unknown."""
    app = (
        "name: app\nenv: [{name: OTEL_EXPORTER_OTLP_ENDPOINT, value: 'https://b:1'}]\n"
        f"securityContext: {{{user}}}\nvolumeMounts: [{{name: v, mountPath: /c}}]"
    )
    text = deployment(app, f"volumes: [{SECRET_400}]\nsecurityContext: {{{pod}}}")
    (target,) = read(text, *HELD).targets
    assert isinstance(target.runs_in, Container)
    view = ContainerFiles(target.runs_in)
    if readable:
        assert view.read("/c/tls.key", 10) == b"key"
        return
    with pytest.raises(PermissionError):
        view.read("/c/tls.key", 10)


def test_the_collectors_own_image_is_not_root() -> None:
    """Its user is 10001; the group of 0440 is the image's, and may be root's."""
    for mode, readable in ((0o400, False), (0o440, True), (0o644, True)):
        container = (
            "name: c\nimage: otel/opentelemetry-collector:0.150.0\nargs: [--config=/conf/relay.yaml]\n"
            "volumeMounts: [{name: conf, mountPath: /conf}, {name: v, mountPath: /c}]"
        )
        volume = f"{{name: v, secret: {{secretName: s, defaultMode: {mode}}}}}"
        config = collector_config({"otlp": "{endpoint: 'b:1', tls: {ca_file: /c/ca.crt}}"})
        text = deployment(
            container, f"volumes: [{{name: conf, configMap: {{name: gateway}}}}, {volume}]"
        )
        (target,) = read(text, config_map(config), *HELD).targets
        assert isinstance(target.runs_in, Container)
        assert target.runs_in.uid == 10001
        found = load_credentials(target.tls, view=ContainerFiles(target.runs_in))
        forbidden = any("permission" in one.cause for one in found.facts.faults)
        assert forbidden != readable
