"""Who is taken for whom, and who is turned away."""

from __future__ import annotations

import base64
import sqlite3
from pathlib import Path

import pytest
from server_support import Served

from headgate.server.auth.sessions import COOKIE, SESSION_SECONDS

HTML = {"accept": "text/html"}


def basic(user: str, password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def test_a_stranger_is_sent_to_the_form_and_a_program_is_told(served: Served) -> None:
    stranger = served.client()
    page = stranger.get("/changes?state=open", headers=HTML)
    assert page.status_code == 303
    assert page.headers["location"] == "/signin?next=%2Fchanges%3Fstate%3Dopen"
    for path in ("/changes.json", "/api/whoami"):
        told = stranger.get(path)
        assert told.status_code == 401
        assert told.headers["www-authenticate"] == "Bearer"
        assert told.json()["error"] == "This needs somebody to be signed in."
        assert "hg_" in told.json()["remedy"]
    assert stranger.get("/signin").status_code == 200
    assert stranger.get("/healthz").json() == {"ok": True}


def test_a_token_as_bearer_and_as_password(served: Served) -> None:
    token = served.human("ada")
    known = served.client(token).get("/api/whoami").json()
    assert known["principal"]["name"] == "ada"
    assert known["via"] == "token"
    for user in ("ada", "token", "git", ""):
        answer = served.client().get("/api/whoami", headers=basic(user, token))
        assert answer.json()["principal"]["name"] == "ada"
        assert answer.json()["via"] == "basic"
    answer = served.client().get("/api/whoami", headers=basic("bob", token))
    assert answer.status_code == 401
    assert answer.json()["error"] == "The token does not belong to 'bob'."


def test_credentials_that_are_none(served: Served) -> None:
    for header, says in (
        ("Bearer", "not a Headgate token"),
        ("Bearer ghp_1234", "not a Headgate token"),
        ("Bearer hg_nothing", "not a Headgate token"),
        ("Bearer hg_0011223344556677_" + "0" * 64, "not valid"),
        ("Basic !!!", "cannot be read"),
        ("Basic " + base64.b64encode(b"no colon").decode(), "no password"),
        ("Digest x", "Only Bearer and Basic"),
    ):
        answer = served.client(authorization=header).get("/api/whoami")
        assert answer.status_code == 401
        assert says in answer.json()["error"]


def test_a_token_with_another_end_is_not_valid(served: Served) -> None:
    token = served.human("ada")
    changed = token[:-1] + ("0" if token[-1] != "0" else "1")
    assert served.client(changed).get("/api/whoami").json()["error"] == "The token is not valid."


def test_a_revoked_token(served: Served) -> None:
    token = served.human("ada")
    client = served.client(token)
    number = client.get("/api/tokens").json()["tokens"][0]["id"]
    assert client.post(f"/api/tokens/{number}/revoke", json={}).json()["revoked"] is True
    assert client.get("/api/whoami").json()["error"] == "The token was revoked."


def test_an_expired_token(served: Served) -> None:
    served.human("ada")
    token = served.operator.post("/api/principals/ada/tokens", json={"days": 2}).json()["token"]
    assert served.client(token).get("/api/whoami").status_code == 200
    served.clock.ahead += 2 * 86400 + 1
    assert served.client(token).get("/api/whoami").json()["error"] == "The token has expired."


def test_disabling_a_human_ends_tokens_sessions_and_agents(served: Served) -> None:
    token, agent = served.human("ada"), ""
    agent = served.agent("robot", "ada")
    browser, _ = served.browser("ada")
    served.operator.post("/api/principals/ada/disable", json={})
    answer = served.client(token).get("/api/whoami")
    assert answer.json()["error"] == "The principal ada is disabled."
    assert browser.get("/api/whoami").json()["error"] == "The session has ended."
    assert served.client(agent).get("/api/whoami").status_code == 401


def test_revoking_a_token_ends_the_sessions_of_its_owner(served: Served) -> None:
    token = served.human("ada")
    served.human("bea")
    browser = served.client()
    assert browser.post("/signin", data={"token": token}).status_code == 303
    other, _ = served.browser("bea")
    link = served.operator.post("/api/principals/ada/signin-link", json={}).json()["url"]
    number = served.client(token).get("/api/tokens").json()["tokens"][0]["id"]
    assert browser.get("/api/whoami").status_code == 200
    assert served.operator.post(f"/api/tokens/{number}/revoke", json={}).status_code == 200
    assert browser.get("/api/whoami").json()["error"] == "The session has ended."
    assert served.client().get(link).status_code == 401
    assert other.get("/api/whoami").status_code == 200


def test_the_socket_is_the_operator_and_the_port_is_not(served: Served) -> None:
    known = served.operator.get("/api/whoami").json()
    assert known["principal"]["name"] == "operator"
    assert known["via"] == "operator socket"
    assert served.client().get("/api/whoami").status_code == 401
    # A name in a header makes nobody an operator.
    answer = served.client(**{"headgate.operator_socket": "1"}).get("/api/whoami")
    assert answer.status_code == 401


def test_a_token_over_the_socket_is_its_own_principal(served: Served) -> None:
    token = served.human("ada")
    answer = served.operator.get("/api/whoami", headers={"authorization": f"Bearer {token}"})
    assert answer.json()["principal"]["name"] == "ada"


# -- sessions ------------------------------------------------------------------------------------


def test_signing_in_with_a_token(served: Served) -> None:
    token = served.human("ada")
    browser = served.client()
    answer = browser.post("/signin", data={"token": token, "next": "/changes?state=open"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/changes?state=open"
    cookie = answer.headers["set-cookie"].lower()
    for part in ("httponly", "samesite=strict", f"max-age={SESSION_SECONDS}", "path=/"):
        assert part in cookie
    known = browser.get("/api/whoami").json()
    assert (known["principal"]["name"], known["via"]) == ("ada", "session")
    assert browser.get("/changes", headers=HTML).status_code == 200
    _assert_nowhere(served.data, browser.cookies[COOKIE], token)


def _assert_nowhere(data: Path, *secrets: str) -> None:
    """Neither in any table nor in any other byte of the database is a secret."""
    connection = sqlite3.connect(data / "headgate.db")
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    connection.close()
    content = b"".join(file.read_bytes() for file in data.glob("headgate.db*"))
    for secret in secrets:
        assert secret.encode() not in content


def test_a_session_ends_after_twelve_hours(served: Served) -> None:
    served.human("ada")
    browser, _ = served.browser("ada")
    served.clock.ahead += SESSION_SECONDS - 60
    assert browser.get("/api/whoami").status_code == 200
    served.clock.ahead += 61
    assert browser.get("/api/whoami").json()["error"] == "The session has ended."


def test_signing_out_ends_the_session_on_the_server(served: Served) -> None:
    served.human("ada")
    browser, csrf = served.browser("ada")
    kept = browser.cookies[COOKIE]
    assert browser.post("/signout", data={}).status_code == 403
    answer = browser.post("/signout", data={"csrf": csrf})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/signin"
    again = served.client(cookie=f"{COOKIE}={kept}")
    assert again.get("/api/whoami").json()["error"] == "The session has ended."


def test_a_wrong_token_in_the_form(served: Served) -> None:
    answer = served.client().post("/signin", data={"token": "hg_wrong"}, headers=HTML)
    assert answer.status_code == 401
    assert "not a Headgate token" in answer.text
    assert "set-cookie" not in answer.headers


def test_a_link_signs_in_once(served: Served) -> None:
    served.human("ada")
    link = served.operator.post("/api/principals/ada/signin-link", json={}).json()["url"]
    first = served.client().get(link)
    assert first.status_code == 303
    assert first.headers["location"] == "/"
    second = served.client().get(link)
    assert second.status_code == 401
    assert "used before or has expired" in second.text


def test_a_link_expires(served: Served) -> None:
    served.human("ada")
    made = served.operator.post("/api/principals/ada/signin-link", json={}).json()
    served.clock.ahead += made["seconds"] + 1
    assert served.client().get(made["url"]).status_code == 401


@pytest.mark.parametrize(
    "headers", [{"sec-fetch-site": "cross-site"}, {"sec-purpose": "prefetch;prerender"}]
)
def test_a_link_opened_by_another_site_or_ahead_of_the_reader_asks_first(
    served: Served, headers: dict[str, str]
) -> None:
    served.human("ada")
    made = served.operator.post("/api/principals/ada/signin-link", json={}).json()
    browser = served.client()
    page = browser.get(made["url"], headers=headers)
    assert page.status_code == 200
    assert made["code"] in page.text
    assert "set-cookie" not in page.headers
    assert browser.post("/signin", data={"code": made["code"]}).status_code == 303
    assert browser.get("/api/whoami").json()["principal"]["name"] == "ada"


def test_signing_in_never_leads_elsewhere(served: Served) -> None:
    token = served.human("ada")
    for target in (
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/a\nb",
        "javascript:1",
    ):
        answer = served.client().post("/signin", data={"token": token, "next": target})
        assert answer.headers["location"] == "/"


# -- forms ---------------------------------------------------------------------------------------


def test_a_form_needs_the_token_of_its_session(served: Served) -> None:
    served.human("ada")
    served.human("eve")
    browser, csrf = served.browser("ada")
    _, foreign = served.browser("eve")
    path = "/api/principals/ada/tokens"
    for given in ({}, {"csrf": ""}, {"csrf": foreign}, {"csrf": "x\u00e9"}):
        answer = browser.post(path, data=given, headers=HTML)
        assert answer.status_code == 403
        assert "does not belong to this session" in answer.text
    answer = browser.post(path, data={"csrf": csrf, "back": "/principals"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/principals"


def test_json_with_a_cookie_needs_the_token_too(served: Served) -> None:
    served.human("ada")
    browser, csrf = served.browser("ada")
    path = "/api/principals/ada/tokens"
    assert browser.post(path, json={}).status_code == 403
    assert browser.post(path, json={}, headers={"x-csrf-token": csrf}).status_code == 200


def test_basic_credentials_read_and_change_nothing(served: Served) -> None:
    headers = basic("ada", served.human("ada"))
    client = served.client()
    assert client.get("/api/whoami", headers=headers).status_code == 200
    path = "/api/principals/ada/tokens"
    for given in ({"json": {}}, {"data": {"label": "x"}}):
        answer = client.post(path, headers=headers, **given)  # type: ignore[arg-type]
        assert answer.status_code == 403
        assert "Bearer" in answer.text
    assert len(served.operator.get("/api/tokens?principal=ada").json()["tokens"]) == 1


def test_another_site_cannot_post_whatever_it_knows(served: Served) -> None:
    token = served.human("ada")
    browser, csrf = served.browser("ada")
    path = "/api/principals/ada/tokens"
    for headers in (
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
    ):
        for client in (browser, served.client(token)):
            answer = client.post(path, data={"csrf": csrf}, headers=headers)
            assert answer.status_code == 403
            assert "Another site" in answer.text
        signin = served.client().post("/signin", data={"token": token}, headers=headers)
        assert signin.status_code == 403


def test_the_own_pages_can_post(served: Served) -> None:
    served.human("ada")
    browser, csrf = served.browser("ada")
    headers = {"sec-fetch-site": "same-origin", "origin": served.url}
    answer = browser.post("/api/principals/ada/tokens", data={"csrf": csrf}, headers=headers)
    assert answer.status_code == 303


# -- walls ---------------------------------------------------------------------------------------


def test_guessing_is_slowed_down_and_the_owner_is_not(served: Served) -> None:
    token = served.human("ada")
    owner = served.client(token)
    assert owner.get("/api/whoami").status_code == 200
    wrong = token[:-4] + ("0000" if not token.endswith("0000") else "1111")
    guesser = served.client(wrong)
    for _ in range(10):
        assert guesser.get("/api/whoami").status_code == 401
    stopped = guesser.get("/api/whoami")
    assert stopped.status_code == 429
    assert 0 < int(stopped.headers["retry-after"]) <= 60
    assert stopped.json()["error"] == "Too many failed sign-ins."
    assert owner.get("/api/whoami").status_code == 200
    served.clock.ahead += 61
    assert guesser.get("/api/whoami").status_code == 401


def test_links_cannot_be_guessed_at_speed(served: Served) -> None:
    browser = served.client()
    for _ in range(10):
        assert browser.post("/signin", data={"code": "guess"}).status_code == 401
    assert browser.post("/signin", data={"code": "guess"}).status_code == 429


def test_a_name_that_was_pointed_at_us_is_not_answered(served: Served) -> None:
    client = served.client(accept="application/json")
    for host in ("evil.example", "evil.example:80", "localhost.evil.example", ""):
        answer = client.get("/healthz", headers={"host": host})
        assert answer.status_code == 421
        assert "does not answer under the host name" in answer.json()["error"]
    for host in ("localhost", "LOCALHOST:1", "127.0.0.1:80", "[::1]:80"):
        assert client.get("/healthz", headers={"host": host}).status_code == 200


def test_every_answer_carries_the_headers(served: Served) -> None:
    for path in ("/", "/signin", "/api/whoami", "/healthz", "/nothing", "/git/x"):
        headers = served.client().get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["cache-control"] == "no-store" or path == "/git/x"


def test_metrics_are_for_somebody(served: Served) -> None:
    token = served.human("ada")
    assert served.client().get("/metrics", headers={"accept": "*/*"}).status_code in (303, 401)
    text = served.client(token).get("/metrics").text
    assert 'headgate_events_total{kind="principal.added"} 1.0' in text
    assert "headgate_log_entries" in text
    assert 'headgate_http_requests_total{area="api",method="POST",status="200"}' in text


def test_git_is_asked_for_basic_credentials(served: Served) -> None:
    answer = served.client().get("/git/policy.git/info/refs?service=git-upload-pack")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic")


def test_a_defect_shows_no_traceback(served: Served) -> None:
    answer = served.client().get("/broken.json")
    assert answer.status_code == 500
    assert answer.json()["error"] == "Headgate failed at this request; its log says how."
    assert "RuntimeError" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
