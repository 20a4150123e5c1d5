from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from similarity.exceptions import RankerError
from similarity.management.command import ProgressBars, SimilarityCommand
from similarity.search.training import ranker_versions
from similarity.search.training.ranker_training import Training, train


class Command(SimilarityCommand):
    help = (
        "Learn how to re-order search results, from judged queries or from clicks. The new "
        "ranker is compared by cross-validation with the fixed blend and the live ranker, and "
        "saved. It goes live if it is better than both by more than chance."
    )
    examples = """examples:
  manage.py similarity train-ranker --judgements judged.csv      query, product, gain
  manage.py similarity train-ranker --judgements judged.csv --key-field sku
  manage.py similarity train-ranker --clicks log.csv             query, product, position, clicked
  manage.py similarity train-ranker --clicks ubi_events.json.gz  events of OpenSearch's UBI
  manage.py similarity train-ranker --promote 7                  make ranker 7 the live one
  manage.py similarity train-ranker --rollback                   the ranker before, or the blend
"""

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--judgements", type=Path, metavar="CSV", help="judged results")
        what.add_argument("--clicks", type=Path, metavar="FILE", help="a log of clicks")
        what.add_argument("--promote", type=int, metavar="ID", help="without comparing its quality")
        what.add_argument("--rollback", action="store_true", help="retire the live ranker")
        parser.add_argument(
            "--key-field",
            default="pk",
            help="the product model's field that identifies products in the file (pk)",
        )
        parser.add_argument(
            "--hidden", type=int, default=0, help="hidden units beside the linear part (0)"
        )
        parser.add_argument("--keep", action="store_true", help="save it, but do not make it live")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["rollback"]:
            before = ranker_versions.rollback()
            self.stdout.write(f"Ranker {before.pk} is live." if before else "The blend orders.")
        elif options["promote"] is not None:
            live = ranker_versions.promote(options["promote"])
            self.stdout.write(f"Ranker {live.pk} is live.")
        else:
            self._train(options)

    def _train(self, options: dict[str, Any]) -> None:
        path = options["judgements"] or options["clicks"]
        try:
            with ProgressBars() as bars:
                done = train(
                    path,
                    clicks=options["clicks"] is not None,
                    key_field=options["key_field"],
                    hidden=options["hidden"],
                    keep=options["keep"],
                    progress=bars,
                )
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error}.") from error
        except UnicodeDecodeError as error:
            raise RankerError(f"{path} is not UTF-8 text: {error}.") from error
        self.stdout.write(_told(done))


def _told(done: Training) -> str:
    lines = [f"{done.queries} queries, {done.results} results; {done.unknown} are no products."]
    if done.examined:
        places = ", ".join(f"{share:.2f}" for share in done.examined[:10])
        lines.append(f"Looked at, by place: {places}")
    lines += ["", done.evaluation.text(), ""]
    name = f"Ranker {done.version.pk}"
    lines.append(f"{name} is live." if done.promoted else f"{name} is not promoted: {done.why}.")
    return "\n".join(lines)
