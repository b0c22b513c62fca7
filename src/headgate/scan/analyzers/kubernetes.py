"""Kubernetes manifests, those in Helm charts among them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from headgate.model.finding import Confidence, Severity
from headgate.model.record import record
from headgate.scan.analyzers.interface import Analysis, SourceFile
from headgate.scan.infra.host import CAPABILITIES, is_engine_socket, is_host_root
from headgate.scan.infra.shell import Runs, judge_shell
from headgate.scan.infra.telling import LEAST, Teller, Unreadable, scan_each
from headgate.scan.infra.yaml_nodes import (
    Map,
    Node,
    Scalar,
    at,
    each,
    entries,
    read_yaml,
    text_at,
    texts,
    truth_at,
)
from headgate.scan.late import late

_MANIFEST = late(r"^apiVersion:", re.MULTILINE)
_KIND = late(r"^kind:", re.MULTILINE)
_DIRECTIVE = late(r"^[ \t]*\{\{-?.*?-?\}\}[ \t]*$", re.MULTILINE)
_INLINE = late(r"\{\{.*?\}\}")
_POD_PATHS: dict[str, tuple[str, ...]] = {
    "Pod": ("spec",),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
}
_TEMPLATED = ("spec", "template", "spec")
_ANYBODY = frozenset({"system:anonymous", "system:unauthenticated"})
_EVERY_ACCOUNT = frozenset({"system:authenticated", "system:serviceaccounts"})
_FLAGS = {
    "--anonymous-auth=true": "api-open",
    "--authorization-mode=AlwaysAllow": "api-open",
    "--insecure-bind-address=0.0.0.0": "api-open",
    "--client-cert-auth=false": "api-open",
    "--enable-skip-login": "api-open",
}
_SEALED = late(r"ENC\[|\{\{|\$\{|\$\(|<[\w -]+>|^\s*$|^\*+$|change-?me|placeholder|example", re.I)


@record
class Kubernetes:
    """Judges manifests: what pods may do to their node, and who may do what in the cluster."""

    least: Severity = LEAST

    name = "kubernetes"
    check = "source"

    def wants(self, path: str, start: bytes) -> bool:
        return path.endswith((".yaml", ".yml"))

    def scan(self, files: Sequence[SourceFile]) -> Analysis:
        return scan_each(files, "kubernetes", _judge, self.least)


def _judge(text: str, teller: Teller) -> None:
    if not (_MANIFEST.search(text) and _KIND.search(text)):
        return
    chart = "{{" in text
    if chart:
        # What a template prints is not known; its place is kept, so that the rest can be read.
        text = _DIRECTIVE.sub("", text)
        text = _INLINE.sub(lambda match: "x" * len(match[0]), text)
    try:
        documents = read_yaml(text)
    except Unreadable:
        if chart:
            return
        raise
    for document in documents:
        for one in (
            each(at(document, "items")) if text_at(document, "kind") == "List" else [document]
        ):
            if isinstance(one, Map) and text_at(one, "apiVersion"):
                _resource(one, teller)


def _resource(one: Map, teller: Teller) -> None:
    kind = text_at(one, "kind")
    if kind in ("ClusterRole", "Role"):
        _role(one, kind, teller)
    elif kind in ("ClusterRoleBinding", "RoleBinding"):
        _binding(one, kind, teller)
    elif kind == "Secret":
        _secret(one, teller)
    else:
        spec = at(one, *_POD_PATHS.get(kind, _TEMPLATED))
        if isinstance(spec, Map) and spec.get("containers") is not None:
            _pod(spec, teller)


def _pod(spec: Map, teller: Teller) -> None:
    for key in ("hostPID", "hostIPC", "hostNetwork"):
        value = spec.get(key)
        if isinstance(value, Scalar) and value.truth:
            severity = Severity.LOW if key == "hostNetwork" else None
            teller.say("host-namespace", value.span, severity=severity)
    mounted = {
        text_at(mount, "name"): truth_at(mount, "readOnly")
        for container in _containers(spec)
        for mount in each(container.get("volumeMounts"))
    }
    for volume in each(spec.get("volumes")):
        path = at(volume, "hostPath", "path")
        if isinstance(path, Scalar):
            if is_engine_socket(path.value):
                teller.say("engine-socket", path.span)
            elif is_host_root(path.value):
                severity = Severity.LOW if mounted.get(text_at(volume, "name")) else None
                teller.say("host-mount", path.span, severity=severity)
    pod_context = spec.get("securityContext")
    for container in _containers(spec):
        _container(container, pod_context, teller)


def _containers(spec: Map) -> Iterator[Map]:
    for key in ("containers", "initContainers", "ephemeralContainers"):
        for one in each(spec.get(key)):
            if isinstance(one, Map):
                yield one


def _container(one: Map, pod_context: Node | None, teller: Teller) -> None:
    context = one.get("securityContext")
    privileged = at(context, "privileged")
    if isinstance(privileged, Scalar) and privileged.truth:
        teller.say("privileged", privileged.span)
    for added in texts(at(context, "capabilities", "add")):
        if added.value.upper().removeprefix("CAP_") in CAPABILITIES:
            teller.say("capability", added.span)
    user = at(context, "runAsUser") or at(pod_context, "runAsUser")
    if isinstance(user, Scalar) and user.value == "0":
        teller.say("root-user", user.span)
    elif (
        truth_at(context, "runAsNonRoot") is None and truth_at(pod_context, "runAsNonRoot") is None
    ) and user is None:
        name = one.get("name")
        place = name.span if name is not None else one.span
        teller.say("root-user", place, severity=Severity.INFO)
    image = one.get("image")
    if isinstance(image, Scalar) and re.fullmatch(r"(?!x+$)[\w./-]+(:latest)?", image.value):
        teller.say("unpinned-image", image.span)
    words = [*texts(one.get("command")), *texts(one.get("args"))]
    for word in words:
        if word.value in _FLAGS:
            teller.say(_FLAGS[word.value], word.span)
    for first, script in pairwise(words):
        if re.fullmatch(r"-\w*c", first.value):
            judge_shell(script.value, teller, script.place, Runs.BUILD)


def _role(one: Map, kind: str, teller: Teller) -> None:
    for rule in each(one.get("rules")):
        verbs = {word.value for word in texts(at(rule, "verbs"))}
        resources = {word.value for word in texts(at(rule, "resources"))}
        groups = {word.value for word in texts(at(rule, "apiGroups"))}
        place = at(rule, "resources") or rule
        if "*" in verbs and "*" in resources and ("*" in groups or "" in groups):
            severity = None if kind == "ClusterRole" else Severity.LOW
            teller.say("all-rights", place.span, severity=severity)
        elif kind == "ClusterRole" and "secrets" in resources and verbs & {"*", "list", "get"}:
            named = at(rule, "resourceNames") is not None
            teller.say("all-secrets", place.span, severity=Severity.INFO if named else None)
        if verbs & {"escalate", "bind", "impersonate"} and groups & {
            "*",
            "rbac.authorization.k8s.io",
            "",
        }:
            verb = at(rule, "verbs") or rule
            teller.say("escalation", verb.span)


def _binding(one: Map, kind: str, teller: Teller) -> None:
    role = text_at(one, "roleRef", "name")
    for subject in each(one.get("subjects")):
        name = at(subject, "name")
        if not isinstance(name, Scalar):
            continue
        harmless = role in ("system:public-info-viewer", "system:discovery", "system:basic-user")
        if name.value in _ANYBODY and not harmless:
            teller.say("anonymous-rights", name.span)
        elif role == "cluster-admin" and kind == "ClusterRoleBinding":
            if name.value in _EVERY_ACCOUNT:
                teller.say("anonymous-rights", name.span)
            elif name.value == "default" or text_at(subject, "kind") == "ServiceAccount":
                sure = Confidence.HIGH if name.value == "default" else None
                teller.say("cluster-admin", name.span, confidence=sure)


def _secret(one: Map, teller: Teller) -> None:
    if one.get("sops") is not None or text_at(one, "type").startswith(
        "kubernetes.io/service-account"
    ):
        return
    for part in ("data", "stringData"):
        for key, value in entries(one.get(part)):
            if not isinstance(value, Scalar) or len(value.value) < 4:
                continue
            if _SEALED.search(value.value) or re.fullmatch(r"x+", value.value):
                continue
            if re.search(
                r"(^|[._-])(ca|crt|cert|user(name)?|host|port|url|name)([._-]|$)", key.value
            ):
                continue
            teller.say("secret-in-manifest", key.span)
            return
