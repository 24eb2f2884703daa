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

{{/* "true" where readers must say who they are, else nothing. */}}
{{- define "kubemon.withTokens" -}}
{{- if eq .Values.auth.mode "token" }}true{{ end }}
{{- end }}

{{/* The scheme of the agents: without tokens there is nothing to keep from listeners but numbers. */}}
{{- define "kubemon.agentScheme" -}}
{{- if include "kubemon.withTokens" . }}https{{ else }}http{{ end }}
{{- end }}

{{/* The scheme of the hub's own listener. */}}
{{- define "kubemon.hubScheme" -}}
{{- if eq .Values.hub.tls.mode "off" }}http{{ else }}https{{ end }}
{{- end }}

{{/* "true" where the API server is to hold the agents to their own pods; it can since Kubernetes 1.30. */}}
{{- define "kubemon.agentAdmissionPolicy" -}}
{{- $tls := .Values.agent.tls }}
{{- if and (include "kubemon.withTokens" .) (eq $tls.mode "attested") $tls.admissionPolicy (semverCompare ">=1.30.0-0" .Capabilities.KubeVersion.Version) }}true{{ end }}
{{- end }}

{{/* "true" where the agents' key comes from a Secret, else nothing. */}}
{{- define "kubemon.agentKeyFromSecret" -}}
{{- if and (include "kubemon.withTokens" .) (eq .Values.agent.tls.mode "files") }}true{{ end }}
{{- end }}

{{/* The Secret with the agents' key, which cert-manager or somebody else makes. */}}
{{- define "kubemon.agentKeySecret" -}}
{{- default (include "kubemon.componentName" (list . "agent-tls")) .Values.agent.tls.secretName }}
{{- end }}

{{/* The name in the agents' certificate where it comes from a Secret. */}}
{{- define "kubemon.agentServerName" -}}
{{- printf "%s.%s.svc" (include "kubemon.componentName" (list . "agent")) .Release.Namespace }}
{{- end }}

{{/* Who may ask an agent: the hub, the viewer, and whom agent.auth.subjects adds. */}}
{{- define "kubemon.agentSubjects" -}}
{{- $names := list (include "kubemon.componentName" (list . "hub")) }}
{{- if .Values.viewer.create }}
{{- $names = append $names (include "kubemon.componentName" (list . "viewer")) }}
{{- end }}
{{- $subjects := list }}
{{- range $names }}
{{- $subjects = append $subjects (printf "system:serviceaccount:%s:%s" $.Release.Namespace .) }}
{{- end }}
{{- concat $subjects .Values.agent.auth.subjects | join "," }}
{{- end }}

{{/*
A volume with the pod's own token for the API server, for an hour at a time,
and what is needed to know that server. It is what Kubernetes mounts by itself,
but for the life of the token, which would be a year.
*/}}
{{- define "kubemon.apiAccessVolume" -}}
- name: api-access
  projected:
    sources:
      - serviceAccountToken:
          path: token
          expirationSeconds: 3600
      - configMap:
          name: kube-root-ca.crt
          items:
            - key: ca.crt
              path: ca.crt
      - downwardAPI:
          items:
            - path: namespace
              fieldRef:
                fieldPath: metadata.namespace
{{- end }}

{{- define "kubemon.apiAccessMount" -}}
- name: api-access
  mountPath: /var/run/secrets/kubernetes.io/serviceaccount
  readOnly: true
{{- end }}

{{/* Values that contradict each other, each refused in words. */}}
{{- define "kubemon.validate" -}}
{{- with .Values.agent.tls }}
{{- if and (eq .mode "files") (not .secretName) (not .certManager.issuerRef.name) }}
{{- fail "agent.tls.mode is files: expected the Secret's name in agent.tls.secretName, or an issuer of cert-manager's in agent.tls.certManager.issuerRef" }}
{{- end }}
{{- if and (ne .mode "files") (or .secretName .certManager.issuerRef.name) }}
{{- fail (printf "agent.tls.mode is %s, which makes its own key: agent.tls.secretName and agent.tls.certManager.issuerRef need the mode files" .mode) }}
{{- end }}
{{- end }}
{{- if and (eq .Values.hub.tls.mode "files") (not .Values.hub.tls.secretName) }}
{{- fail "hub.tls.mode is files: expected the Secret's name in hub.tls.secretName" }}
{{- end }}
{{- if and (ne .Values.hub.tls.mode "files") .Values.hub.tls.secretName }}
{{- fail (printf "hub.tls.mode is %s: hub.tls.secretName needs the mode files" .Values.hub.tls.mode) }}
{{- end }}
{{- if and .Values.hub.auth.proxyCASecretName (eq .Values.hub.tls.mode "off") }}
{{- fail "hub.auth.proxyCASecretName is set, so the proxy shows a certificate, for which hub.tls.mode must be self-signed or files" }}
{{- end }}
{{- if and (or .Values.hub.auth.proxyCASecretName .Values.hub.auth.proxySecretName) (not (include "kubemon.withTokens" .)) }}
{{- fail "hub.auth.proxyCASecretName and hub.auth.proxySecretName need auth.mode token: without it the hub asks nobody who they are" }}
{{- end }}
{{- end }}
