"""Settings of the worker process that tests start: fast encoders, real leases, quick beat."""

import os

if os.environ.get("TESTED_HOST") == "shop":
    from tests.shop.settings import *  # noqa: F403
    from tests.shop.settings import SIMILARITY as HOST_SIMILARITY
else:
    from tests.settings import *  # noqa: F403
    from tests.settings import SIMILARITY as HOST_SIMILARITY

if os.environ.get("WORKER_ENCODERS") != "real":
    from tests.encoders_fake import similarity_settings

    SIMILARITY = similarity_settings(
        base=HOST_SIMILARITY,
        WORKERS={"BATCH_SIZE": int(os.environ.get("WORKER_BATCH_SIZE", "64"))},
    )

CELERY_BEAT_SCHEDULE = {
    "drain": {
        "task": "similarity.drain_outbox",
        "schedule": 1.0,
        "options": {"queue": "similarity"},
    }
}
if os.environ.get("WORKER_RECONCILES"):
    CELERY_BEAT_SCHEDULE["reconcile"] = {
        "task": "similarity.reconcile",
        "schedule": 1.0,
        "options": {"queue": "similarity"},
    }
