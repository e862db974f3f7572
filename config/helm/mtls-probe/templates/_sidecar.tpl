{{- /*
The probe as a native sidecar, for `initContainers` of a pod in any chart that depends on this one:

  initContainers:
    {{- include "mtls-probe.sidecar" . | nindent 8 }}

Its settings are `sidecar` and `image` of this chart's values. The pod also needs
mtls-probe.sidecar.volumes and mtls-probe.sidecar.labels. It is the same container as that of
config/kubernetes/sidecar; a test compares them.
*/ -}}
{{- define "mtls-probe.sidecar" -}}
{{- $chart := .Chart -}}
{{- $values := .Values -}}
{{- if hasKey .Subcharts "mtls-probe" -}}
{{- $chart = (index .Subcharts "mtls-probe").Chart -}}
{{- $values = (index .Subcharts "mtls-probe").Values -}}
{{- end -}}
{{- $sidecar := $values.sidecar -}}
- name: mtls-probe
  image: {{ include "mtls-probe.image" (dict "image" $values.image "chart" $chart) }}
  {{- with $values.image.pullPolicy }}
  imagePullPolicy: {{ . }}
  {{- end }}
  restartPolicy: Always
  {{- with $sidecar.args }}
  args: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $sidecar.envFrom }}
  envFrom: {{- toYaml . | nindent 4 }}
  {{- end }}
  env:
    - {name: OTEL_SERVICE_NAME, value: mtls-probe}
    {{- include "mtls-probe.resource" . | nindent 4 }}
    {{- with $sidecar.env }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  ports:
    - name: mtls-probe
      containerPort: 9943
  {{- include "mtls-probe.health" . | nindent 2 }}
  resources: {{- toYaml $sidecar.resources | nindent 4 }}
  securityContext:
    {{- include "mtls-probe.restricted" . | nindent 4 }}
    runAsUser: 65532
    runAsGroup: 65532
    seccompProfile:
      type: RuntimeDefault
  volumeMounts:
    {{- with $sidecar.volumeMounts }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    - name: mtls-probe-no-token
      mountPath: /var/run/secrets/kubernetes.io/serviceaccount
      readOnly: true
{{- end -}}

{{- /* The empty volume that hides the application's token from the sidecar. */ -}}
{{- define "mtls-probe.sidecar.volumes" -}}
- name: mtls-probe-no-token
  emptyDir: {}
{{- end -}}

{{- /* What the PodMonitor selects. */ -}}
{{- define "mtls-probe.sidecar.labels" -}}
mtls-probe: sidecar
{{- end -}}
