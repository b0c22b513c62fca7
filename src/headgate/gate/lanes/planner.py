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
from headgate.gate.lanes.standing import survey
from headgate.gate.lanes.steps import Cancel, Plan, Step, refutes
from headgate.gate.lanes.verdicts import admitted, rejected
from headgate.gate.lanes.view import TrialState, View


def plan(view: View) -> Plan:
    """What to do now. Verdicts come first and alone: they change what is worth building."""
    all_ = survey(view)
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
    verdict = _verdict(view, all_.order, all_)
    if verdict is not None:
        return Plan((*steps, verdict), (), refuted)
    begun, waits = choose(all_, {step.trial for step in steps if isinstance(step, Cancel)})
    return Plan((*steps, *begun), tuple(waits), refuted)


def _verdict(view, order, all_):
    for one in order:
        if one.evidence and (found := rejected(one, all_)) is not None:
            return found
    if view.frozen:
        return None
    for one in order:
        if one.evidence and (found := admitted(one, all_)) is not None:
            return found
    return None
