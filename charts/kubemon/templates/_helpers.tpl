{{/*
The names below take a component's name, agent or hub, where they need one:
include "kubemon.componentName" (list . "agent").
*/}}

{{/* The chart's name, for labels. */}}
{{- define "kubemon.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/*
The common part of all object names. It leaves room for "-agent" in the 63
characters of a Service's name.
*/}}
{{- define "kubemon.fullname" -}}
{{- $name := include "kubemon.name" . }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 57 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 57 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 57 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* The name of a component's objects. */}}
{{- define "kubemon.componentName" -}}
{{- $root := index . 0 }}
{{- printf "%s-%s" (include "kubemon.fullname" $root) (index . 1) }}
{{- end }}

{{/* The labels that select a component's pods; they can never change. */}}
{{- define "kubemon.selectorLabels" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "kubemon.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* The labels of a component's objects. */}}
{{- define "kubemon.labels" -}}
{{- $root := index . 0 -}}
{{ include "kubemon.selectorLabels" . }}
app.kubernetes.io/part-of: kubemon
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- end }}

{{/* A component's image: registry, repository, and digest or tag. */}}
{{- define "kubemon.image" -}}
{{- $root := index . 0 }}
{{- $image := (index $root.Values (index . 1)).image }}
{{- with $image.registry }}{{ . }}/{{ end }}
{{- $image.repository }}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ default $root.Chart.AppVersion $image.tag }}{{ end }}
{{- end }}

{{/*
GOMEMLIMIT makes the Go runtime collect harder before the kernel would kill the
container; it follows the memory limit where there is one.
*/}}
{{- define "kubemon.memoryLimitEnv" -}}
{{- if and .limits .limits.memory -}}
- name: GOMEMLIMIT
  valueFrom:
    resourceFieldRef:
      resource: limits.memory
{{- end }}
{{- end }}
