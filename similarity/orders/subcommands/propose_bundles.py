from typing import Any

from similarity.management.command import ProgressBars, SimilarityCommand
from similarity.orders.bundles import proposals


class Command(SimilarityCommand):
    help = (
        "Look for bundles in the latest orders and propose them to staff, who accept, price and "
        "publish them in the admin. Decisions and edits of staff are kept."
    )
    examples = """examples:
  manage.py similarity propose-bundles      now; celery beat runs it each night
"""
    if_interrupted = "Interrupted; the proposals are unchanged."

    def handle(self, *args: Any, **options: Any) -> None:
        with ProgressBars() as bars:
            proposed = proposals.propose(bars)
        self.stdout.write(
            f"{proposed.baskets} orders read: {proposed.created} bundles are new, "
            f"{proposed.renewed} were found again, {proposed.withdrawn} withdrawn."
        )
