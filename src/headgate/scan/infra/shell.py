"""Judges shell text, wherever it stands: scripts, images, pipelines, manifests."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum

from tree_sitter import Node

from headgate.model.finding import Span
from headgate.scan.infra.telling import Teller
from headgate.scan.infra.trees import below, end_of, parse, start_of, text_of
from headgate.scan.late import late

Locate = Callable[[int, int], tuple[int, int]]
"""Row and column in the shell text, from 0 → line and column in the file, from 1."""


class Runs(Enum):
    """Where the text is run, which says who chooses its parameters."""

    SCRIPT = "script"
    BUILD = "build"
    """In an image or a pipeline: it has no arguments, its variables come from the definition."""


_WORTH = late(
    r"\b(curl|wget|fetch|eval|chmod|rm\s+-|sslverify|StrictHostKeyChecking|trusted-host|"
    r"allow-unauthenticated|force-yes|allow-untrusted|no-check|nogpgcheck|strict-ssl|"
    r"NODE_TLS_REJECT_UNAUTHORIZED|GIT_SSL_NO_VERIFY|PYTHONHTTPSVERIFY|(ba|da|z)?sh\s+-\w*c|"
    r"insecure-registry|no-gpg-check|trusted=yes)",
    re.IGNORECASE,
)
"""Text without any of this has nothing to judge."""
_FETCH = frozenset({"curl", "wget", "fetch", "aria2c", "http"})
_INTERPRETERS = late(
    r"(.*/)?(ba|da|z|k|a)?sh|(.*/)?(python|perl|ruby|node|php|pwsh)[\d.]*|source|\."
)
_PREFIXES = frozenset({"sudo", "exec", "env", "command", "nohup", "time", "doas", "xargs", "then"})
_LOCAL = late(r"https?://(localhost|127\.|\[::1\]|0\.0\.0\.0|host\.docker\.internal)")
_URL = late(r"\b(https?|ftp)://[^\s\"')|>]+", re.IGNORECASE)
_OUTSIDE = late(r"\$\{?(QUERY_STRING|REQUEST_URI|PATH_INFO|HTTP_\w+|SSH_ORIGINAL_COMMAND)\b")
_POSITIONAL = late(r"\$\{?([1-9@*]|REPLY\b)")
_SAFE_TO_REMOVE = late(r"\$\{?(TMPDIR|RUNNER_TEMP|TMP|TEMP|GITHUB_WORKSPACE|CI_PROJECT_DIR)")
_VARIABLE = late(r"\$(?:\{(\w+)\}|(\w+))")
_UNSET_IS_ERROR = late(r"^\s*set\s+-\w*u|set\s+-o\s+nounset|^#!.*\s-\w*u\w*\s*$", re.MULTILINE)
_ASSIGNED = late(r"(?:^|[\s;&|(])(?:local\s+|export\s+|readonly\s+)?(\w+)=(\S+)", re.MULTILINE)
_TESTED = r"-[nz]\s+\"?\$\{{?{name}\b"


def judge_shell(text: str, teller: Teller, locate: Locate, runs: Runs) -> None:
    """Report what is wrong with shell text."""
    if not _WORTH.search(text):
        return
    _Judge(text, teller.using("shell"), locate, runs).run()


class _Judge:
    def __init__(self, text: str, teller: Teller, locate: Locate, runs: Runs) -> None:
        self._text = text
        self._lines = text.split("\n")
        self._teller = teller
        self._locate = locate
        self._runs = runs
        self._assigned: dict[str, list[str]] = {}
        for match in _ASSIGNED.finditer(text):
            self._assigned.setdefault(match[1], []).append(match[2])
        self._read = set(re.findall(r"\bread\s+(?:-\w+\s+(?:\"[^\"]*\"\s+)?)*(\w+)", text))

    def run(self) -> None:
        for node in below(parse("bash", self._text).root_node):
            if node.type == "pipeline":
                self._pipeline(node)
            elif node.type == "command":
                self._command(node)
            elif node.type == "variable_assignment":
                self._assignment(node)

    def _span(self, node: Node) -> Span:
        row, column = start_of(node, self._lines)
        end_row, end_column = end_of(node, self._lines)
        line, first = self._locate(row, column)
        if end_row != row:
            end_row, end_column = row, len(self._lines[row])
        end_line, last = self._locate(end_row, end_column)
        return Span("", line, first, end_line, last)

    def _pipeline(self, node: Node) -> None:
        commands = [child for child in node.children if child.type != "|"]
        fetching = next((one for one in commands if _words(one)[:1] and _fetches(one)), None)
        if fetching is None:
            return
        after = commands[commands.index(fetching) + 1 :]
        if any(_interprets(_words(one)) for one in after):
            self._downloaded(node, text_of(fetching))

    def _downloaded(self, node: Node, command: str) -> None:
        addresses = _URL.findall(command)
        url = _URL.search(command)
        if url and _LOCAL.match(url[0]):
            return
        plain = any(scheme.lower() != "https" for scheme in addresses)
        unchecked = re.search(r"\s(-\w*k\w*|--insecure|--no-check-certificate)\s", command)
        if plain or (unchecked and _fetch_name(command)):
            self._teller.say("download-and-run", self._span(node))
        else:
            self._teller.say("download-and-run-tls", self._span(node))

    def _command(self, node: Node) -> None:
        words = _words(node)
        if not words:
            return
        name = words[0].rpartition("/")[2]
        if name == "eval":
            self._evaluated(node, node)
        elif name in ("bash", "sh", "zsh", "dash", "source", "."):
            self._shell(node, words)
        elif name == "chmod":
            self._chmod(node, words)
        elif name == "rm":
            self._removal(node, words)
        self._unchecked(node, name, words)

    def _shell(self, node: Node, words: list[str]) -> None:
        for child in node.children:
            if child.type == "process_substitution" and _holds_fetch(child):
                self._downloaded(node, text_of(child))
                return
        if len(words) > 2 and re.fullmatch(r"-\w*c", words[1]):
            arguments = [child for child in node.children if child.type != "command_name"]
            self._evaluated(node, arguments[-1] if len(words) == 3 else node)

    def _evaluated(self, node: Node, text: Node) -> None:
        """`text` is run as shell commands by the command `node`."""
        substitutions = [one for one in below(text) if one.type == "command_substitution"]
        for one in substitutions:
            if _holds_fetch(one):
                self._downloaded(node, text_of(one))
                return
        raw = text_of(text)
        # What a substitution prints is judged by what it runs, not by its arguments.
        for one in substitutions:
            raw = raw.replace(text_of(one), "")
        if _OUTSIDE.search(raw):
            self._teller.say("eval-of-request", self._span(node))
        elif self._runs is Runs.SCRIPT and self._from_user(raw):
            self._teller.say("eval-of-input", self._span(node))

    def _from_user(self, raw: str) -> bool:
        """Whether an argument or a line that was read is a part of the text, not all of it: a
        program that runs the command it is given is doing what it is for."""
        names = {one or other for one, other in _VARIABLE.findall(raw)}
        if names & self._read:
            return True
        if re.fullmatch(r"(eval|\S*sh)?\s*(-\w*c)?\s*\"?\$\{?[@*]\}?\"?", raw.strip()):
            return False
        if _POSITIONAL.search(raw):
            return True
        return any(
            _POSITIONAL.fullmatch(value.strip("\"'").rstrip("}"))
            for name in names
            for value in self._assigned.get(name, ())
        )

    def _chmod(self, node: Node, words: list[str]) -> None:
        modes = [word for word in words[1:] if not word.startswith("-") or word.startswith("-R")]
        mode = next((word for word in modes if not word.startswith("-")), "")
        open_to_all = bool(re.fullmatch(r"0?[0-7]{0,2}[2367]", mode)) and len(mode) in (3, 4)
        if len(mode) == 4 and mode[0] in "1":
            # The sticky bit: everybody may add files, nobody may replace another's.
            return
        if open_to_all or re.fullmatch(r"(a|o|ugo|go|[ugo]*o[ugo]*)?[+=][rx]*w[rwxX]*", mode):
            if mode.startswith("+"):
                # Without a letter the umask decides.
                return
            if any(word.rstrip("/") in ("/tmp", "/var/tmp", "/dev/shm") for word in words[1:]):
                return
            self._teller.say("world-writable", self._span(node))

    def _removal(self, node: Node, words: list[str]) -> None:
        flags = "".join(word for word in words[1:] if word.startswith("-"))
        if "r" not in flags.lower() and "recursive" not in flags:
            return
        if _UNSET_IS_ERROR.search(self._text):
            return
        for word in words[1:]:
            match = re.fullmatch(
                r"[\"']?\$(?:\{(\w+)\}|(\w+))[\"']?/[\"']?(\*|[\w.*-]*)[\"']?", word
            )
            if not match or _SAFE_TO_REMOVE.search(word):
                continue
            name, rest = match[1] or match[2], match[3]
            if rest not in ("", "*", "bin", "etc", "home", "lib", "usr", "var", "opt", "root"):
                continue
            if self._known(name) or re.search(_TESTED.format(name=name), self._text):
                continue
            self._teller.say("unguarded-removal", self._span(node), f"`{name}` may be empty.")
            return

    def _known(self, name: str) -> bool:
        """Whether the variable has a value of the text's own, so that it cannot be empty."""
        values = self._assigned.get(name)
        if not values:
            # In a build it comes from the definition or from the image.
            return self._runs is Runs.BUILD or name in ("HOME", "PWD", "OLDPWD")
        return all(
            not re.match(r"[\"']?\$\{?([1-9]|\w+\}?[\"']?;?$)", value) and value not in ('""', "''")
            for value in values
        )

    def _unchecked(self, node: Node, name: str, words: list[str]) -> None:
        rest = words[1:]
        joined = " ".join(rest)
        local = bool(_LOCAL.search(joined))
        off = False
        if name == "curl":
            off = any(re.fullmatch(r"-[a-zA-Z]*k[a-zA-Z]*|--insecure", word) for word in rest)
            off = (off and "https" in joined.lower()) or (off and "$" in joined)
        elif name == "wget":
            off = "--no-check-certificate" in rest
        elif name == "git":
            off = bool(re.search(r"http\.sslverify[= ]\s*\"?(false|0)", joined, re.IGNORECASE))
        elif name in ("npm", "yarn", "pnpm"):
            off = bool(re.search(r"strict-ssl[= ](false|0)", joined))
        elif name in ("helm", "kubectl", "oc"):
            off = any(word.startswith("--insecure-skip-tls-verify") for word in rest)
            off = off and "--insecure-skip-tls-verify=false" not in rest
        if off and not local:
            self._teller.say("certificate-check-off", self._span(node))
        if name in ("apt-get", "apt", "apk", "dnf", "yum", "zypper", "microdnf"):
            flags = ("--allow-unauthenticated", "--force-yes", "--allow-untrusted", "--nogpgcheck",
                     "--no-gpg-checks")  # fmt: skip
            if any(word in flags for word in rest):
                self._teller.say("unverified-packages", self._span(node))
        elif re.fullmatch(r"pip[\d.]*|uv|python[\d.]*", name):
            hosts = re.findall(r"--trusted-host[= ]\s*[\"']?([\w.$-]+)", joined)
            if any(host not in ("localhost", "127.0.0.1") for host in hosts):
                self._teller.say("unverified-packages", self._span(node))
        elif name in ("ssh", "scp", "sftp", "rsync") and re.search(
            r"StrictHostKeyChecking[= ]\"?no", joined
        ):
            self._teller.say("host-check-off", self._span(node))

    def _assignment(self, node: Node) -> None:
        text = text_of(node).replace('"', "").replace("'", "")
        if text in (
            "NODE_TLS_REJECT_UNAUTHORIZED=0", "GIT_SSL_NO_VERIFY=true", "GIT_SSL_NO_VERIFY=1",
            "PYTHONHTTPSVERIFY=0",
        ):  # fmt: skip
            self._teller.say("certificate-check-off", self._span(node))


def _words(command: Node) -> list[str]:
    """The words of a command as written, without what only starts another."""
    if command.type == "redirected_statement":
        command = command.children[0] if command.children else command
    words: list[str] = []
    for child in command.children:
        if child.type not in ("variable_assignment", "file_redirect", "heredoc_redirect"):
            words.append(text_of(child))
    while words and words[0] in _PREFIXES:
        words.pop(0)
        while words and (words[0].startswith("-") or "=" in words[0]):
            words.pop(0)
    return words


def _fetch_name(command: str) -> bool:
    return any(word in _FETCH for word in re.split(r"[\s/(]+", command))


def _fetches(command: Node) -> bool:
    words = _words(command)
    return bool(words) and words[0].rpartition("/")[2] in _FETCH


def _holds_fetch(node: Node) -> bool:
    return any(one.type == "command" and _fetches(one) for one in below(node))


def _interprets(words: list[str]) -> bool:
    if not words or not _INTERPRETERS.fullmatch(words[0]):
        return False
    if re.fullmatch(r"(.*/)?(python|perl|ruby|node|php)[\d.]*", words[0]):
        # With a program of its own, what is piped in is data.
        return all(word == "-" for word in words[1:])
    return not any(re.fullmatch(r"-\w*c", word) for word in words[1:])
