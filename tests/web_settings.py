"""Settings of the gunicorn that tests start: fast encoders, as many requests as they like."""

from tests.worker_settings import *  # noqa: F403
from tests.worker_settings import SIMILARITY as WORKER_SIMILARITY

SIMILARITY = {**WORKER_SIMILARITY, "API_THROTTLE": None}
