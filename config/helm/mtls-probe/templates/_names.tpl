{{- define "mtls-probe.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains "mtls-probe" .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-mtls-probe" .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- /* The labels by which this release's pods are selected. */ -}}
{{- define "mtls-probe.selector" -}}
app.kubernetes.io/name: mtls-probe
app.kubernetes.io/instance: {{ .Release.Name }}
mtls-probe: {{ .Values.mode }}
{{- end -}}

{{- define "mtls-probe.labels" -}}
app.kubernetes.io/name: mtls-probe
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- /* Called with the image's values and the chart's metadata. */ -}}
{{- define "mtls-probe.image" -}}
{{- if .image.digest -}}
{{ .image.repository }}@{{ .image.digest }}
{{- else -}}
{{ .image.repository }}:{{ .image.tag | default .chart.AppVersion }}
{{- end -}}
{{- end -}}
