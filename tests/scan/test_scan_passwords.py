"""Which values look like passwords; every secret here is put together when the test runs."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scan_work import made_up, password

from headgate.model.finding import Confidence, Severity
from headgate.scan.analyzers.passwords import find

STRONG = password()
KEY = made_up(32)


def fill(line: str) -> str:
    return line.replace("STRONG", STRONG).replace("KEYKEY", KEY)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("a.py", 'password = "STRONG"'),
        ("a.py", 'PASSWORD: str = "STRONG"'),
        ("a.py", 'def f(password="STRONG"): pass'),
        ("a.py", 'connect(host="h", password="STRONG")'),
        ("a.py", 'cfg = {"db_password": "STRONG"}'),
        ("a.py", 'cfg["password"] = "STRONG"'),
        ("a.py", 'if password == "STRONG": pass'),
        ("a.py", 'os.environ.setdefault("PASSWORD", "STRONG")'),
        ("a.py", 'api_key = "KEYKEY"'),
        ("a.py", 'self.client_secret = "KEYKEY"'),
        ("a.py", 'url = "postgresql://app:STRONG@db.internal/x"'),
        (".env", "DB_PASSWORD=STRONG"),
        ("prod.env", "export API_KEY=KEYKEY"),
        ("a.yaml", "password: STRONG"),
        ("a.yaml", '  db_password: "STRONG"'),
        ("compose.yml", "- API_TOKEN=KEYKEY"),
        ("a.ini", "password = STRONG"),
        ("a.json", '"password": "STRONG",'),
        ("a.js", "const password = 'STRONG';"),
        ("a.ts", '{ apiKey: "KEYKEY" }'),
        ("A.java", 'String password = "STRONG";'),
        ("a.xml", "<password>STRONG</password>"),
        ("Dockerfile", "ENV DB_PASSWORD=STRONG"),
        ("Dockerfile", "ENV DB_PASSWORD STRONG"),
        ("a.sh", "PGPASSWORD=STRONG psql"),
        ("a.go", 'password := "STRONG"'),
        ("a.rb", ":password => 'STRONG'"),
        ("a.php", "define('DB_PASSWORD', 'STRONG');"),
        ("a.go", 'const dbPass = "STRONG"'),
        ("a.go", 'var secretKey = []byte("KEYKEY")'),
        ("a.rs", 'const API_SECRET: &str = "KEYKEY";'),
        ("a.rs", 'const API_SECRET: &\'static str = "KEYKEY";'),
        ("a.yml", "db: {user: app, password: STRONG} # it"),
        ("a.json", '{"key":"password","value":"STRONG"}'),
        ("a.clj", '{:user "app" :password "STRONG"}'),
        ("a.erl", '{password, "STRONG"}.'),
        ("a.bicep", "param adminPassword string = 'STRONG'"),
        ("a.sh", "htpasswd -cb file admin STRONG"),
        ("A.scala", 'Map("password" -> "STRONG")'),
        ("A.kt", '.addHeader("Authorization", "Token KEYKEY")'),
        ("a.cs", 'var key = Encoding.UTF8.GetBytes("KEYKEY");'),
        ("a.py", 'JWT_SECRET = os.getenv("JWT_SECRET", "STRONG")'),
        ("a.ts", "const secret = process.env.JWT_SECRET ?? 'STRONG';"),
    ],
)
def test_a_password_is_found_where_it_stands(path: str, line: str) -> None:
    text = f"first line\n{fill(line)}\nlast line\n"
    (one,) = find(path, text)
    assert text[one.start : one.end] in (STRONG, KEY)
    assert one.severity is Severity.HIGH
    assert one.confidence >= Confidence.MEDIUM


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("a.py", 'password = os.environ["PASSWORD"]'),
        ("a.py", 'password = getpass("Password: ")'),
        ("a.py", 'password = ""'),
        ("a.py", 'password = "changeme"'),
        ("a.py", 'password = "<your password>"'),
        ("a.py", 'password_field = "user_password"'),
        ("a.py", 'PASSWORD_RESET_URL = "/accounts/reset/1"'),
        ("a.py", 'token = "access_token"'),
        ("a.py", 'PASSWORD = "password"'),
        ("a.py", 'password = "${DB_PASSWORD}"'),
        ("a.py", 'password = f"{secret(1)}"'),
        ("a.py", 'raise ValueError("password: must be 8")'),
        ("a.py", 'label = {"password": "Enter your password"}'),
        ("a.py", 'API_KEY = "your-api-key-here"'),
        ("a.py", 'url = "postgresql://user:password@localhost/db"'),
        ("a.py", 'hashed_password = "$2b$12$abcdefghijklmnopqrstuv"'),
        ("a.yaml", "password: ${DB_PASSWORD}"),
        ("a.yaml", "password: !vault |"),
        ("a.yaml", "secretName: my-tls-1"),
        ("a.yaml", "password: string"),
        ("a.yaml", "token: ${{ secrets.GITHUB_TOKEN }}"),
        (".env", "DB_PASSWORD="),
        (".env", "DB_PASSWORD=$OTHER"),
        ("package.json", '"tokenizer": "1.2.3-beta9",'),
        ("tests/test_login.py", 'login("ada", password="letmein99")'),
        ("secret.yaml", "  password: " + base64.b64encode(b"please-change-me").decode()),
        ("a.py", 'url = "oracle://scott:tiger@db/x"'),
        ("a.py", 'key = "user:profile:123"'),
        ("a.yml", "db: {password: !Ref DBPassword1}"),
        ("tests/users.json", '"password": "wonderland1A",'),
        ("spec/user_spec.rb", "User.create(password: 'Letme1n!99')"),
        ("src/__tests__/login.test.ts", "login({ password: 'Letme1n!99' })"),
        ("e2e/login.spec.js", "const it = { password: 'Letme1n!99' }"),
        ("app/login_test.go", 'const password = "letmein99letmein"'),
        ("locale/messages_fr.properties", "login.token=Jeton2Securite"),
        ("a.properties", "label.password=Passwort"),
        ("a.cs", 'public const string PasswordKey = "UserPassword";'),
        ("values.yaml", "passwordKey: admin-password"),
        ("a.ts", "const secret = process.env.JWT_SECRET ?? '';"),
    ],
)
def test_placeholders_lookups_and_fixtures_are_not(path: str, line: str) -> None:
    assert list(find(path, line + "\n")) == []


@pytest.mark.parametrize("path", ["docs/a.py", "doc/a.py", "examples/a.py", "spec/a.py"])
def test_documents_and_examples_are_no_tests(path: str) -> None:
    (one,) = find(path, f'password = "{STRONG}"\n')
    assert one.confidence >= Confidence.MEDIUM


def test_a_docstring_shows_how_something_is_used() -> None:
    shown, real, inside = password(1), password(2), password(3)
    text = (
        f'"""\n    connect(password="hunter-two")\n"""\n\n\ndef f():\n'
        f'    """é password=\'hunter-two\' """; password = \'{real}\'\n'
        f'    text = """\n    password = "{inside}"\n    """\n'
    )
    found = [text[one.start : one.end] for one in find("app/a.py", text)]
    assert found == [real, inside]
    # What looks generated may be real wherever it stands, and so may anything in a broken file.
    assert list(find("app/a.py", f'"""\npassword="{made_up(32)}"\n"""\n'))
    assert list(find("app/a.py", f'"""\npassword="{shown}"\n"""\ndef (:\n'))


def test_a_script_is_known_by_its_first_line() -> None:
    (one,) = find("deploy", f'#!/usr/bin/env python3\npassword = "{STRONG}"\n')
    assert one.confidence >= Confidence.MEDIUM
    (one,) = find("deploy", f"#!/bin/sh\nexport DB_PASSWORD={STRONG}\n")
    assert one.confidence >= Confidence.MEDIUM


def test_a_generated_secret_in_a_test_is_told_softly() -> None:
    (one,) = find("tests/test_login.py", f'API_KEY = "{KEY}"\n')
    assert one.confidence is Confidence.LOW


@given(st.text(max_size=300), st.sampled_from(["a.py", "a.yaml", ".env", "Dockerfile", "x.txt"]))
def test_places_are_always_inside_the_text(text: str, path: str) -> None:
    text = f"password = {text}"
    for one in find(path, text):
        assert 0 <= one.start < one.end <= len(text)
        assert "\n" not in text[one.start : one.end]


def test_a_long_line_takes_no_long_time() -> None:
    line = "password" + made_up(300_000) + "=" + "token_" * 50_000
    list(find("a.env", line))
    list(find("a.py", line))
