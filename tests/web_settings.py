"""Settings of the gunicorn that tests start: fast encoders, as many requests as they like."""

from tests.configure import with_settings
from tests.worker_settings import *  # noqa: F403
from tests.worker_settings import SIMILARITY as WORKER_SIMILARITY

SIMILARITY = with_settings(WORKER_SIMILARITY, API={"THROTTLE": None})
