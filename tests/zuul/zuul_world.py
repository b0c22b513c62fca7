"""A small Zuul tenant, as text."""

from __future__ import annotations

from headgate.zuul.importing import Imported, convert
from headgate.zuul.losses import Losses
from headgate.zuul.reading import SourceFile
from headgate.zuul.tenant import Tenant, read_tenant

TENANT = """\
- tenant:
    name: acme
    source:
      gerrit:
        config-projects:
          - acme/config
        untrusted-projects:
          - acme/jobs:
              exclude: project
          - acme/app
          - acme/lib
"""

CONFIG = """\
- pipeline:
    name: check
    manager: independent
    trigger:
      gerrit:
        - event: patchset-created
        - event: comment-added
          comment: (?i)^\\s*recheck\\s*$
    success:
      gerrit:
        Verified: 1
    failure:
      gerrit:
        Verified: -1

- pipeline:
    name: gate
    manager: dependent
    window: 8
    require:
      gerrit:
        open: true
        current-patchset: true
        approval:
          - Workflow: 1
          - Verified: [1, 2]
            username: zuul
    trigger:
      gerrit:
        - event: comment-added
          approval:
            - Workflow: 1
    success:
      gerrit:
        Verified: 2
        submit: true

- pipeline:
    name: post
    manager: supercedent
    precedence: high
    post-review: true
    trigger:
      gerrit:
        - event: ref-updated
          ref: ^refs/heads/.*$

- pipeline:
    name: nightly
    manager: serial
    precedence: low
    trigger:
      timer:
        - time: '15 3 * * 6'

- queue:
    name: integrated

- semaphore:
    name: database
    max: 3

- nodeset:
    name: two-sizes
    nodes:
      - name: controller
        label: debian-12
    groups:
      - name: tests
        nodes: [controller]

- job:
    name: base
    parent: null
    pre-run: playbooks/base/pre.yaml
    nodeset: two-sizes
    timeout: 1800

- project:
    name: ^acme/(app|lib)$
    queue: integrated
    templates: [docs]

- project-template:
    name: docs
    vars:
      builder: html
    check:
      jobs: [build-docs]
    gate:
      jobs: [build-docs]
"""

JOBS = """\
- job:
    name: tox
    abstract: true
    pre-run: playbooks/tox/pre.yaml
    run: playbooks/tox/run.yaml
    post-run: playbooks/tox/post.yaml
    vars:
      tox: {envlist: all, quiet: true}

- job:
    name: build-docs
    parent: tox
    description: |
      Builds the
      documentation.
    files:
      - ^docs/.*$
      - ^.*\\.rst$
    vars:
      tox: {envlist: docs}
"""

APP = """\
- job:
    name: unit
    parent: tox
    vars:
      tox: {envlist: py311}
    irrelevant-files: ^docs/.*$
    required-projects: [acme/lib]
    semaphores: database
    attempts: 3

- job:
    name: unit
    branches: ^stable/.*$
    vars:
      tox: {envlist: py39}
    timeout: 3600

- job:
    name: deploy
    run:
      - playbooks/build.yaml
      - playbooks/deploy.yaml
    provides: site
    failure-output: ['^FATAL']

- project:
    check:
      jobs:
        - unit
        - lint: {voting: false}
    gate:
      jobs:
        - unit
        - lint
    post:
      jobs:
        - deploy:
            branches: ^main$
            dependencies:
              - name: unit
                soft: true
    nightly:
      jobs:
        - unit

- job:
    name: lint
    run: playbooks/lint.yaml
"""


def source(project: str, text: str) -> SourceFile:
    """A file of a project, with the classes that a tenant takes from it by default."""
    return SourceFile(project, f"{project}/zuul.yaml", text)


def imported(*sources: SourceFile, tenant: str = "", host: str = "") -> Imported:
    """What these files come to."""
    losses = Losses()
    told = read_tenant(tenant, "main.yaml", "", losses) if tenant else Tenant()
    return convert(sources, told, lambda _, path: path, losses, host=host)


def acme(host: str = "") -> Imported:
    """What the whole tenant comes to."""
    return imported(
        source("acme/config", CONFIG),
        source("acme/jobs", JOBS),
        source("acme/app", APP),
        tenant=TENANT,
        host=host,
    )


def said(found: Imported) -> list[str]:
    """The losses in short, in order."""
    return [f"{loss.place.line} {loss.kind.value}: {loss.construct}" for loss in found.losses]
