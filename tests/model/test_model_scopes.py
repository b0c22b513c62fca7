"""The scopes of headgate.toml: what they mean, and how each mistake is told."""

from __future__ import annotations

import pytest

from headgate.model.errors import BadInput
from headgate.model.scopes import Scope
from headgate.model.toml.project_file import parse_project


def test_a_scope_is_a_list_of_patterns_or_a_table_that_says_what_it_needs():
    text = """
        [scopes]
        api = ["api/**", "openapi.yaml"]

        [scopes.web]
        paths = "web/"
        needs = ["api"]
        """
    assert parse_project(text).scopes == {
        "api": Scope(("api/**", "openapi.yaml")),
        "web": Scope(("web/",), ("api",)),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("scopes = 3", "headgate.toml:1: scopes: expected a table, found the number 3."),
        ("[scopes]\napi = []", "headgate.toml:2: scopes.api: has no patterns."),
        ("[scopes]\napi = 3", "headgate.toml:2: scopes.api: expected a list of strings, "),
        ('[scopes]\n"a b" = ["x"]', "cannot be the name of a scope."),
        ('[scopes]\napi = ["/x/../y"]', "headgate.toml:2: scopes.api: the pattern `/x/../y` "),
        ('[scopes.web]\nneeds = ["web"]', "headgate.toml:1: scopes.web.paths: has no patterns."),
        ('[scopes.web]\npaths = ["w"]\nneed = ["a"]', "headgate.toml:3: scopes.web.need: unknown"),
        (
            '[scopes.web]\npaths = ["w"]\n\nneeds = ["api"]',
            "headgate.toml:4: scopes.web.needs: there is no scope `api`.",
        ),
        (
            '[scopes.web]\npaths = ["w"]\nneeds = ["web"]',
            "headgate.toml:3: scopes.web.needs: the scope `web` needs itself.",
        ),
        (
            '[scopes.a]\npaths = ["a"]\nneeds = ["b"]\n[scopes.b]\npaths = ["b"]\nneeds = ["a"]',
            "headgate.toml:3: scopes.a.needs: a, b need each other.",
        ),
        (
            "[scopes]\n" + "\n".join(f'n{n} = ["a"]' for n in range(1001)),
            "headgate.toml:1: scopes: declares 1001 scopes; at most 1000 can be.",
        ),
    ],
)  # fmt: skip
def test_mistakes_are_told_with_their_place(text: str, message: str):
    with pytest.raises(BadInput) as told:
        parse_project(text)
    assert message in told.value.message
