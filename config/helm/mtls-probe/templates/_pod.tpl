{{- /* The pod of `mode: central` and `mode: sharded`. */ -}}
{{- define "mtls-probe.pod" -}}
metadata:
  labels:
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- include "mtls-probe.selector" . | nindent 4 }}
  {{- with .Values.podAnnotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: 15
  {{- with .Values.serviceAccountName }}
  serviceAccountName: {{ . }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with .Values.image.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    seccompProfile:
      type: RuntimeDefault
  containers:
    - name: mtls-probe
      image: {{ include "mtls-probe.image" (dict "image" .Values.image "chart" .Chart) }}
      {{- with .Values.image.pullPolicy }}
      imagePullPolicy: {{ . }}
      {{- end }}
      args: [run, --config, /etc/mtls-probe/mtls-probe.yml]
      {{- with .Values.envFrom }}
      envFrom: {{- toYaml . | nindent 8 }}
      {{- end }}
      env:
        {{- include "mtls-probe.resource" . | nindent 8 }}
        {{- if eq .Values.mode "sharded" }}
        - {name: SHARD_INDEX, valueFrom: {fieldRef: {fieldPath: "metadata.labels['apps.kubernetes.io/pod-index']"}}}
        - {name: SHARD_COUNT, value: {{ .Values.shards | quote }}}
        {{- end }}
        {{- with .Values.env }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      ports:
        - name: mtls-probe
          containerPort: 9943
      {{- if .Values.web.configSecret }}
      {{- include "mtls-probe.health.port" . | nindent 6 }}
      {{- else }}
      {{- include "mtls-probe.health" . | nindent 6 }}
      {{- end }}
      resources: {{- toYaml .Values.resources | nindent 8 }}
      securityContext:
        {{- include "mtls-probe.restricted" . | nindent 8 }}
      volumeMounts:
        - {name: config, mountPath: /etc/mtls-probe, readOnly: true}
        {{- range $index, $_ := .Values.secrets }}
        - {name: secret-{{ $index }}, mountPath: {{ .mountPath }}, readOnly: true}
        {{- end }}
        {{- range $index, $_ := .Values.configMaps }}
        - {name: configmap-{{ $index }}, mountPath: {{ .mountPath }}, readOnly: true}
        {{- end }}
        {{- if .Values.web.configSecret }}
        - {name: mtls-probe-web, mountPath: /etc/mtls-probe-web, readOnly: true}
        {{- end }}
        {{- with .Values.volumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: config
      configMap: {name: {{ include "mtls-probe.fullname" . }}}
    {{- range $index, $_ := .Values.secrets }}
    - name: secret-{{ $index }}
      secret: {secretName: {{ .secretName }}, defaultMode: 288{{ if .optional }}, optional: true{{ end }}}
    {{- end }}
    {{- range $index, $_ := .Values.configMaps }}
    - name: configmap-{{ $index }}
      configMap: {name: {{ .name }}{{ if .optional }}, optional: true{{ end }}}
    {{- end }}
    {{- with .Values.web.configSecret }}
    - name: mtls-probe-web
      secret: {secretName: {{ . }}, defaultMode: 288}    # 0440
    {{- end }}
    {{- with .Values.volumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.topologySpreadConstraints }}
  topologySpreadConstraints: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
