"""The lanes planner: from a view of a queue to the next steps. Pure.

Items that cannot affect each other share nothing and wait for nobody: each connected set of
conflicts is a *lane*. Within a lane an item is tested in the futures that are most likely to
decide about it: assumptions about which conflicts ahead of it land. Futures of all items compete
for slots by the probability that their answer will be needed (Ananthanarayanan et al., EuroSys
2019, section 4), with these differences:

- A build under way keeps its slot until its future is refuted; it loses it to a likelier one only
  when it has hardly begun.
- A small item does not wait behind a large one: it is tested with and without it, and when both
  pass it lands first, and nothing that was tested for the large one is lost.
- An item that will probably fail is in quarantine: built once, on the branch, assumed by nobody.
- When there is more to test than there are slots, items are tested together, each with a verdict
  of its own.

The same view gives the same plan.
"""

from __future__ import annotations

from headgate.gate.lanes.choose import choose
from headgate.gate.lanes.evidence import Memory
from headgate.gate.lanes.standing import Field, survey
from headgate.gate.lanes.steps import Cancel, Plan, Step, refutes
from headgate.gate.lanes.verdicts import admitted, rejected
from headgate.gate.lanes.view import TrialState, View
from headgate.model.ids import ItemId


def plan(view: View, memory: Memory | None = None) -> Plan:
    """What to do now. Verdicts come first and alone: they change what is worth building.

    `memory` of the plan before, of the same queue, saves time and changes nothing.
    """
    all_ = survey(view, memory)
    holding = {known.trial.id for one in all_.order for known in one.evidence}
    refuted = frozenset(
        trial.id
        for trial in view.trials
        if trial.id not in holding and trial.state is not TrialState.RUNNING
    )
    steps: list[Step] = [
        Cancel(trial.id, refutes(trial))
        for trial in view.trials
        if trial.id not in holding and trial.state is TrialState.RUNNING
    ]
    if verdicts := _verdicts(all_):
        return Plan((*steps, *verdicts), (), refuted)
    begun, waits = choose(all_, {step.trial for step in steps if isinstance(step, Cancel)})
    return Plan((*steps, *begun), tuple(waits), refuted)


def _verdicts(all_: Field) -> list[Step]:
    """All rejections; without one, landings that cannot affect each other."""
    known = [one for one in all_.order if one.evidence]
    failed = [found for one in known if (found := rejected(one, all_)) is not None]
    if failed:
        return [*failed]
    if all_.view.frozen:
        return []
    landing: list[Step] = []
    taken: set[ItemId] = set()
    for one in known:
        if one.entry.id in taken or not one.passed:
            continue
        found = admitted(one, all_)
        if found is None or not taken.isdisjoint(found.items):
            continue
        near = frozenset[ItemId]().union(*(all_.live[item].conflicts for item in found.items))
        if taken.isdisjoint(near):
            landing.append(found)
            taken.update(found.items)
    return landing
