"""The endpoint, against real servers on loopback that answer well, badly, late or not at all."""

from __future__ import annotations

import datetime
import gzip
import ipaddress
import json
import socket
import ssl
import time
from dataclasses import replace
from email.utils import format_datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from review_endpoint import Answer, Script, ScriptedEndpoint

from headgate.model.reviewer import ReviewerPolicy
from headgate.scan.reviewer import address
from headgate.scan.reviewer.address import is_near, permitted
from headgate.scan.reviewer.interface import NotAnswered, Reply, Usage
from headgate.scan.reviewer.openai import OpenAIEndpoint

POLICY = ReviewerPolicy("", "scripted-1", ("*",), ("**",), timeout=10.0, tokens_per_answer=500)


async def ask(script: Script, key: str = "", patience: float = 10.0) -> tuple[Reply, int]:
    """The reply, and how often was asked for it."""
    with ScriptedEndpoint(script) as server:
        policy = replace(POLICY, endpoint=server.url, timeout=patience)
        reply = await OpenAIEndpoint(policy, key).ask(b'{"model": "scripted-1"}')
        return reply, len(server.asked)


async def refused(script: Script, key: str = "", patience: float = 10.0) -> NotAnswered:
    with pytest.raises(NotAnswered) as caught:
        await ask(script, key, patience)
    assert "\n" not in caught.value.reason
    assert caught.value.reason.startswith(("The endpoint 127.0.0.1:", "The model", "The cert"))
    return caught.value


async def test_an_answer_comes_with_its_tokens() -> None:
    reply, count = await ask([Answer("hello", sent=12, received=3)])
    assert (reply, count) == (Reply("hello", Usage(12, 3)), 1)
    reply, _ = await ask([Answer("hello", finish="length")])
    assert reply.cut


async def test_an_endpoint_that_does_not_count_is_counted_by_us() -> None:
    reply, _ = await ask([Answer("hello", sent=None)])
    assert reply.usage.estimated
    assert reply.usage.sent == 8
    reply, _ = await ask([Answer("hello", sent=0, received=0)])
    assert reply.usage.estimated
    odd = json.loads(Answer("hello").body()) | {"usage": {"prompt_tokens": -5}}
    reply, _ = await ask([Answer(raw=json.dumps(odd).encode())])
    assert reply.usage.estimated


async def test_trouble_is_tried_again_and_retry_after_is_respected() -> None:
    begun = time.monotonic()
    reply, count = await ask(
        [Answer(status=429, headers={"retry-after": "1"}), Answer(status=503), Answer("ok")]
    )
    assert (reply.text, count) == ("ok", 3)
    assert time.monotonic() - begun >= 1.9


async def test_a_wait_that_is_too_long_is_not_begun() -> None:
    begun = time.monotonic()
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
    error = await refused(
        [Answer(status=429, headers={"retry-after": format_datetime(later, usegmt=True)})]
    )
    assert time.monotonic() - begun < 5
    assert "is asked too often and answered 429 once, and wants 3" in error.reason
    error = await refused([Answer(status=500)], patience=1.2)
    assert "is in trouble and answered 500 2 times, and wants 1 s before the next" in error.reason


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(status=401), "refused us, as no key is configured with 401: set `key-secret`"),
        (Answer(status=404), "does not know this address or the model scripted-1 (404)"),
        (Answer(status=413), "finds the question too large (413): lower `tokens-per-review`."),
        (
            Answer(status=400, raw=b'{"error": {"message": "bad\\nformat"}}'),
            "refused the question with 400 (bad format): see whether it knows the `answer-format`",
        ),
        (
            Answer(status=307, headers={"location": "https://other.example/v1"}),
            "sends on to https://other.example/v1 (307), and code is sent to the place",
        ),
        (Answer(raw=b"<html>"), "(it is not JSON): correct `endpoint`"),
        (Answer(raw=b"[" * 200_000), "(its JSON is nested too deeply)"),
        (Answer(raw=b'{"choices": []}'), "(there is no message in it)"),
        (Answer(raw=b'{"choices": [{"message": {"content": 1}}]}'), "(there is no text in its"),
        (Answer(raw=b"[1]"), "(there is no message in it)"),
        (
            Answer(raw=b'{"choices": [{"message": {"content": null, "refusal": "I will not."}}]}'),
            "The model refused to review: I will not.",
        ),
        (
            Answer(
                raw=gzip.compress(gzip.compress(b" " * (64 << 20), 9), 9),
                headers={"content-encoding": "gzip, gzip"},
            ),
            "answered in a compressed form that was not asked for: have it",
        ),
        (Answer(raw=b" " * (300 << 10)), "answered with more than 256 KiB, which no answer of 500"),
    ],
)
async def test_what_is_no_answer_is_one_sentence_with_a_remedy(answer: Answer, why: str) -> None:
    assert why in (await refused([answer])).reason


async def test_the_key_is_never_repeated() -> None:
    key = "key" + "-0123456789"
    error = await refused([Answer(status=401, raw=f'{{"error": "bad {key}"}}'.encode())], key)
    assert "refused the key with 401 (bad ***)" in error.reason


@pytest.mark.parametrize("answer", [Answer(wait=3.0), Answer(drip=0.1)])
async def test_whoever_is_slow_is_not_waited_for(answer: Answer) -> None:
    begun = time.monotonic()
    error = await refused([answer], patience=0.5)
    assert time.monotonic() - begun < 2.5
    assert "did not answer within 0.5 s: allow more with `timeout`" in error.reason
    assert error.spent.estimated
    assert error.spent.sent > 0


async def test_nobody_there_and_somebody_who_hangs_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    endpoint = OpenAIEndpoint(replace(POLICY, endpoint=f"http://127.0.0.1:{port}/v1"))
    with pytest.raises(NotAnswered, match="cannot be reached: start it, or correct"):
        await endpoint.ask(b"{}")
    missing = OpenAIEndpoint(replace(POLICY, endpoint="http://no-such-host.invalid/v1"))
    with pytest.raises(NotAnswered, match=r"no-such-host\.invalid could not be found"):
        await missing.ask(b"{}")

    def hangs_up(_: object) -> Answer:
        raise ConnectionAbortedError

    assert "broke off" in (await refused(hangs_up)).reason


async def test_a_proxy_of_the_environment_gets_nothing_that_stays_near(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with ScriptedEndpoint([Answer("from the proxy")]) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        reply, _ = await ask([Answer("from the endpoint")])
        assert reply.text == "from the endpoint"
        assert proxy.asked == []


# -- where it is -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ip", "near"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("10.1.2.3", True),
        ("172.16.0.1", True),
        ("192.168.1.1", True),
        ("fd00::1", True),
        ("::ffff:10.0.0.1", True),
        ("8.8.8.8", False),
        ("172.32.0.1", False),
        ("169.254.169.254", False),
        ("fe80::1%eth0", False),
        ("100.64.0.1", False),
        ("::ffff:8.8.8.8", False),
        ("2001:4860:4860::8888", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("no address", False),
    ],
)
def test_what_counts_as_near(ip: str, near: bool) -> None:
    assert is_near(ip) is near


async def test_code_leaves_for_the_world_only_where_the_policy_says_so() -> None:
    far = replace(POLICY, endpoint="https://8.8.8.8/v1")
    with pytest.raises(NotAnswered, match=r"neither this machine nor a private network.*remote = "):
        await OpenAIEndpoint(far).ask(b"{}")
    place = await permitted(replace(far, remote=True))
    assert (place.scheme, place.host, place.port, place.addresses) == ("https", "8.8.8.8", 443, ())
    plain = replace(POLICY, endpoint="http://8.8.8.8/v1", remote=True)
    with pytest.raises(NotAnswered, match="never sent there without encryption"):
        await OpenAIEndpoint(plain).ask(b"{}")


async def test_a_name_that_leads_near_and_far_is_far(monkeypatch: pytest.MonkeyPatch) -> None:
    async def both(host: str, port: int) -> list[str]:
        return ["127.0.0.1", "93.184.216.34"]

    monkeypatch.setattr(address, "_addresses", both)
    with pytest.raises(NotAnswered, match=r"is at 93\.184\.216\.34, which is neither"):
        await permitted(replace(POLICY, endpoint="http://sly.example/v1"))


async def test_every_near_address_of_a_name_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    async def both(host: str, port: int) -> list[str]:
        return ["127.0.0.2", "127.0.0.1"]

    monkeypatch.setattr(address, "_addresses", both)
    with ScriptedEndpoint([Answer("found")]) as server:
        endpoint = OpenAIEndpoint(
            replace(POLICY, endpoint=server.url.replace("127.0.0.1", "model.internal"))
        )
        assert (await endpoint.ask(b"{}")).text == "found"
        assert server.headers[0]["Host"].startswith("model.internal:")


async def test_two_questions_have_the_time_of_one_review() -> None:
    with ScriptedEndpoint([Answer("first"), Answer(wait=3.0)]) as server:
        endpoint = OpenAIEndpoint(replace(POLICY, endpoint=server.url, timeout=1.0))
        await endpoint.ask(b"{}")
        begun = time.monotonic()
        with pytest.raises(NotAnswered, match="did not answer within 1 s"):
            await endpoint.ask(b"{}")
        assert time.monotonic() - begun < 1.0


async def test_a_key_that_is_none_is_not_sent() -> None:
    endpoint = OpenAIEndpoint(POLICY, "k\u00e9y\n")
    with pytest.raises(NotAnswered, match="has characters that no key has"):
        await endpoint.ask(b"{}")


# -- certificates ----------------------------------------------------------------------------


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate for a name, which is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    names: list[x509.GeneralName] = (
        [x509.IPAddress(ipaddress.ip_address(name))] if name[0].isdigit() else [x509.DNSName(name)]
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "cert.pem", folder / "key.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return public, private


async def test_only_a_certificate_that_is_trusted_and_for_this_name_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    public, private = certificate(tmp_path, "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    with ScriptedEndpoint([Answer("over TLS")], context) as server:
        by_name = replace(POLICY, endpoint=server.url.replace("127.0.0.1", "localhost"))
        with pytest.raises(NotAnswered, match=r"is not trusted \(self-signed certificate\)"):
            await OpenAIEndpoint(by_name).ask(b"{}")
        monkeypatch.setenv("SSL_CERT_FILE", str(public))
        assert (await OpenAIEndpoint(by_name).ask(b"{}")).text == "over TLS"
        with pytest.raises(NotAnswered, match=r"is not trusted .*IP address mismatch"):
            await OpenAIEndpoint(replace(POLICY, endpoint=server.url)).ask(b"{}")
    assert len(server.asked) == 1
