"""Bills of materials: valid by the official schemas, the same every time, and read again."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.deps.compare import read_files
from headgate.deps.inventory import Inventory, inventory
from headgate.deps.sbom import WRITERS
from headgate.deps.sbom.reading import read_sbom
from headgate.deps.sbom.subject import Subject
from headgate.model.errors import BadInput

SUBJECT = Subject("app", "0123456789" * 4, datetime(2026, 3, 1, 12, 0, tzinfo=UTC))
HASH = "ab" * 32

FILES = {
    "package.json": '{"dependencies": {"a": "^1", "g": "git+https://u:p@h.example.org/g"},'
    ' "devDependencies": {"d": "1"}}',
    "package-lock.json": json.dumps(
        {
            "lockfileVersion": 3,
            "packages": {
                "": {"dependencies": {"a": "^1"}, "devDependencies": {"d": "1"}},
                "node_modules/a": {
                    "version": "1.2.0",
                    "license": "(MIT OR Apache-2.0)",
                    "integrity": "sha512-" + "A" * 86 + "==",
                    "dependencies": {"@s/b": "*"},
                },
                "node_modules/@s/b": {"version": "2.0.0", "license": "SEE LICENSE IN x"},
                "node_modules/d": {"version": "1.0.0", "dev": True, "license": "GPL-2.0+"},
            },
        }
    ),
    "requirements.txt": f"six==1.16 --hash=sha256:{HASH}\n"
    f"attrs==25.1 --hash=sha256:{HASH} --hash=sha256:{HASH[::-1]}\n"
    "wheel @ https://files.example/wheel-1.whl\n",
    "Dockerfile": f"FROM ghcr.io/org/app:1@sha256:{HASH}\n",
    "pom.xml": "<project><dependencies><dependency><groupId>g</groupId><artifactId>a</artifactId>"
    "<version>1</version></dependency></dependencies></project>",
    "go.mod": "module x\nrequire github.com/a/b v1.0.0\n",
}


def of(files: dict[str, str]) -> Inventory:
    return inventory(read_files({path: text.encode() for path, text in files.items()}))


def is_valid(form: str, text: str, tmp_path: Path) -> None:
    """By the schema of CycloneDX 1.6, and by the rules of the SPDX project's own library."""
    # Only who asks loads them: their grammars of addresses take seconds.
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator
    from spdx_tools.spdx.parser.parse_anything import parse_file
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

    if form == "cyclonedx":
        assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
        return
    file = tmp_path / "x.spdx.json"
    file.write_text(text, "utf-8")
    told = validate_full_spdx_document(parse_file(str(file)))
    assert [one.validation_message for one in told] == []


@pytest.mark.parametrize("form", sorted(WRITERS))
def test_what_is_written_is_valid(form: str, tmp_path: Path) -> None:
    is_valid(form, WRITERS[form](of(FILES), SUBJECT), tmp_path)
    is_valid(form, WRITERS[form](Inventory(), SUBJECT), tmp_path)
    strange = Subject("naïve \x00\ud800\n app", "", SUBJECT.created)
    broken = of({**FILES, "uv.lock": "\x00", "a\x1b\udcff/go.mod": "what\n"})
    is_valid(form, WRITERS[form](broken, strange), tmp_path)


@pytest.mark.parametrize("form", sorted(WRITERS))
def test_the_same_state_gives_the_same_bytes(form: str) -> None:
    first = WRITERS[form](of(FILES), SUBJECT)
    again = WRITERS[form](of(dict(reversed(FILES.items()))), SUBJECT)
    assert first == again
    other = Subject("app", "f" * 40, SUBJECT.created)
    assert WRITERS[form](of(FILES), other) != first


@pytest.mark.parametrize("form", sorted(WRITERS))
def test_no_password_gets_into_a_document(form: str) -> None:
    text = WRITERS[form](of(FILES), SUBJECT)
    assert "u:p" not in text
    assert "h.example.org/g" in text


@pytest.mark.parametrize("form", sorted(WRITERS))
def test_what_was_written_is_read_again(form: str) -> None:
    before = of(FILES)
    after = read_sbom(WRITERS[form](before, SUBJECT).encode(), "x.json")
    assert after.problems == ()

    def known(found: Inventory) -> list[tuple[Any, ...]]:
        return [
            (c.purl, c.ecosystem, c.name, c.version, c.scope, c.requires, c.kind)
            for c in found.components
        ]

    assert known(after) == known(before)
    again = read_sbom(WRITERS[form](after, SUBJECT).encode(), "x.json")
    assert known(again) == known(before)


def test_cyclonedx_keeps_what_headgate_knows() -> None:
    before = of(FILES)
    after = read_sbom(WRITERS["cyclonedx"](before, SUBJECT).encode(), "x.json")
    relations = {c.name: c.relation.value for c in after.components}
    assert relations == {c.name: c.relation.value for c in before.components}
    hashes = {c.name: c.hashes for c in after.components}
    assert hashes["six"] == (f"sha256:{HASH}",)
    assert hashes["attrs"] == (f"sha256:{HASH}", f"sha256:{HASH[::-1]}")
    licences = {c.name: c.licence for c in after.components}
    assert (licences["a"], licences["@s/b"]) == ("MIT OR Apache-2.0", "SEE LICENSE IN x")
    assert licences["d"] == "GPL-2.0-or-later"


@pytest.mark.parametrize("form", sorted(WRITERS))
def test_what_could_not_be_read_is_not_hidden(form: str) -> None:
    broken = of({**FILES, "uv.lock": "["})
    text = WRITERS[form](broken, SUBJECT)
    assert "uv.lock:1: this is not TOML" in text
    after = read_sbom(text.encode(), "x.json")
    assert [p.message for p in after.problems] == ["the document says that it is not complete"]


def test_documents_of_others() -> None:
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.4",
        "metadata": {"component": {"bom-ref": "root", "name": "x"}},
        "components": [
            {
                "bom-ref": "1",
                "name": "lodash",
                "purl": "pkg:npm/lodash@4.17.21",
                "licenses": [{"license": {"id": "MIT"}}, {"license": {"name": "ISC"}}],
                "hashes": [{"alg": "SHA-256", "content": HASH.upper()}],
                "components": [{"bom-ref": "2", "name": "in", "purl": "pkg:npm/inner@1.0.0"}],
            },
            {"name": "no purl", "type": "library"},
            {"name": "a file", "type": "file"},
        ],
        "dependencies": [{"ref": "root", "dependsOn": ["1"]}, {"ref": "1", "dependsOn": ["2"]}],
    }
    found = read_sbom(json.dumps(document).encode(), "bom.json")
    assert [(c.purl, c.relation.value, c.requires) for c in found.components] == [
        ("pkg:npm/inner@1.0.0", "transitive", ()),
        ("pkg:npm/lodash@4.17.21", "direct", ("pkg:npm/inner@1.0.0",)),
    ]
    assert found.components[1].licence == "(MIT) AND (ISC)"
    assert found.components[1].hashes == (f"sha256:{HASH}",)
    assert [p.message for p in found.problems] == ["`no purl` names no package"]
    spdx = {
        "spdxVersion": "SPDX-2.2",
        "documentDescribes": ["SPDXRef-x"],
        "packages": [
            {"SPDXID": "SPDXRef-x", "name": "x"},
            {
                "SPDXID": "SPDXRef-y",
                "name": "y",
                "licenseConcluded": "MIT",
                "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:pypi/y@1"}],
            },
        ],
        "relationships": [
            {
                "spdxElementId": "SPDXRef-y",
                "relationshipType": "DEPENDENCY_OF",
                "relatedSpdxElement": "SPDXRef-x",
            }
        ],
    }
    (y,) = read_sbom(json.dumps(spdx).encode(), "bom.json").components
    assert (y.purl, y.relation.value, y.licence) == ("pkg:pypi/y@1", "direct", "MIT")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "bom.json:1: this is not JSON"),
        ("[" * 200_000, "nests too deeply"),
        ("[]", "bom.json is no bill of materials."),
        ('{"bomFormat": "CycloneDX", "specVersion": "9"}', "bom.json is CycloneDX 9."),
        ('{"spdxVersion": "SPDX-3.0"}', "bom.json is SPDX-3.0."),
    ],
)
def test_what_is_no_bill_of_materials(text: str, message: str) -> None:
    with pytest.raises(BadInput) as told:
        read_sbom(text.encode(), "bom.json")
    assert message in told.value.message
    assert told.value.remedy


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just("pkg:npm/a@1"),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["components", "purl", "bom-ref", "dependencies", "ref", "dependsOn", "metadata",
             "packages", "externalRefs", "licenses", "hashes", "properties", "relationships"]
        ),
        inner,
        max_size=3,
    ),
    max_leaves=10,
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(["components", "packages", "dependencies"]), JSON))
def test_no_document_is_too_strange(body: dict[str, Any]) -> None:
    for head in ({"bomFormat": "CycloneDX", "specVersion": "1.6"}, {"spdxVersion": "SPDX-2.3"}):
        read_sbom(json.dumps(head | body).encode(), "x")
