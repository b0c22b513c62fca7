"""Zuul's work directory: `work/{src,logs,artifacts}`, an inventory, and `ansible-playbook` told of
it. Ansible itself is a program of its own that is run when it is installed, never imported.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from headgate.jobs.compat.zuul_variables import WORK, Told, told, zuul_variables
from headgate.model.job import Checkout, JobDefinition

COMPAT = "zuul"
_PROGRAM = "ansible-playbook"
_PLACE = "zuul"
"""Directory below the work directory."""

_WRAPPER = """\
#!/bin/sh
# Runs ansible-playbook with the inventory and the variables of this run, from where Zuul would.
PATH=${PATH#/work/zuul/bin:}
export PATH
if ! command -v ansible-playbook >/dev/null; then
  echo "ansible-playbook is not installed: install ansible-core on the machine, or name an" >&2
  echo "environment for the job whose set-up installs it." >&2
  exit 127
fi
case ${HEADGATE_OUTCOME-none} in
  none) ;;
  passed) set -- -e zuul_success=True -e zuul_will_retry=False "$@" ;;
  *) set -- -e zuul_success=False -e zuul_will_retry=False "$@" ;;
esac
count=$#
while [ "$count" -gt 0 ]; do
  one=$1
  shift
  case $one in
    [!/@-]*) if [ -e "$one" ]; then one=$PWD/$one; fi ;;
  esac
  set -- "$@" "$one"
  count=$((count - 1))
done
cd /work/home
exec ansible-playbook -e @/work/zuul/extra.json "$@"
"""

_SHELL = """\
#!/bin/sh
# What tasks run their commands with: as on a node of Zuul, they begin in the home directory.
cd /work/home
exec /bin/sh "$@"
"""


def environment(path: str) -> dict[str, str]:
    """Variables of a job's processes, given the PATH that they would have."""
    return {
        "ANSIBLE_CONFIG": f"{WORK}/{_PLACE}/ansible.cfg",
        "PATH": f"{WORK}/{_PLACE}/bin:{path}",
    }


def missing(job: JobDefinition, directories: Iterable[Path]) -> str:
    """Why the playbooks of a job cannot run with what these directories hold; empty if they can."""
    steps = (job.argv, *(step.argv for step in (job.pre, job.post) if step is not None))
    scripts = (job.script, *(step.script for step in (job.pre, job.post) if step is not None))
    wanted = any(argv[:1] == (_PROGRAM,) for argv in steps) or any(
        line.startswith(f"{_PROGRAM} ") for script in scripts for line in script.splitlines()
    )
    if not wanted or any((directory / _PROGRAM).exists() for directory in directories):
        return ""
    return (
        f"job {job.name} runs playbooks, and {_PROGRAM} is not installed: install ansible-core on "
        "this machine, or give the job an environment whose set-up installs it"
    )


def lay_out(
    work: Path,
    job: JobDefinition,
    project: str,
    checkouts: Sequence[Checkout],
    given: Mapping[str, str],
    run: int,
) -> None:
    """Put what a Zuul job expects into a work directory that has its checkouts.

    Raises ValueError for what the job's own variables cannot mean, OSError.
    """
    says = told(job.env)
    place = work / _PLACE
    (place / "bin").mkdir(parents=True)
    (work / "artifacts" / "logs").mkdir()
    # What a job logs is kept with its artifacts.
    (work / "logs").symlink_to("artifacts/logs")
    for name in ("src", "logs", "artifacts"):
        (work / "home" / name).symlink_to(f"../{name}")
    for checkout in checkouts:
        _name(work / "src", checkout.project, says.names.get(checkout.project, ""))
    zuul = zuul_variables(job, project, checkouts, given, says, run)
    _write(place / "inventory.json", inventory(job, says, zuul))
    _write(place / "extra.json", {**says.extra, "zuul": zuul})
    order = dict.fromkeys([project, *(one.project for one in checkouts)])
    roles = [
        f"{WORK}/src/{name}/roles" for name in order if (work / "src" / name / "roles").is_dir()
    ]
    (place / "ansible.cfg").write_text(_settings(roles), "utf-8")
    for name, text in ((_PROGRAM, _WRAPPER), ("task-shell", _SHELL)):
        program = place / "bin" / name
        program.write_text(text, "utf-8")
        program.chmod(0o755)


def inventory(job: JobDefinition, says: Told, zuul: Mapping[str, Any]) -> dict[str, Any]:
    """Ansible's inventory: each node is a host, and each host is the job's own sandbox."""
    hosts: dict[str, dict[str, Any]] = {}
    for name, label in (job.nodes or {"localhost": job.label}).items():
        hosts[name] = {
            "ansible_connection": "local",
            "ansible_host": "127.0.0.1",
            "ansible_python_interpreter": "auto_silent",
            "nodepool": {"label": label or job.label},
            **says.hosts.get(name, {}),
        }
    children: dict[str, dict[str, Any]] = {}
    for group in dict.fromkeys([*says.groups, *says.group_variables]):
        members = [name for name in says.groups.get(group, ()) if name in hosts]
        children[group] = {
            "hosts": dict.fromkeys(members, None),
            "vars": dict(says.group_variables.get(group, {})),
        }
    everything = {**says.variables, "zuul": dict(zuul)}
    return {"all": {"hosts": hosts, "children": children, "vars": everything}}


def _name(src: Path, project: str, canonical: str) -> None:
    """Let a checkout be found under its name in Zuul, too."""
    parts = canonical.split("/")
    if not canonical or canonical == project or any(part in ("", ".", "..") for part in parts):
        return
    place = src
    for part in parts[:-1]:
        place = place / part
        if place.is_symlink():
            raise ValueError(f"$ZUUL_NAMES: {canonical} lies below another project")
        place.mkdir(exist_ok=True)
    link = place / parts[-1]
    if link.exists() or link.is_symlink():
        raise ValueError(f"$ZUUL_NAMES: {canonical} is where another project is")
    link.symlink_to("../" * (len(parts) - 1) + project)


def _settings(roles: Sequence[str]) -> str:
    lines = [
        "[defaults]",
        f"executable = {WORK}/{_PLACE}/bin/task-shell",
        f"inventory = {WORK}/{_PLACE}/inventory.json",
        f"log_path = {WORK}/logs/job-output.txt",
        "host_key_checking = False",
        "retry_files_enabled = False",
        "gathering = smart",
        "nocows = True",
        f"local_tmp = {WORK}/tmp/.ansible-local",
        f"remote_tmp = {WORK}/tmp/.ansible-remote",
    ]
    if roles:
        lines.append(f"roles_path = {':'.join(roles)}")
    return "\n".join(lines) + "\n"


def _write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False), "utf-8")
