"""docker compose files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from headgate.model.finding import Severity
from headgate.model.record import record
from headgate.scan.analyzers.interface import Analysis, SourceFile
from headgate.scan.infra.host import CAPABILITIES, is_engine_socket, is_host_root
from headgate.scan.infra.shell import Runs, judge_shell
from headgate.scan.infra.telling import LEAST, Teller, scan_each
from headgate.scan.infra.yaml_nodes import (
    List,
    Map,
    Node,
    Scalar,
    at,
    each,
    entries,
    read_yaml,
    text_at,
    texts,
)
from headgate.scan.late import late

_NAME = late(r"(^|/)(docker-)?(compose|stack)([.-][\w.-]+)?\.ya?ml$")
_STORES = {
    "postgres": (5432, "POSTGRES_PASSWORD"),
    "postgis": (5432, "POSTGRES_PASSWORD"),
    "pgvector": (5432, "POSTGRES_PASSWORD"),
    "mysql": (3306, "MYSQL_ROOT_PASSWORD"),
    "mariadb": (3306, "MYSQL_ROOT_PASSWORD"),
    "mongo": (27017, "MONGO_INITDB_ROOT_PASSWORD"),
    "redis": (6379, ""),
    "valkey": (6379, ""),
    "memcached": (11211, ""),
    "rabbitmq": (5672, "RABBITMQ_DEFAULT_PASS"),
    "elasticsearch": (9200, "ELASTIC_PASSWORD"),
    "opensearch": (9200, "OPENSEARCH_INITIAL_ADMIN_PASSWORD"),
    "minio": (9000, "MINIO_ROOT_PASSWORD"),
}
"""Part of an image's name → the port that it listens on and the variable with its password."""
_OPEN = {
    "POSTGRES_HOST_AUTH_METHOD": ("trust",),
    "MYSQL_ALLOW_EMPTY_PASSWORD": ("yes", "true", "1"),
    "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD": ("yes", "true", "1"),
    "ALLOW_EMPTY_PASSWORD": ("yes", "true", "1"),
    "xpack.security.enabled": ("false",),
    "DISABLE_SECURITY_PLUGIN": ("true",),
}
_GUESSED = frozenset(
    {
        "postgres", "root", "admin", "password", "secret", "mysql", "mongo", "guest", "minioadmin",
        "changeme", "change_me", "test", "example", "123456", "1234", "pass", "toor", "user",
        "rootpassword", "elastic", "rabbitmq", "admin123", "password123",
    }
)  # fmt: skip
_DEBUG = {"FLASK_DEBUG": ("1", "true"), "WERKZEUG_DEBUG": ("1", "true")}


@record
class Compose:
    """Judges compose files: what containers may do to the host, and what they open."""

    least: Severity = LEAST

    name = "compose"
    check = "source"

    def wants(self, path: str, start: bytes) -> bool:
        return bool(_NAME.search(path))

    def scan(self, files: Sequence[SourceFile]) -> Analysis:
        return scan_each(files, "compose", _judge, self.least)


def _judge(text: str, teller: Teller) -> None:
    for document in read_yaml(text):
        for name, service in entries(at(document, "services")):
            if isinstance(service, Map):
                _service(name, service, teller)


def _service(name: Scalar, service: Map, teller: Teller) -> None:
    privileged = service.get("privileged")
    if isinstance(privileged, Scalar) and privileged.truth:
        teller.say("privileged", privileged.span)
    for key in ("pid", "ipc", "network_mode", "userns_mode"):
        value = service.get(key)
        if isinstance(value, Scalar) and value.value == "host":
            severity = Severity.MEDIUM if key == "pid" else Severity.LOW
            teller.say("host-namespace", value.span, severity=severity)
    for one in texts(service.get("cap_add")):
        if one.value.upper().removeprefix("CAP_") in CAPABILITIES:
            teller.say("capability", one.span)
    for one in texts(service.get("security_opt")):
        if re.fullmatch(r"(seccomp|apparmor|label)[:=](unconfined|disable)", one.value):
            teller.say("unconfined", one.span)
    for source, place, readonly in _mounts(service):
        if is_engine_socket(source):
            teller.say("engine-socket", place.span)
        elif is_host_root(source):
            severity = Severity.LOW if readonly else None
            teller.say("host-mount", place.span, severity=severity)
    variables = dict(_variables(service))
    _store(name, service, variables, teller)
    for key, wanted in _DEBUG.items():
        value = variables.get(key)
        if value is not None and value.value.rpartition("=")[2].lower() in wanted:
            teller.say("debug-server", value.span)
    for key in ("command", "entrypoint"):
        value = service.get(key)
        if isinstance(value, Scalar):
            judge_shell(value.value, teller, value.place, Runs.BUILD)
        elif isinstance(value, List) and len(value.items) > 2:
            last = value.items[-1]
            if isinstance(last, Scalar):
                judge_shell(last.value, teller, last.place, Runs.BUILD)


def _mounts(service: Map) -> Iterator[tuple[str, Scalar, bool]]:
    for one in each(service.get("volumes")):
        if isinstance(one, Scalar):
            source, _, rest = one.value.partition(":")
            yield source, one, rest.rpartition(":")[2] in ("ro", "ro,z", "z,ro")
        elif isinstance(one, Map) and text_at(one, "type") == "bind":
            source = one.get("source")
            if isinstance(source, Scalar):
                yield source.value, source, text_at(one, "read_only") == "true"


def _variables(service: Map) -> Iterator[tuple[str, Scalar]]:
    """Name → the value, or the whole `NAME=value`."""
    environment = service.get("environment")
    if isinstance(environment, List):
        for one in texts(environment):
            yield one.value.partition("=")[0], one
    for key, value in entries(environment):
        if isinstance(value, Scalar):
            yield key.value, value


def _store(name: Scalar, service: Map, variables: dict[str, Scalar], teller: Teller) -> None:
    image = text_at(service, "image").partition("@")[0].lower()
    kind = next((one for one in _STORES if re.search(rf"(^|[/-]){one}([:-]|$)", image)), "")
    if not kind:
        return
    port, password = _STORES[kind]
    published = next((one for one in each(service.get("ports")) if _opens(one, port)), None)

    def value_of(variable: str) -> str:
        found = variables.get(variable)
        if found is None:
            return ""
        return found.value.removeprefix(f"{variable}=").strip("\"'").lower()

    opened = next((key for key, words in _OPEN.items() if value_of(key) in words), "")
    if not opened and not password and published is not None:
        command = service.get("command")
        words = " ".join(one.value for one in texts(command))
        mounted = any(str(source).endswith(".conf") for source, _, _ in _mounts(service))
        protected = kind != "memcached" and ("requirepass" in words or mounted)
        if not protected and not any("PASSWORD" in key for key in variables):
            teller.say("open-store", published.span, f"`{name.value}` asks for no password.")
        return
    if opened:
        place = variables[opened].span
        severity = None if published is not None else Severity.LOW
        teller.say("open-store", place, severity=severity)
        return
    if kind == "mongo" and password not in variables and published is not None:
        if f"{password}_FILE" not in variables:
            teller.say("open-store", published.span, f"`{name.value}` asks for no password.")
        return
    if published is not None and value_of(password) in _GUESSED:
        teller.say("guessed-password", variables[password].span)


def _opens(node: Node, port: int) -> bool:
    """Whether the port is published on every address of the host."""
    if isinstance(node, Map):
        address = text_at(node, "host_ip")
        local = address in ("127.0.0.1", "::1")
        return (
            text_at(node, "target") == str(port) and bool(text_at(node, "published")) and not local
        )
    if isinstance(node, Scalar):
        value = node.value.partition("/")[0]
        if value.startswith(("127.", "localhost:", "[::1]")):
            return False
        return ":" in value and value.rpartition(":")[2] == str(port)
    return False
