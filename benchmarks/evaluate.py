"""Evaluate search, bought together and co-demand on public data sets, beside other libraries.

    python benchmarks/evaluate.py search --dataset esci           # 2 to 6 minutes
    python benchmarks/evaluate.py search --limit 10               # the first ten queries only
    python benchmarks/evaluate.py copurchase                      # online-retail
    python benchmarks/evaluate.py copurchase --dataset groceries
    python benchmarks/evaluate.py co-demand --dataset online-retail --json

`python benchmarks/evaluate.py search --help` explains the options of an evaluation. Each evaluation
uses the settings of the demo shop, or the settings in DJANGO_SETTINGS_MODULE, and starts the demo's
servers unless they run. The shop's products and orders are not read. Search uses temporary tables
in a separate database, which is dropped at the end. The peer libraries are in requirements.txt.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple, Protocol

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

INTERRUPTED = 130  # the exit code of a program ended by Ctrl-C


class Report(Protocol):
    """Figures of one data set."""

    def text(self) -> str: ...

    def as_json(self) -> dict[str, Any]: ...


class Evaluation(NamedTuple):
    """An evaluation; ``run`` is the dotted path of a function that returns a :class:`Report`.

    Its arguments are: data set, or None for its default; folder of data sets; cache folder; limit.
    Its module needs a configured Django.
    """

    run: str
    measures: str
    datasets: str
    limits: str


EVALUATIONS = {
    "search": Evaluation(
        "benchmarks.evaluation.search_evaluation.run",
        "NDCG@10, recall@50 and MRR of search and of re-ranking, on queries with judged products",
        "esci (default), or a folder with a products.jsonl.gz and a judgments.csv",
        "only the first so many queries",
    ),
    "copurchase": Evaluation(
        "benchmarks.evaluation.copurchase_evaluation.run",
        "items hidden from later orders, and how early bought together finds them again",
        "online-retail (default) or groceries",
        "only the latest so many orders",
    ),
    "co-demand": Evaluation(
        "benchmarks.evaluation.demand_evaluation.run",
        "errors of the forecasts for stock planning, and how often their intervals hold",
        "online-retail (default)",
        "only the so many items that sold most",
    ),
}


def main(words: Sequence[str] | None = None) -> None:
    options = read_options(words)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
    from benchmarks.processes import use_demo_servers

    use_demo_servers()
    import django

    django.setup()
    from similarity.exceptions import SimilarityError

    try:
        with database(options.what):
            print(evaluate(options))
    except SimilarityError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        print("\nStopped; what was encoded is kept for the next run.", file=sys.stderr)
        sys.exit(INTERRUPTED)


def database(what: str) -> AbstractContextManager[None]:
    """Return a context with the evaluation's tables; only search needs tables."""
    from benchmarks.scratch import own_database

    return own_database() if what == "search" else nullcontext()


def evaluate(options: argparse.Namespace) -> str:
    """Evaluate each named data set; return tables or JSON, a list for several data sets."""
    from django.utils.module_loading import import_string

    run = import_string(EVALUATIONS[options.what].run)
    names = options.dataset or [None]
    reports: list[Report] = [
        run(name, options.data_dir, options.cache, options.limit) for name in names
    ]
    if not options.json:
        return "\n\n".join(report.text() for report in reports)
    figures = [report.as_json() for report in reports]
    return json.dumps(figures if len(names) > 1 else figures[0], indent=1)


def read_options(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="evaluate.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="what", required=True, metavar="|".join(EVALUATIONS))
    for name, evaluation in EVALUATIONS.items():
        command = commands.add_parser(
            name, help=evaluation.measures, description=f"Print {evaluation.measures}."
        )
        add_options(command, evaluation)
    return parser.parse_args(words)


def add_options(command: argparse.ArgumentParser, evaluation: Evaluation) -> None:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    command.add_argument(
        "--dataset", action="append", help=f"{evaluation.datasets}; may be given several times"
    )
    command.add_argument(
        "--data-dir",
        type=Path,
        default=Path(os.environ.get("SIMILARITY_DATA_DIR") or "../shared/data"),
        help="the folder that the data sets are in (SIMILARITY_DATA_DIR, or ../shared/data)",
    )
    command.add_argument(
        "--cache",
        type=Path,
        default=cache / "django-similarity",
        help="where vectors are kept between runs (~/.cache/django-similarity)",
    )
    command.add_argument("--limit", type=int, help=evaluation.limits)
    command.add_argument("--json", action="store_true", help="print the figures as JSON")


if __name__ == "__main__":
    main()
