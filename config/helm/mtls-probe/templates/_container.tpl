{{- /* What a container of the probe has wherever it runs; called with `name`. */ -}}
{{- define "mtls-probe.resource" -}}
- {name: K8S_NAMESPACE_NAME, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
- {name: K8S_NODE_NAME, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
- {name: K8S_POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
- {name: K8S_POD_UID, valueFrom: {fieldRef: {fieldPath: metadata.uid}}}
- {name: K8S_CONTAINER_NAME, value: mtls-probe}
{{- end -}}

{{- /* Neither depends on what a backend does. */ -}}
{{- define "mtls-probe.health" -}}
readinessProbe:
  httpGet: {path: /-/ready, port: mtls-probe}
  periodSeconds: 10
  timeoutSeconds: 3
livenessProbe:
  httpGet: {path: /-/healthy, port: mtls-probe}
  periodSeconds: 30
  timeoutSeconds: 5
{{- end -}}

{{- /* With a web file every path may need a certificate or a password, which the kubelet has not. */ -}}
{{- define "mtls-probe.health.port" -}}
readinessProbe:
  tcpSocket: {port: mtls-probe}
  periodSeconds: 10
  timeoutSeconds: 3
livenessProbe:
  tcpSocket: {port: mtls-probe}
  periodSeconds: 30
  timeoutSeconds: 5
{{- end -}}

{{- define "mtls-probe.restricted" -}}
runAsNonRoot: true
readOnlyRootFilesystem: true
allowPrivilegeEscalation: false
privileged: false
capabilities:
  drop: [ALL]
{{- end -}}
