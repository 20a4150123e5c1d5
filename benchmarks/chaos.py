"""Measure lost updates while web processes, workers, broker and database are killed during saves.

    python benchmarks/chaos.py --seed 1
    python benchmarks/chaos.py --seed 1 --short --ways similarity

Each way has its own servers in a temporary folder, the same writers and the same seeded kills.
``similarity`` is this plugin with its outbox. ``plain`` is one Celery task per save, sent by
``delay_on_commit``, with Celery's defaults. ``careful`` is the same with late acknowledgement,
requeueing for lost workers and retries while the database is away. The broker writes each message
to disk. In all ways, a supervisor immediately restarts processes that ended.

The table shows the state after the last save and a wait for the rest:

- products without a vector (lost) and with a vector of older content (stale), compared with a fresh
  encoding;
- errors that reached a save although the database was available;
- the time from a save to the first vector of it or of a later save of the product;
- the time from the kill of a worker to the next vector of each product that it held, over the kills
  with broker, database and another worker up.

"never" means not within the run: by default, Celery redelivers a dead worker's message after an
hour.
"""

import argparse
import math
import sys
import tempfile
from dataclasses import fields, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.chaos_outcome import Outcome, percentile
from benchmarks.chaos_plan import SHORT, Scale
from benchmarks.chaos_run import run
from benchmarks.guard import guarded

WAYS = ("similarity", "plain", "careful")


def main() -> None:
    options = arguments()
    given = {
        each.name: value
        for each in fields(Scale)
        if (value := getattr(options, each.name)) is not None
    }
    scale = replace(SHORT if options.short else Scale(), **given)
    say = print if options.verbose else lambda text: None
    outcomes = []
    for way in options.ways:
        with (
            tempfile.TemporaryDirectory(prefix="chaos-", ignore_cleanup_errors=True) as folder,
            guarded(Path(folder)),
        ):
            Path(folder).chmod(0o755)  # the server may run as another user
            outcomes.append(run(way, options.seed, scale, Path(folder) / way, say))
        print(sentence(outcomes[-1]), flush=True)
    print(f"\n{options.seed=} {scale}\n\n" + table(outcomes))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1, help="the same seed kills alike (1)")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--short", action="store_true", help="the scale of the test suite")
    parser.add_argument("--verbose", action="store_true", help="tell each kill")
    for each in fields(Scale):
        name = f"--{each.name.replace('_', '-')}"
        parser.add_argument(name, type=type(each.default), help=f"({each.default})")
    return parser.parse_args()


def sentence(outcome: Outcome) -> str:
    """Return the results that are not in the table, as a sentence."""
    given_up = "; ".join(f"product {key} after {kills} kills" for key, kills, _ in outcome.dead)
    alone = ", ".join(f"{name} {n}" for name, n in sorted(outcome.ended_alone.items()) if n)
    return (
        f"{outcome.way}: {outcome.saves} saves of {outcome.products} products, "
        f"{outcome.kills} workers killed with {len(outcome.recovered)} products in hand "
        f"({outcome.clear_kills} kills with {len(outcome.recovered_clear)} while another worker "
        "and the servers were up), "
        f"{outcome.waiting} left waiting, given up: {given_up or 'none'}; poison tried in "
        f"batches of {[size for _key, size in outcome.poisoned]}; ended by themselves: "
        f"{alone or 'none'}; errors in saves: {dict(outcome.save_errors) or 'none'}, "
        f"{outcome.database_errors} while the database was away; the rest took "
        f"{outcome.settled_s:.1f} s."
    )


def table(outcomes: list[Outcome]) -> str:
    """Return one row per way, as Markdown."""
    head = (
        "| | saves | lost | stale | errors in saves | save p50 / p99 / max (ms) "
        "| delay p50 / p99 (s) | recovery p50 / p99 (s) |"
    )
    rows = [head, "| --- " * (head.count("|") - 1) + "|"]
    for each in outcomes:
        took = " / ".join(f"{1000 * t:.1f}" for t in quantiles(each.save_s, 0.5, 0.99, 1))
        delay = " / ".join(map(seconds, quantiles(each.delays, 0.5, 0.99)))
        back = " / ".join(map(seconds, quantiles(each.recovered_clear, 0.5, 0.99)))
        rows.append(
            f"| {each.way} | {each.saves} | {len(each.missing)} | {len(each.stale)} "
            f"| {sum(each.save_errors.values())} | {took} | {delay} | {back} |"
        )
    return "\n".join(rows)


def quantiles(values: list[float], *shares: float) -> list[float]:
    return [percentile(values, share) for share in shares]


def seconds(value: float) -> str:
    if math.isnan(value):
        return "no such kill"
    return "never" if value == float("inf") else f"{value:.2f}"


if __name__ == "__main__":
    main()
