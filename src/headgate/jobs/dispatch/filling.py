"""What a run finds in its work area when it starts."""

from __future__ import annotations

from headgate.jobs.compat import zuul_layout
from headgate.jobs.dispatch.area import give
from headgate.jobs.dispatch.handover import lay_out, write_data
from headgate.jobs.dispatch.keep import Caches
from headgate.jobs.dispatch.phases import STEP_FILES, Attempt, step_of
from headgate.jobs.sandbox.interface import Owner


def fill(attempt: Attempt, caches: Caches, owner: Owner) -> None:
    """Lay out everything but the checkouts, and give it to the account of the run."""
    request, job = attempt.request, attempt.request.job
    for note in caches.fill(request.project, job.name, job.caches, attempt.checkout):
        attempt.log.note(note)
    for phase, file in STEP_FILES.items():
        step = step_of(job, phase)
        if step is not None and step.script:
            script = attempt.area / file
            script.write_text(step.script, encoding="utf-8", errors="surrogateescape", newline="")
            script.chmod(0o644)
    if request.data is not None:
        write_data(attempt.data, request.data)
    if job.requires:
        wanted = {name: request.required.get(name, ()) for name in job.requires}
        for note in lay_out(attempt.required, wanted):
            attempt.log.note(note)
    if job.compat == zuul_layout.COMPAT:
        places = (attempt.area / "work", job, request.project, request.checkouts)
        zuul_layout.lay_out(*places, request.variables, request.run)
    (attempt.area / "work").chmod(0o700)
    give(attempt.area / "work", owner)
