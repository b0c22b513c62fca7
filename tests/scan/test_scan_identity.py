"""A finding keeps its identity through edits, and a new one is never taken for an old one."""

from __future__ import annotations

from collections import Counter

from scan_edits import EDITS, Author, render

from headgate.scan.introduced import pairs


def tried(
    kinds: tuple[str, ...], seeds: range, at_once: int = 1
) -> tuple[Counter[str], Counter[str]]:
    """Per kind of edit: what became of findings that stayed, and of those that came.

    `at_once`: edits in one step; those after the first are drawn by lot.
    """
    stayed: Counter[str] = Counter()
    came: Counter[str] = Counter()
    for seed in seeds:
        author = Author(seed)
        before = author.program()
        for kind in kinds:
            after = author.edit(before, kind)
            for _ in range(at_once - 1):
                after = author.edit(after, author.random.choice(kinds))
            old_texts, old = render(before)
            new_texts, new = render(after)
            found = pairs(
                [one for _, one in new],
                [one for _, one in old],
                after.renamed,
                new_texts.get,
                old_texts.get,
            )
            ids = [id for id, _ in old]
            for index, (id, _) in enumerate(new):
                other = ids[found[index]] if index in found else 0
                if id in ids:
                    stayed[f"{kind} {'kept' if other == id else 'lost'}"] += 1
                    stayed["kept" if other == id else "lost"] += 1
                else:
                    came[f"{kind} {'merged' if other else 'new'}"] += 1
                    came["merged" if other else "new"] += 1
    return stayed, came


def test_findings_keep_their_identity_through_every_kind_of_edit() -> None:
    stayed, came = tried(EDITS, range(14))
    assert stayed["kept"] >= 800
    assert stayed["kept"] / (stayed["kept"] + stayed["lost"]) >= 0.99, stayed
    assert came["new"] >= 30
    assert came["merged"] / (came["merged"] + came["new"]) <= 0.02, came


def test_findings_keep_their_identity_through_three_edits_at_once() -> None:
    # A copy of a function that is then edited like its original is nobody's in particular.
    stayed, came = tried(
        tuple(one for one in EDITS if one != "duplicate"), range(60, 80), at_once=3
    )
    assert stayed["kept"] >= 800
    assert stayed["kept"] / (stayed["kept"] + stayed["lost"]) >= 0.99, stayed
    assert came["new"] >= 80
    assert came["merged"] / (came["merged"] + came["new"]) <= 0.05, came


if __name__ == "__main__":
    for at_once in (1, 3):
        for counts in tried(EDITS, range(300), at_once):
            print(at_once, *sorted(counts.items()), sep="\n")
