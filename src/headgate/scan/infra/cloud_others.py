"""What is wrong with resources of Google's and Microsoft's clouds."""

from __future__ import annotations

from collections.abc import Callable

from headgate.model.finding import Severity
from headgate.scan.infra.hcl import Block, Value
from headgate.scan.infra.network import everywhere, opened, ports
from headgate.scan.infra.telling import Teller

_EVERYBODY = frozenset({"allUsers", "allAuthenticatedUsers"})
_READS = ("roles/storage.objectViewer", "roles/storage.legacyObjectReader", "roles/run.invoker",
          "roles/cloudfunctions.invoker", "roles/artifactregistry.reader")  # fmt: skip


def _member(block: Block, teller: Teller) -> None:
    members = block.get("members") or block.get("member")
    if members is None or not _EVERYBODY.intersection(members.texts()):
        return
    if block.text("role") in _READS:
        teller.say("public-storage", members.span)
    else:
        teller.say("anybody-acts", members.span)


def _project_member(block: Block, teller: Teller) -> None:
    _member(block, teller)
    role = block.get("role")
    if role is not None and role.constant in ("roles/owner", "roles/editor"):
        teller.say("all-rights", role.span, severity=Severity.LOW)


def _firewall(block: Block, teller: Teller) -> None:
    ranges = block.get("source_ranges")
    if ranges is None or not everywhere(ranges.texts()) or block.text("direction") == "EGRESS":
        return
    several: list[tuple[float, float]] = []
    for one in block.named("allow"):
        given = one.get("ports")
        if one.text("protocol") in ("icmp", "esp", "ah"):
            continue
        if given is None:
            several.append((0, 65535))
        for text in given.texts() if given is not None else ():
            if (pair := ports(text)) is not None:
                several.append(pair)
    if found := opened(several):
        teller.say("open-port", ranges.span, f"{found[0]}.", severity=found[1])


def _sql(block: Block, teller: Teller) -> None:
    for one in block.below():
        value = one.get("value") if one.kind == "authorized_networks" else None
        if value is not None and everywhere(value.texts()):
            teller.say("public-database", value.span)


def _cluster(block: Block, teller: Teller) -> None:
    legacy = block.get("enable_legacy_abac")
    if legacy is not None and legacy.constant is True:
        teller.say("open-cluster", legacy.span)
    for one in block.below():
        address = one.get("cidr_block") if one.kind == "cidr_blocks" else None
        if address is not None and everywhere(address.texts()):
            teller.say("open-cluster", address.span)


def _azure_rule(block: Block, teller: Teller) -> None:
    if block.text("access").lower() == "deny" or block.text("direction").lower() == "outbound":
        return
    source = block.get("source_address_prefix") or block.get("source_address_prefixes")
    if source is None or not everywhere(source.texts()):
        return
    given = block.get("destination_port_range") or block.get("destination_port_ranges")
    texts = given.texts() if given is not None else []
    several = [pair for text in texts if (pair := ports(text)) is not None]
    if found := opened(several):
        teller.say("open-port", source.span, f"{found[0]}.", severity=found[1])


def _azure_group(block: Block, teller: Teller) -> None:
    for one in block.named("security_rule"):
        _azure_rule(one, teller)


def _azure_storage(block: Block, teller: Teller) -> None:
    for name in ("allow_nested_items_to_be_public", "allow_blob_public_access"):
        value = block.get(name)
        if value is not None and value.constant is True:
            teller.say("public-storage", value.span, severity=Severity.LOW)
    plain = block.get("https_traffic_only_enabled") or block.get("enable_https_traffic_only")
    if plain is not None and plain.constant is False:
        teller.say("not-encrypted", plain.span, severity=Severity.MEDIUM)
    _tls("min_tls_version", "TLS1_0", "TLS1_1")(block, teller)


def _tls(name: str, *old: str) -> Callable[[Block, Teller], None]:
    def judge(block: Block, teller: Teller) -> None:
        value = block.get(name)
        if value is not None and value.constant in old:
            teller.say("old-tls", value.span)

    return judge


def _azure_container(block: Block, teller: Teller) -> None:
    kind = block.get("container_access_type")
    if kind is not None and kind.constant in ("blob", "container"):
        teller.say("public-storage", kind.span)


def _azure_firewall(block: Block, teller: Teller) -> None:
    last: Value | None = block.get("end_ip_address")
    whole = block.text("start_ip_address") == "0.0.0.0"
    if whole and last is not None and last.constant == "255.255.255.255":
        teller.say("public-database", last.span)


OTHERS: dict[str, Callable[[Block, Teller], None]] = {
    "google_storage_bucket_iam_member": _member,
    "google_storage_bucket_iam_binding": _member,
    "google_pubsub_topic_iam_member": _member,
    "google_bigquery_dataset_iam_member": _member,
    "google_kms_crypto_key_iam_member": _member,
    "google_secret_manager_secret_iam_member": _member,
    "google_project_iam_member": _project_member,
    "google_project_iam_binding": _project_member,
    "google_organization_iam_member": _project_member,
    "google_compute_firewall": _firewall,
    "google_sql_database_instance": _sql,
    "google_container_cluster": _cluster,
    "azurerm_network_security_rule": _azure_rule,
    "azurerm_network_security_group": _azure_group,
    "azurerm_storage_account": _azure_storage,
    "azurerm_storage_container": _azure_container,
    "azurerm_sql_firewall_rule": _azure_firewall,
    "azurerm_mssql_firewall_rule": _azure_firewall,
    "azurerm_postgresql_firewall_rule": _azure_firewall,
    "azurerm_postgresql_flexible_server_firewall_rule": _azure_firewall,
    "azurerm_mysql_firewall_rule": _azure_firewall,
    "azurerm_mysql_flexible_server_firewall_rule": _azure_firewall,
    "azurerm_mssql_server": _tls("minimum_tls_version", "1.0", "1.1"),
}
"""Type of resource → its judge."""
