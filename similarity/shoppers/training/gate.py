"""The gate: a new sequence model goes live only if it is better than all that it would replace.

Two splits decide. Leave-one-out asks for the last new item of each shopper. The split by time asks
for all that happened after a moment, so no model knows anything of it. The running model is asked
on the split by time only, cut where its own events end: it has learned all before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from similarity.shoppers.training.measures import Measures, compare

#: The name under which the running model is measured.
RUNNING = "running model"
#: A new model must have this much more NDCG@10 than simple models, and more than chance explains.
MARGIN = 0.05
#: And this much more than the running model.
RUNNING_MARGIN = 0.01
#: Shoppers with new events since the running model was trained, of whom a comparison needs more.
FRESH = 200


@dataclass(frozen=True)
class Decision:
    """Whether the model goes live, and why or why not."""

    promoted: bool
    reason: str

    def as_json(self) -> dict[str, Any]:
        return {"promoted": self.promoted, "reason": self.reason}


def decide(
    last: Mapping[str, Measures], later: Mapping[str, Measures], *, own: str = "sequence"
) -> Decision:
    """Return the decision on the model ``own``.

    ``last`` and ``later``: the measures of each model on leave-one-out and on the split by time;
    ``later`` is empty if no shopper came back. All models but ``own`` are rivals.
    """
    rivals = [name for name in last if name != own]
    for rival in rivals:
        if fault := _not_better("last item", last, own, rival):
            return Decision(False, fault)
    for rival in later:
        if rival == RUNNING:
            if fault := _not_fresher(later, own):
                return Decision(False, fault)
        elif rival != own and compare(later[own].ndcg, later[rival].ndcg).high < 0:
            return Decision(False, f"{_told('split by time', later, own, rival)}: it is worse.")
    best = max(rivals, key=lambda name: float(last[name].ndcg.mean()))
    beside = f", and better than the {RUNNING} on what happened since" if RUNNING in later else ""
    return Decision(True, f"{_told('last item', last, own, best)}, the best of the others{beside}.")


def fresh_enough(shoppers: int) -> Decision:
    """Return whether so many shoppers with new events can decide about the running model."""
    if shoppers >= FRESH:
        return Decision(True, f"{shoppers} shoppers came back since the {RUNNING} was trained.")
    return Decision(
        False,
        f"{shoppers} shoppers came back since the {RUNNING} was trained; {FRESH} are needed to "
        "tell which model is better.",
    )


def _not_better(split: str, found: Mapping[str, Measures], own: str, rival: str) -> str:
    """Return why ``own`` is not better than ``rival`` by MARGIN and beyond chance, or ""."""
    told = _told(split, found, own, rival)
    if compare(found[own].ndcg, found[rival].ndcg).low <= 0:
        return f"{told}: chance explains the difference, or it is worse."
    if found[own].ndcg.mean() < (1 + MARGIN) * found[rival].ndcg.mean():
        return f"{told}: less than {MARGIN:.0%} better."
    return ""


def _not_fresher(later: Mapping[str, Measures], own: str) -> str:
    """Return why ``own`` does not replace the running model, or ""."""
    ours, theirs = later[own].ndcg, later[RUNNING].ndcg
    if len(ours) < FRESH:
        return fresh_enough(len(ours)).reason
    if ours.mean() < (1 + RUNNING_MARGIN) * theirs.mean() or ours.mean() == 0:
        return (
            f"{_told('split by time', later, own, RUNNING)}: less than {RUNNING_MARGIN:.0%} better."
        )
    return ""


def _told(split: str, found: Mapping[str, Measures], own: str, rival: str) -> str:
    means: Sequence[float] = [float(found[name].ndcg.mean()) for name in (own, rival)]
    return f"{split}: NDCG@10 {means[0]:.4f} against {means[1]:.4f} of {rival}"
