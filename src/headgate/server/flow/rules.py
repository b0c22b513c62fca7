"""What a pushed ref may be: who may write where, in words."""

from __future__ import annotations

from dataclasses import dataclass

from headgate.model.principal import Principal, PrincipalKind

TAGS = "refs/tags/"
ZERO = "0" * 40


@dataclass(frozen=True, slots=True)
class RefWish:
    """One ref that a push wants to change."""

    ref: str
    old: str
    new: str

    @property
    def exists(self) -> bool:
        return set(self.old) != {"0"}

    @property
    def deletes(self) -> bool:
        return set(self.new) == {"0"}


def refuse(wish: RefWish, who: Principal, project: str, url: str) -> str:
    """Why `who` may not change this ref; empty when the shape of the ref allows it.

    Whether the principal may push proposals at all is the permissions' question, not this one.
    """
    ref = wish.ref
    if ref.startswith("refs/for/"):
        # Nothing is ever there, so git names no old commit.
        return (
            f"{ref} cannot be deleted: give a change up with `headgate change abandon NUMBER`."
            if wish.deletes
            else ""
        )
    if ref.startswith(TAGS):
        name = ref.removeprefix(TAGS)
        if wish.exists:
            return f"the tag {name} of {project} exists, and tags are neither moved nor deleted."
        return ""
    if ref.startswith("refs/heads/") and not wish.exists:
        return (
            f"{project} has no branch {ref.removeprefix('refs/heads/')}, and a push makes none. "
            f"Propose a change to one that it has: git push {url}/git/{project}.git "
            "HEAD:refs/for/BRANCH"
        )
    if ref.startswith("refs/heads/"):
        branch = ref.removeprefix("refs/heads/")
        return (
            f"{branch} of {project} is gated: nobody pushes to it, it only moves by landings. "
            f"Propose a change instead: git push {url}/git/{project}.git HEAD:refs/for/{branch}"
        )
    own = f"refs/{'agents' if who.kind is PrincipalKind.AGENT else 'users'}/{who.name}/"
    if who.kind in (PrincipalKind.AGENT, PrincipalKind.HUMAN) and ref.startswith(own):
        return ""
    if who.kind is PrincipalKind.AGENT:
        return f"{ref}: the agent {who.name} may push only to refs/for/BRANCH and {own}*."
    return f"{ref}: push changes to refs/for/BRANCH, and work of your own to {own}*."
