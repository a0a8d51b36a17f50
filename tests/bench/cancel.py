"""C7: how soon a cancelled picture gives its rows to who waits, and what its neighbours notice of it."""

from __future__ import annotations

import time
from pathlib import Path

from engine.forwards import Forwards
from engine.painting import Stopped
from engine.stepper import Nobody, Stepper
from tests.bench import bits
from tests.bench.arms import Goal, Report, report
from tests.bench.rivals import Rivals, embedded


class Canceller(Nobody):
    """Changes their mind while a step is under way: the `after`-th."""

    def __init__(self, after: int) -> None:
        self.after, self.done = after, 0
        self.cancelled_at: float | None = None

    def should_stop(self) -> bool:
        return self.cancelled_at is not None

    def stepped(self, step: int, of: int) -> bool:
        self.done = step
        if step == self.after:
            self.cancelled_at = time.perf_counter()
        return False


class Counter(Nobody):
    def __init__(self) -> None:
        self.done = 0

    def stepped(self, step: int, of: int) -> bool:
        self.done = step
        return False


def cancelled(rivals: Rivals, after: int) -> tuple[int, float, bits.Bits]:
    """Steps and milliseconds until the one who waited is stepped, and the neighbour's bits beside those alone.

    A forward has rows for two pictures: one neighbour, one that is cancelled, and one joins who takes its place.
    """
    neighbour, victim, late = (
        rivals.ask(name, seed=seed, num_inference_steps=12) for seed, name in enumerate(("a fox", "a cat", "a dog"))
    )
    alone = [bits.alone(rivals.pipeline, request, bucket=4).pixels for request in (neighbour, late)]
    stepper, canceller, counter = Stepper(Forwards(), bucket=4), Canceller(after), Counter()
    try:
        first = stepper.join(rivals.pipeline, neighbour, neighbour.seed)
        gone = stepper.join(rivals.pipeline, victim, victim.seed, canceller)
        while not canceller.should_stop():
            stepper.step()
        next_ = stepper.join(rivals.pipeline, late, late.seed, counter)
        steps = 0
        while not counter.done:
            stepper.step()
            steps += 1
        assert canceller.cancelled_at is not None
        took = 1000 * (time.perf_counter() - canceller.cancelled_at)
        stepper.run()
        assert isinstance(gone.exception(), Stopped), "the cancelled picture was painted to its end"
        assert canceller.done == after, "it was stepped on after it was cancelled"
        return steps, took, bits.compare(alone, [first.result().pixels, next_.result().pixels])
    finally:
        stepper.close()


def c7(folder: Path, *, moments: tuple[int, ...] = (1, 4, 8, 11)) -> Report:
    rivals = embedded(folder)
    found = {after: cancelled(rivals, after) for after in moments}
    figures = {
        "steps until the rows are another's": (max(steps for steps, _, _ in found.values()), Goal(at_most=1)),
        "neighbours with other bits": (sum(same.different for _, _, same in found.values()), Goal(at_most=0)),
    }
    arms = {
        f"cancelled in step {after}": {"steps": steps, "ms": round(took, 1), "neighbours that differ": same.different}
        for after, (steps, took, same) in found.items()
    }
    return report(figures, arms, model="the embedded model, fp32")
