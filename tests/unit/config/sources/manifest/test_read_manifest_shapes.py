"""Shapes of manifests that people publish, written anew: what targets come out of each.

Operators, charts, vendors' guides and GitOps repositories: how they lay out a Collector and its
Secrets differs, and each is read as it would run.
"""

import pytest

from tests.support.manifests import list_errors, name_targets, read

PIPE = "service: {pipelines: {traces: {receivers: [otlp], exporters: [NAMES]}}}"
OTLP = "receivers: {otlp: {protocols: {grpc: , http: }}}"


def config(exporters: str, names: str) -> str:
    """Return a Collector's configuration in flow YAML."""
    return f"{{{OTLP}, exporters: {{{exporters}}}, {PIPE.replace('NAMES', names)}}}"


def app(pod: str, kind: str = "Deployment", meta: str = "", template: str = "") -> str:
    """Return a workload called app in the namespace shop with this pod specification."""
    return (
        f"apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: app, namespace: shop{meta}}}\n"
        f"spec: {{template: {{metadata: {{{template}}}, spec: {{{pod}}}}}}}"
    )


SECRET = (
    "kind: Secret\nmetadata: {name: certs, namespace: shop}\n"
    "stringData: {tls.crt: c, tls.key: k, ca.crt: a}"
)
PEM = "tls: {ca_file: /tls/ca.crt, cert_file: /tls/tls.crt, key_file: /tls/tls.key}"

TO_PLAIN_GATEWAY = config("otlp: {endpoint: 'gw.default:4317', tls: {insecure: true}}", "otlp")
TO_B = config("otlp: {endpoint: 'b:4317'}", "otlp")
TO_OTEL = config("otlp: {endpoint: 'gw.otel:4317'}", "otlp")
TO_HUB = config(f"otlp: {{endpoint: 'hub.example.com:443', {PEM}}}", "otlp")
TO_GATEWAY = config("otlp: {endpoint: 'gw:4317'}", "otlp")
DEBUG_ONLY = config("debug: {}", "debug")

SHAPES: dict[str, tuple[tuple[str, ...], list[str], str]] = {
    "agent and gateway of the Collector's examples": (
        (
            f"kind: ConfigMap\nmetadata: {{name: agent}}\ndata:\n  agent-config: |\n    {TO_PLAIN_GATEWAY}",
            "kind: DaemonSet\nmetadata: {name: agent}\nspec: {template: {spec: {containers: [{name: agent, "
            "command: [/otelcol, --config=/conf/agent.yaml, --mem-ballast-size-mib=165], "
            "volumeMounts: [{name: v, mountPath: /conf}]}], "
            "volumes: [{name: v, configMap: {name: agent, items: [{key: agent-config, path: agent.yaml}]}}]}}}",
        ),
        ["DaemonSet agent: otlp"],
        "",
    ),
    "a chart that was rendered": (
        (
            f"---\n# Source: collector/templates/configmap.yaml\nkind: ConfigMap\nmetadata: {{name: r, namespace: shop}}\ndata:\n  relay: |\n    {TO_B}",
            app(
                "containers: [{name: opentelemetry-collector, command: [/otelcol-k8s], args: [--config=/conf/relay.yaml], "
                "env: [{name: MY_POD_IP, valueFrom: {fieldRef: {apiVersion: v1, fieldPath: status.podIP}}}], "
                "volumeMounts: [{mountPath: /conf, name: c}]}], "
                "volumes: [{name: c, configMap: {name: r, items: [{key: relay, path: relay.yaml}]}}]",
            ),
        ),
        ["Deployment shop/app: otlp"],
        "",
    ),
    "values that forward to a gateway, with every signal": (
        (
            "mode: daemonset\nimage: {repository: otel/opentelemetry-collector-k8s}\ncommand: {name: otelcol-k8s}\n"
            "config: {exporters: {otlp: {endpoint: 'gw:4317', tls: {insecure: true}}}, service: {pipelines: "
            "{logs: {exporters: [otlp, debug]}, metrics: {exporters: [otlp, debug]}, traces: {exporters: [otlp, debug]}}}}",
        ),
        ["Helm values: otlp"],
        "",
    ),
    "values of kube-stack with a token from a Secret": (
        (
            "clusterName: demo\nopentelemetry-operator: {enabled: true}\ncollectors: {daemon: {"
            "env: [{name: TOKEN, valueFrom: {secretKeyRef: {key: t, name: otel}}}], config: {exporters: "
            "{otlp: {endpoint: 'in.example.com:443', headers: {access-token: '${TOKEN}'}}}, "
            "service: {pipelines: {traces: {exporters: [debug, otlp]}}}}}}",
        ),
        [],
        "kubectl get secret otel -o yaml",
    ),
    "a sidecar that the operator injects by the namespace's annotation": (
        (
            f"apiVersion: opentelemetry.io/v1beta1\nkind: OpenTelemetryCollector\nmetadata: {{name: s, namespace: shop}}\nspec: {{mode: sidecar, config: {TO_OTEL}}}",
            "kind: Namespace\nmetadata: {name: shop, annotations: {sidecar.opentelemetry.io/inject: 'true'}}",
            app("containers: [{name: app, image: java}]"),
        ),
        ["Deployment shop/app: otlp"],
        "",
    ),
    "two Collectors of the operator in one namespace": (
        tuple(
            f"apiVersion: opentelemetry.io/{version}\nkind: OpenTelemetryCollector\nmetadata: {{name: {name}, namespace: shop}}\nspec: {{mode: {name}, config: {written}}}"
            for name, version, written in (
                ("daemonset", "v1beta1", config("otlp: {endpoint: 'a:4317'}", "otlp")),
                ("statefulset", "v1alpha1", f'"{TO_B}"'),
            )
        ),
        [
            "OpenTelemetryCollector shop/daemonset: otlp",
            "OpenTelemetryCollector shop/statefulset: otlp",
        ],
        "",
    ),
    "an operator's Collector with mutual TLS to another cluster": (
        (
            f"apiVersion: opentelemetry.io/v1beta1\nkind: OpenTelemetryCollector\nmetadata: {{name: hub, namespace: shop}}\nspec: {{managementState: unmanaged, volumes: [{{name: t, secret: {{secretName: certs}}}}], volumeMounts: [{{name: t, mountPath: /tls}}], config: {TO_HUB}}}",
            SECRET,
        ),
        ["OpenTelemetryCollector shop/hub: otlp"],
        "",
    ),
    "a SPIFFE CSI volume": (
        (
            app(
                "containers: [{name: c, image: otel/opentelemetry-collector, args: ['--config=yaml:"
                + config(
                    "otlp: {endpoint: ''b:1'', tls: {cert_file: /spiffe/svid.pem, key_file: /spiffe/key.pem}}",
                    "otlp",
                ).replace("{otlp: {protocols: {grpc: , http: }}}", "{otlp: {protocols: {grpc: null}}}")
                + "'], volumeMounts: [{name: s, mountPath: /spiffe}]}], volumes: [{name: s, csi: {driver: csi.spiffe.io}}]",
            ),
        ),
        [],
        "(csi.spiffe.io)",
    ),
    "a certificate that cert-manager makes": (
        (
            "apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: c, namespace: shop}\nspec: {secretName: certs}",
            app(
                "containers: [{name: a, env: [{name: OTEL_EXPORTER_OTLP_ENDPOINT, value: 'https://gw:4317'}, "
                "{name: OTEL_EXPORTER_OTLP_CERTIFICATE, value: /tls/ca.crt}], volumeMounts: [{name: t, mountPath: /tls}]}], "
                "volumes: [{name: t, secret: {secretName: certs}}]"
            ),
        ),
        [],
        "(Certificate shop/c makes it in the cluster)",
    ),
    "an application next to its agent on the node": (
        (
            app(
                "containers: [{name: a, env: [{name: HOST_IP, valueFrom: {fieldRef: {fieldPath: status.hostIP}}}, "
                "{name: OTEL_EXPORTER_OTLP_ENDPOINT, value: 'http://$(HOST_IP):4317'}]}]"
            ),
        ),
        [],
        "status.hostIP of the pod is known in the cluster only",
    ),
    "the same as a running pod, whose node is known": (
        (
            "kind: Pod\nmetadata: {name: a-1, namespace: shop}\nspec: {containers: [{name: a, env: [{name: HOST_IP, valueFrom: "
            "{fieldRef: {fieldPath: status.hostIP}}}, {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: 'http://$(HOST_IP):4317'}]}]}\n"
            "status: {hostIP: 192.0.2.5}",
        ),
        ["Pod shop/a-1: sdk"],
        "",
    ),
    "a demo whose services share their variables by anchors": (
        (
            "apiVersion: v1\nkind: List\nitems:\n"
            "- {kind: Deployment, metadata: {name: a, namespace: shop}, spec: {template: {spec: {containers: [{name: a, env: &env "
            "[{name: OTEL_EXPORTER_OTLP_ENDPOINT, value: 'https://gw:4317'}]}]}}}}\n"
            "- {kind: Deployment, metadata: {name: b, namespace: shop}, spec: {template: {spec: {containers: [{name: b, env: *env}]}}}}",
        ),
        ["Deployment shop/a: sdk", "Deployment shop/b: sdk"],
        "",
    ),
    "a job that exports at its end": (
        (
            "kind: CronJob\nmetadata: {name: nightly, namespace: shop}\nspec: {jobTemplate: {spec: {template: {spec: {"
            "containers: [{name: j, command: [python3, job.py], env: [{name: OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, "
            "value: 'https://gw:4318/v1/traces'}]}]}}}}}",
        ),
        ["CronJob shop/nightly: sdk-traces"],
        "",
    ),
    "a native sidecar": (
        (
            app(
                "initContainers: [{name: otel, restartPolicy: Always, image: otel/opentelemetry-collector, args: ['--config=env:CONF'], "
                f'env: [{{name: CONF, value: "{TO_GATEWAY}"}}]}}], containers: [{{name: a}}]'
            ),
        ),
        ["Deployment shop/app: otlp"],
        "",
    ),
    "a Rollout": (
        (
            app(
                "containers: [{name: a, env: [{name: OTEL_EXPORTER_OTLP_ENDPOINT, value: 'https://gw:4317'}]}]",
                "Rollout",
            ),
        ),
        ["Rollout shop/app: sdk"],
        "",
    ),
    "a HelmRelease of Flux": (
        (
            "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: gw, namespace: flux}\nspec: {targetNamespace: shop, "
            f"values: {{mode: deployment, config: {{exporters: {{otlp: {{endpoint: 'b:4317', {PEM}}}}}, service: {{pipelines: {{traces: {{exporters: [otlp]}}}}}}}}, "
            "extraVolumes: [{name: t, secret: {secretName: certs}}], extraVolumeMounts: [{name: t, mountPath: /tls}]}}",
            SECRET,
        ),
        ["HelmRelease flux/gw: otlp"],
        "",
    ),
    "an Application of Argo CD with values as text": (
        (
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: otel, namespace: argocd}\nspec:\n  destination: {namespace: shop}\n"
            "  source:\n    helm:\n      values: |\n        mode: deployment\n        config:\n          exporters: {otlp: {endpoint: 'b:4317'}}\n"
            "          service: {pipelines: {traces: {exporters: [otlp]}}}\n",
        ),
        ["Application argocd/otel: otlp"],
        "",
    ),
    "a gateway that only receives": (
        (
            f"kind: ConfigMap\nmetadata: {{name: gw, namespace: shop}}\ndata:\n  config.yaml: |\n    {DEBUG_ONLY}",
            app(
                "containers: [{name: c, image: otel/opentelemetry-collector-contrib, volumeMounts: [{name: c, "
                "mountPath: /etc/otelcol-contrib/config.yaml, subPath: config.yaml}]}], volumes: [{name: c, configMap: {name: gw}}]"
            ),
        ),
        [],
        "",
    ),
    "another program with --config": (
        (
            "kind: ConfigMap\nmetadata: {name: p, namespace: shop}\ndata: {prometheus.yml: 'scrape_configs: []'}",
            app(
                "containers: [{name: c, image: prom/prometheus, args: [--config=/p/prometheus.yml], volumeMounts: [{name: c, mountPath: /p}]}], "
                "volumes: [{name: c, configMap: {name: p}}]"
            ),
        ),
        [],
        "",
    ),
    "an agent of Java by its own options": (
        (
            'kind: ConfigMap\nmetadata: {name: otel, namespace: shop}\ndata: {otel.properties: "otel.exporter.otlp.endpoint=https://gw:4318"}',
            app(
                "containers: [{name: a, command: [java, -jar, a.jar], env: [{name: JAVA_TOOL_OPTIONS, value: "
                "'-javaagent:/agent.jar -Dotel.javaagent.configuration-file=/etc/otel/otel.properties -Dotel.exporter.otlp.protocol=grpc'}], "
                "volumeMounts: [{name: o, mountPath: /etc/otel}]}], volumes: [{name: o, configMap: {name: otel}}]"
            ),
        ),
        ["Deployment shop/app: sdk"],
        "",
    ),
    "variables of a ConfigMap that several workloads share": (
        (
            "kind: ConfigMap\nmetadata: {name: otel-env, namespace: shop}\ndata: {OTEL_EXPORTER_OTLP_ENDPOINT: 'https://gw:4317', OTEL_METRICS_EXPORTER: none}",
            app("containers: [{name: a, envFrom: [{configMapRef: {name: otel-env}}]}]", "StatefulSet"),
        ),
        ["StatefulSet shop/app: sdk"],
        "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_a_published_shape_gives_its_targets(shape: str) -> None:
    """Or the error that says what is missing, and nothing else."""
    documents, names, error = SHAPES[shape]
    content = read(*documents)
    errors = list_errors(content)
    assert name_targets(content) == names, errors
    assert (error in errors) if error else not errors
    assert not any(target.faults for target in content.targets), content.targets
