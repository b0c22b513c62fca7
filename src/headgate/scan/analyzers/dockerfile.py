"""Dockerfiles."""

from __future__ import annotations

import re
from collections.abc import Sequence

from headgate.model.finding import Severity, Span
from headgate.model.record import record
from headgate.scan.analyzers.interface import Analysis, SourceFile
from headgate.scan.infra.dockerfile import Instruction, instructions
from headgate.scan.infra.shell import Runs, judge_shell
from headgate.scan.infra.telling import LEAST, Teller, scan_each
from headgate.scan.late import late

_NAME = late(
    r"(.*[.-])?(dockerfile|containerfile)([.-].*)?|.*\.(dockerfile|containerfile)", re.IGNORECASE
)
_NOT = (".md", ".txt", ".py", ".js", ".ts", ".json", ".yml", ".yaml", ".dockerignore", ".j2")
_SECRET_NAME = late(
    r"(?:^|_)(PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|PRIVATE_KEY|ACCESS_KEY|SECRET_KEY|CREDENTIALS)$",
    re.IGNORECASE,
)
_CREDENTIAL_FILE = late(
    r"(^|/)(\.env(\.(prod|production|local|staging))?|id_(rsa|dsa|ecdsa|ed25519)|\.netrc|\.pgpass|"
    r"\.aws(/credentials)?|\.docker/config\.json|\.ssh|\.git-credentials|kubeconfig|\.kube(/config)?|"
    r"service[-_]account[\w-]*\.json|[\w-]+\.(pem|p12|pfx|keystore|jks))/?$"
)
_PUBLIC_KEY = late(r"(ca|cert|chain|public|bundle|root)[\w-]*\.pem$", re.IGNORECASE)
_DEBUG = late(r"^(FLASK_DEBUG|WERKZEUG_DEBUG|DJANGO_DEBUG)[= ]\"?(1|true|on)\"?$", re.I)


@record
class Dockerfile:
    """Judges the definitions of container images."""

    least: Severity = LEAST

    name = "dockerfile"
    check = "source"

    def wants(self, path: str, start: bytes) -> bool:
        name = path.rpartition("/")[2]
        return bool(_NAME.fullmatch(name)) and not name.lower().endswith(_NOT)

    def scan(self, files: Sequence[SourceFile]) -> Analysis:
        return scan_each(files, "dockerfile", _judge, self.least)


def _judge(text: str, teller: Teller) -> None:
    found = instructions(text)
    stages: set[str] = set()
    user: Instruction | None = None
    last_from: Instruction | None = None
    published = _published_stage(found)
    for index, one in enumerate(found):
        if one.name == "FROM":
            _base(one, stages, teller)
            last_from, user = one, None
        elif one.name == "USER":
            user = one
        elif one.name in ("ENV", "ARG"):
            _variables(one, found[index:], teller)
        elif one.name in ("COPY", "ADD"):
            _copied(one, index >= published, teller)
        elif one.name == "RUN":
            _run(one, teller)
        elif one.name in ("CMD", "ENTRYPOINT"):
            _command(one, teller)
    if last_from is None:
        return
    name = user.words.partition(":")[0] if user else ""
    if user is not None and name in ("root", "0"):
        teller.say("root-user", user.span)
    elif user is None and not re.search(r"scratch|distroless|nonroot|rootless", last_from.words):
        teller.say("root-user", last_from.span, severity=Severity.INFO)


def _published_stage(found: Sequence[Instruction]) -> int:
    """Index of the last FROM: what earlier stages hold is left behind."""
    return max((index for index, one in enumerate(found) if one.name == "FROM"), default=0)


def _base(one: Instruction, stages: set[str], teller: Teller) -> None:
    words = one.words.split()
    if not words:
        return
    image = words[0]
    if len(words) > 2 and words[1].lower() == "as":
        stages.add(words[2].lower())
    if image.lower() in stages or image == "scratch" or "$" in image or "@sha256:" in image:
        return
    tag = image.rpartition("/")[2].partition(":")[2]
    if tag in ("", "latest"):
        teller.say("unpinned-base", one.span)


def _variables(one: Instruction, rest: Sequence[Instruction], teller: Teller) -> None:
    for match in re.finditer(r"(?:^|\s)(\w+)(?:=(\"[^\"]*\"|\S*))?", one.words):
        name, value = match[1], (match[2] or "").strip("\"'")
        if _DEBUG.match(f"{name}={value}"):
            teller.say("debug-server", one.span)
        if not _SECRET_NAME.search(name):
            continue
        reference = value.startswith("$")
        if one.name == "ARG" and match[2] is None:
            # Given at build time: it is in the history of the image once a command has seen it.
            used = re.compile(rf"\$\{{?{name}\b")
            if any(other.name in ("RUN", "ENV") and used.search(other.text) for other in rest[1:]):
                teller.say("build-secret", one.span, f"It is `{name}`.")
        elif one.name == "ENV" and reference and value.strip("${}") != name:
            teller.say("build-secret", one.span, f"It is `{name}`.")


def _copied(one: Instruction, published: bool, teller: Teller) -> None:
    words = one.listed or one.words.split()
    if any(flag.startswith("--from") for flag in one.flags) or len(words) < 2:
        return
    for word in words[:-1]:
        if one.name == "ADD" and re.match(r"https?://", word):
            if any(flag.startswith("--checksum") for flag in one.flags):
                continue
            teller.say("remote-add" if word.startswith("http:") else "remote-add-tls", one.span)
        elif _CREDENTIAL_FILE.search(word) and not _PUBLIC_KEY.search(word):
            severity = None if published else Severity.LOW
            teller.say("copied-credentials", one.span, f"It is `{word}`.", severity=severity)


def _run(one: Instruction, teller: Teller) -> None:
    if any(flag == "--security=insecure" for flag in one.flags):
        teller.say("insecure-build", one.span)
    listed = one.listed
    if listed is not None:
        for index, word in enumerate(listed[:-1]):
            if word == "-c":
                judge_shell(
                    listed[index + 1], teller, lambda r, c: (one.line, one.column), Runs.BUILD
                )
        return
    if one.heredoc:
        judge_shell(one.heredoc, teller, one.locate_heredoc, Runs.BUILD)
    # Flags keep their places: to the shell they are words of a command nobody judges.
    text = one.text
    for flag in one.flags:
        text = text.replace(flag, " " * len(flag), 1)
    judge_shell(text, teller, one.locate, Runs.BUILD)


def _command(one: Instruction, teller: Teller) -> None:
    words = " ".join(one.listed or [one.words])
    if re.search(
        r"\bflask\b.*\brun\b.*--debug\b|\bgunicorn\b.*--reload|\buvicorn\b.*--reload", words
    ):
        span = one.span
        severe = None if "flask" in words else Severity.LOW
        teller.say("debug-server", Span("", span.line, span.column), severity=severe)
    if one.listed is None:
        judge_shell(one.text, teller, one.locate, Runs.BUILD)
