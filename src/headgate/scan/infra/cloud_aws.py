"""What is wrong with resources of AWS."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from headgate.model.finding import Severity, Span
from headgate.scan.infra.hcl import Block, Value, as_policy
from headgate.scan.infra.network import everywhere, opened
from headgate.scan.infra.telling import Teller


def _addresses(block: Block, *names: str) -> tuple[list[str], Span]:
    found: list[str] = []
    place = block.span
    for name in names:
        value = block.get(name)
        if value is not None:
            texts = value.texts()
            if everywhere(texts):
                place = value.span
            found += texts
    return found, place


def _ingress(block: Block, teller: Teller) -> None:
    addresses, place = _addresses(
        block, "cidr_blocks", "ipv6_cidr_blocks", "cidr_ipv4", "cidr_ipv6"
    )
    if not everywhere(addresses):
        return
    low, high = block.number("from_port"), block.number("to_port")
    protocol = block.text("protocol") or block.text("ip_protocol")
    if protocol in ("-1", "all") or block.number("protocol") == -1:
        low, high = 0, 65535
    if low is None or high is None or protocol == "icmp":
        return
    found = opened([(0, 65535) if low == -1 else (low, high)])
    if found:
        teller.say("open-port", place, f"{found[0]}.", severity=found[1])


def _security_group(block: Block, teller: Teller) -> None:
    for one in block.named("ingress"):
        _ingress(one, teller)


def _rule(block: Block, teller: Teller) -> None:
    if block.text("type") == "ingress":
        _ingress(block, teller)


def _bucket(block: Block, teller: Teller) -> None:
    acl = block.get("acl")
    if acl is not None and acl.constant in ("public-read-write", "authenticated-read"):
        teller.say("public-storage", acl.span, "Everybody may write.", severity=Severity.HIGH)
    elif acl is not None and acl.constant == "public-read":
        teller.say("public-storage", acl.span)


def _access_block(block: Block, teller: Teller) -> None:
    for name in ("block_public_acls", "block_public_policy", "restrict_public_buckets"):
        value = block.get(name)
        if value is not None and value.constant is False:
            teller.say("public-storage", value.span)
            return


def _policy(block: Block, teller: Teller) -> None:
    for name in ("policy", "inline_policy", "assume_role_policy"):
        value = block.get(name)
        if value is not None:
            _judge_policy(as_policy(value), name == "assume_role_policy", block, teller)


def _judge_policy(policy: Value, trust: bool, block: Block, teller: Teller) -> None:
    statements = policy.get("Statement")
    for one in statements.each() if statements is not None else ():
        effect = one.get("Effect")
        if one.entries is None or effect is None or effect.constant != "Allow":
            continue
        actions = _texts(one.get("Action"))
        resources = _texts(one.get("Resource"))
        anybody = _anybody(one.get("Principal"))
        place = (one.get("Action") or one).span
        _judge_statement(
            block, teller, place, actions, resources, anybody, trust,
            limited=one.get("Condition") is not None,
        )  # fmt: skip


def _judge_statement(
    block: Block,
    teller: Teller,
    place: Span,
    actions: Iterable[str],
    resources: Iterable[str],
    anybody: bool,
    trust: bool,
    *,
    limited: bool,
) -> None:
    if anybody and not limited:
        reads = all(action in ("s3:GetObject", "s3:ListBucket") for action in actions)
        if trust:
            teller.say("anybody-assumes", place)
        elif reads:
            teller.say("public-storage", place)
        else:
            teller.say("anybody-acts", place)
    elif "*" in actions and "*" in resources and not anybody:
        teller.say("all-rights", place)
    elif "*" in resources and any(
        action in ("iam:*", "iam:PassRole", "sts:AssumeRole", "sts:*") for action in actions
    ):
        teller.say("escalation", place)


def _texts(value: Value | None) -> list[str]:
    return value.texts() if value is not None else []


def _anybody(principal: Value | None) -> bool:
    if principal is None:
        return False
    if principal.constant == "*":
        return True
    inner = principal.get("AWS")
    return inner is not None and "*" in inner.texts()


def _document(block: Block, teller: Teller) -> None:
    for one in block.named("statement"):
        if one.text("effect") == "Deny":
            continue
        actions, resources = _texts(one.get("actions")), _texts(one.get("resources"))
        anybody = any(
            "*" in _texts(each.get("identifiers")) and each.text("type") in ("*", "AWS")
            for each in one.named("principals")
        )
        trust = any(action.startswith("sts:AssumeRole") for action in actions)
        value = one.get("actions")
        place = value.span if value is not None else one.span
        limited = bool(one.named("condition"))
        _judge_statement(block, teller, place, actions, resources, anybody, trust, limited=limited)


def _database(block: Block, teller: Teller) -> None:
    public = block.get("publicly_accessible")
    if public is not None and public.constant is True:
        teller.say("public-database", public.span)
    _encrypted("storage_encrypted")(block, teller)


def _encrypted(name: str) -> Callable[[Block, Teller], None]:
    def judge(block: Block, teller: Teller) -> None:
        value = block.get(name)
        if value is not None and value.constant is False:
            teller.say("not-encrypted", value.span)

    return judge


def _instance(block: Block, teller: Teller) -> None:
    for one in block.named("metadata_options"):
        tokens = one.get("http_tokens")
        if tokens is not None and tokens.constant == "optional":
            teller.say("metadata-service", tokens.span)
    for kind in ("root_block_device", "ebs_block_device"):
        for one in block.named(kind):
            _encrypted("encrypted")(one, teller)


def _function_address(block: Block, teller: Teller) -> None:
    kind = block.get("authorization_type")
    if kind is not None and kind.constant == "NONE":
        teller.say("open-function", kind.span)


def _cluster(block: Block, teller: Teller) -> None:
    for one in block.named("vpc_config"):
        addresses = one.get("public_access_cidrs")
        if addresses is not None and everywhere(addresses.texts()):
            teller.say("open-cluster", addresses.span)


def _listener(block: Block, teller: Teller) -> None:
    policy = block.get("ssl_policy")
    if policy is not None and str(policy.constant).endswith(
        ("2015-05", "2016-08", "TLS-1-0-2015-04")
    ):
        teller.say("old-tls", policy.span)


def _distribution(block: Block, teller: Teller) -> None:
    for one in block.named("viewer_certificate"):
        version = one.get("minimum_protocol_version")
        if version is not None and version.constant in (
            "SSLv3",
            "TLSv1",
            "TLSv1_2016",
            "TLSv1.1_2016",
        ):
            teller.say("old-tls", version.span)


def _direct_rule(block: Block, teller: Teller) -> None:
    _ingress(block, teller)


AWS: dict[str, Callable[[Block, Teller], None]] = {
    "aws_security_group": _security_group,
    "aws_default_security_group": _security_group,
    "aws_security_group_rule": _rule,
    "aws_vpc_security_group_ingress_rule": _direct_rule,
    "aws_s3_bucket": _bucket,
    "aws_s3_bucket_acl": _bucket,
    "aws_s3_bucket_public_access_block": _access_block,
    "aws_s3_account_public_access_block": _access_block,
    "aws_s3_bucket_policy": _policy,
    "aws_sqs_queue_policy": _policy,
    "aws_sns_topic_policy": _policy,
    "aws_kms_key": _policy,
    "aws_ecr_repository_policy": _policy,
    "aws_iam_policy": _policy,
    "aws_iam_role": _policy,
    "aws_iam_role_policy": _policy,
    "aws_iam_user_policy": _policy,
    "aws_iam_group_policy": _policy,
    "aws_iam_policy_document": _document,
    "aws_db_instance": _database,
    "aws_rds_cluster": _database,
    "aws_rds_cluster_instance": _database,
    "aws_redshift_cluster": _database,
    "aws_dms_replication_instance": _database,
    "aws_ebs_volume": _encrypted("encrypted"),
    "aws_efs_file_system": _encrypted("encrypted"),
    "aws_instance": _instance,
    "aws_launch_template": _instance,
    "aws_lambda_function_url": _function_address,
    "aws_eks_cluster": _cluster,
    "aws_lb_listener": _listener,
    "aws_alb_listener": _listener,
    "aws_cloudfront_distribution": _distribution,
}
"""Type of resource → its judge."""
