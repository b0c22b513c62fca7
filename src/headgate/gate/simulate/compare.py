"""Runs policies side by side on one world."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from headgate.gate.lanes.predict import Predictor
from headgate.gate.lanes.view import Settings
from headgate.gate.simulate.chain import ChainDriver
from headgate.gate.simulate.forecast import CONFLICT, Forecast, trained
from headgate.gate.simulate.lanes import Driver
from headgate.gate.simulate.oracle import oracle, single
from headgate.gate.simulate.result import Result
from headgate.gate.simulate.world import Mix, World, generate

FUSE = 8
CERTAIN = 0.995
_NEVER = 1e9


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be simulated."""

    world: World
    slots: int
    seed: int
    histories: tuple[World, ...] = ()
    """Earlier work of the same kind, from which predictions are learnt."""


def synthetic(mix: Mix, *, rate: float, slots: int, hours: float, seed: int) -> Question:
    """The synthetic model, with a history of the same kind behind it."""
    world = generate(mix, rate=rate, hours=hours, seed=seed)
    earlier = tuple(
        generate(mix, rate=rate, hours=max(hours, 300 / rate), seed=-1 - seed - 7919 * k)
        for k in range(3)
    )
    return Question(world, slots, seed, earlier)


def _ours(question: Question) -> Result:
    return lanes("ours", question, Settings(slots=question.slots, fuse=FUSE))


def _submitqueue(question: Question) -> Result:
    settings = Settings(
        slots=question.slots,
        quarantine=0.0,
        screen=0.0,
        patience=_NEVER,
        pressed_patience=_NEVER,
        least=0.05,
        pressed_least=0.05,
    )
    return lanes("submitqueue", question, settings)


def _optimistic(question: Question) -> Result:
    settings = Settings(
        slots=question.slots,
        quarantine=0.0,
        conflict=0.0,
        screen=0.0,
        patience=_NEVER,
        pressed_patience=_NEVER,
        least=0.5,
        pressed_least=0.5,
    )
    driver = Driver("optimistic", question.world, settings, lambda _: CERTAIN, _forget)
    return driver.run()


def _forget(number: int, passed: bool) -> None:
    """Who takes everything for certain learns nothing."""


def lanes(name: str, question: Question, settings: Settings) -> Result:
    """The production planner with any settings, told by a predictor that knows the history."""
    predictor, conflict = Predictor.starting(), CONFLICT
    if question.histories:
        predictor, conflict = trained(question.histories)
    forecast = Forecast(question.world, predictor, conflict)
    driver = Driver(
        name,
        question.world,
        replace(settings, conflict=conflict),
        forecast.chance,
        forecast.learn,
        seed=question.seed,
    )
    return driver.run()


POLICIES: Mapping[str, tuple[str, Callable[[Question], Result]]] = {
    "oracle": ("knows every outcome beforehand", lambda q: oracle(q.world, q.slots)),
    "single": ("one change at a time", lambda q: single(q.world, q.slots)),
    "chain": (
        "Zuul: one queue, a window of 20 that grows and halves",
        lambda q: ChainDriver(q.world, q.slots).run(),
    ),
    "optimistic": ("lanes, everything ahead assumed to land", _optimistic),
    "submitqueue": ("lanes, the likeliest futures first", _submitqueue),
    "ours": ("the planner of this gate", _ours),
}


def _service(question: Question) -> Result:
    from headgate.gate.simulate.service.drive import run  # With it comes the whole database.

    return run(question.world, question.histories, slots=question.slots, fuse=FUSE)


ON_REQUEST: Mapping[str, tuple[str, Callable[[Question], Result]]] = {
    "service": ("the queue service itself, with real git and a real database", _service),
}
"""Policies that take seconds, not milliseconds, for each hour that is simulated."""


def compare(question: Question, names: Sequence[str]) -> dict[str, Result]:
    """Results by policy; the oracle's is always there."""
    return {
        name: run(question)
        for name, (_, run) in {**POLICIES, **ON_REQUEST}.items()
        if name == "oracle" or name in names
    }
