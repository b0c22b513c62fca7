""".trivyignore.yaml: https://trivy.dev/docs/latest/configuration/filtering/"""

from __future__ import annotations

from headgate.deps.importing.draft import Draft, Excepted, day_of
from headgate.deps.importing.read import fail, yaml_table
from headgate.deps.index.shapes import items, tables


def read_trivy(text: str, file: str) -> Draft:
    """Ignored vulnerabilities become exceptions, one per package URL that they name."""
    root = yaml_table(text, file)
    exceptions: list[Excepted] = []
    for number, one in enumerate(tables(root.get("vulnerabilities"))):
        if not isinstance(name := one.get("id"), str) or not name:
            raise fail(file, f"vulnerabilities[{number}] has no id")
        reason, until = str(one.get("statement") or ""), day_of(one.get("expired_at"))
        for purl in [str(p) for p in items(one.get("purls"))] or [""]:
            package, _, version = purl.partition("@") if "/@" not in purl else (purl, "", "")
            kind = package.removeprefix("pkg:").partition("/")[0]
            versions = f"vers:{kind}/{version}" if version else ""
            exceptions.append(Excepted(package, (name,), reason, until, versions))
    left_out = [
        f"{key}: {len(items(root[key]))} entries, which are not about packages"
        for key in ("misconfigurations", "secrets")
        if items(root.get(key))
    ]
    left_out += [
        f"licenses[{number}] ({one.get('id')}); write [dependencies.licences] allow"
        for number, one in enumerate(tables(root.get("licenses")))
    ]
    return Draft(tuple(exceptions), left_out=tuple(left_out))
