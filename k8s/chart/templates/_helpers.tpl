{{/* RayFlow's image: by digest where there is one. */}}
{{- define "rayflow.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ default .Chart.AppVersion $image.tag }}
{{- end -}}
{{- end -}}

{{/* Where KEDA asks how long the queues are: the headless service, whose name it puts that of a server before. */}}
{{- define "rayflow.natsMonitoring" -}}
{{- default (printf "nats-headless.%s.svc.cluster.local:8222" .Release.Namespace) .Values.nats.monitoring -}}
{{- end -}}

{{/* The groups of node types: those of the values, else one for each category of the built-in types; and the extra ones. */}}
{{- define "rayflow.actorGroups" -}}
{{- $groups := .Values.actors.groups -}}
{{- if not $groups -}}
{{- $groups = .Files.Get "files/actor-groups.yaml" | fromYaml -}}
{{- end -}}
{{- range $name, $group := .Values.actors.extraGroups -}}
{{- $_ := set $groups $name $group -}}
{{- end -}}
{{ toYaml $groups }}
{{- end -}}
