from typing import Any

from similarity.events import retention
from similarity.management.command import SimilarityCommand


class Command(SimilarityCommand):
    help = (
        "Create partitions of events ahead, drop those beyond RETENTION_DAYS, delete expired keys "
        "of batches, sweep events of deleted shoppers and count events by day. Celery beat does it "
        "each night; use this command in a shop without beat."
    )
    examples = """examples:
  manage.py similarity tidy-events      now; a second call finds nothing to do
"""
    if_interrupted = "Interrupted; the next call does the rest."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(str(retention.tidy()))
