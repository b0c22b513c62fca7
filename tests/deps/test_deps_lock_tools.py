"""What workflows, images and hooks name."""

from __future__ import annotations

from textwrap import dedent

from headgate.deps.compare import read_files
from headgate.deps.lockfiles.interface import Parsed


def read(files: dict[str, str]) -> dict[str, Parsed]:
    return dict(read_files({p: dedent(t).encode() for p, t in files.items()}).parsed)


def told(parsed: Parsed) -> list[tuple[str, str, str, str]]:
    assert parsed.problems == ()
    return [(d.name, d.version, d.relation.value, d.scope.value) for d in parsed.declared]


def test_github_actions() -> None:
    text = """\
        on: push
        jobs:
          build:
            runs-on: ubuntu-latest
            container: ghcr.io/org/build:1
            services:
              db:
                image: postgres:16
            steps:
              - uses: actions/checkout@v4
              - uses: Org/Repo/sub/dir@0123456789012345678901234567890123456789
              - uses: ./local
              - uses: docker://alpine:3.20
              - run: "echo uses: not/this@v1"
          call:
            uses: org/shared/.github/workflows/ci.yml@main
        """
    parsed = read({".github/workflows/ci.yml": text})[".github/workflows/ci.yml"]
    assert parsed.problems == ()
    assert [(d.ecosystem, d.name, d.version, d.span.line) for d in parsed.declared] == [
        ("docker", "ghcr.io/org/build", "1", 5),
        ("docker", "postgres", "16", 8),
        ("githubactions", "actions/checkout", "v4", 10),
        ("githubactions", "org/repo/sub/dir", "0123456789012345678901234567890123456789", 11),
        ("docker", "alpine", "3.20", 13),
        ("githubactions", "org/shared/.github/workflows/ci.yml", "main", 16),
    ]


def test_a_dockerfile() -> None:
    digest = "sha256:" + "a" * 64
    text = f"""\
        # syntax=docker/dockerfile:1
        ARG VERSION=3.12
        ARG NOTHING
        FROM --platform=linux/amd64 docker.io/library/python:${{VERSION}}-slim AS build
        ARG NOTHING=late
        RUN <<EOF
        FROM not-an-image
        EOF
        COPY --from=build /a /b
        COPY --from=ghcr.io/org/tool:2 /x /y
        FROM build AS test
        FROM \\
          debian@{digest}
        COPY --from=0 /a /b
        FROM scratch
        FROM localhost:5000/app:${{TAG:-latest}}
        RUN --mount=type=bind,from=busybox true
        """
    parsed = read({"Dockerfile": text})["Dockerfile"]
    assert parsed.problems == ()
    assert [(d.name, d.version, d.hashes, d.span.line) for d in parsed.declared] == [
        ("python", "3.12-slim", (), 4),
        ("ghcr.io/org/tool", "2", (), 10),
        ("debian", "", (digest,), 12),
        ("localhost:5000/app", "latest", (), 16),
        ("busybox", "latest", (), 17),
    ]


def test_pre_commit() -> None:
    text = """\
        repos:
          - repo: https://github.com/astral-sh/ruff-pre-commit
            rev: v0.9.0
            hooks:
              - id: ruff
          - repo: https://git.example/hooks.git
            rev: 1.0.0
            hooks:
              - id: x
                additional_dependencies: ["types-PyYAML==6.0", "@scope/plugin@1.2.3", eslint@^9.0.0]
          - repo: local
            hooks:
              - id: mine
                language: python
                additional_dependencies: [requests]
          - repo: meta
            hooks: [{id: check-hooks-apply}]
        """
    path = ".pre-commit-config.yaml"
    parsed = read({path: text})[path]
    assert parsed.problems == ()
    assert [(d.ecosystem, d.name, d.version, bool(d.source)) for d in parsed.declared] == [
        ("github", "astral-sh/ruff-pre-commit", "v0.9.0", False),
        ("generic", "hooks", "1.0.0", True),
        ("pypi", "types-pyyaml", "6.0", False),
        ("npm", "@scope/plugin", "1.2.3", False),
        ("npm", "eslint", "", False),
        ("pypi", "requests", "", False),
    ]
