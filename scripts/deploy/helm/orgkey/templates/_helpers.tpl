{{/* The objects are those of the Kustomize files: they are read, changed where values say so, and written again. */}}

{{- define "orgkey.labels" -}}
app.kubernetes.io/name: orgkey
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "orgkey.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end -}}
{{- end }}

{{/* Writes an object with the labels of Helm. `space`: whether it gets the namespace of the release. */}}
{{- define "orgkey.object" -}}
{{- $meta := .object.metadata }}
{{- $_ := set $meta "labels" (merge (include "orgkey.labels" .root | fromYaml) ($meta.labels | default dict)) }}
{{- if .space }}{{ $_ := set $meta "namespace" .root.Release.Namespace }}{{ end -}}
---
{{ toYaml .object }}
{{ end }}

{{- define "orgkey.configuration" -}}
{{- $metrics := dict "orgkey" (dict "metrics" (dict "listen" "127.0.0.1:9464")) }}
{{- if not .Values.configuration }}{{ fail "set `configuration`: the content of config.yaml" }}{{ end }}
{{- toYaml (mergeOverwrite (deepCopy .Values.configuration) $metrics) }}
{{- end }}
