"""Settings of every process of a chaos run; ``CHAOS_WAY`` selects how vectors are made.

``similarity`` is this plugin. ``plain`` and ``careful`` are typical hand-written solutions: a
Celery task per save by ``delay_on_commit``, with Celery's defaults or with late acknowledgement and
retries.
"""

import os

import dj_database_url

from similarity import beat_schedule

WAY = os.environ.get("CHAOS_WAY", "similarity")
FOLDER = os.environ.get("CHAOS_FOLDER", "")

SECRET_KEY = "only for chaos"  # noqa: S105 - nothing is signed that anyone would keep
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": dj_database_url.parse(os.environ["DATABASE_URL"])}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": os.environ["CACHE_URL"],
    }
}
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "benchmarks.chaos_host"]
if WAY == "similarity":
    INSTALLED_APPS += ["rest_framework", "similarity"]

CELERY_BROKER_URL = os.environ["CELERY_BROKER_URL"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
if WAY == "similarity":
    CELERY_BEAT_SCHEDULE = beat_schedule(INSTALLED_APPS)
else:
    CELERY_TASK_DEFAULT_QUEUE = "similarity"
if WAY == "careful":
    CELERY_TASK_ACKS_LATE = True
    CELERY_TASK_REJECT_ON_WORKER_LOST = True
    CELERY_WORKER_PREFETCH_MULTIPLIER = 1

SIMILARITY_PRODUCT_MODEL = "chaos_host.Product"
SIMILARITY = {
    "CATALOG": {"title": "title", "description": "text"},
    "ENCODERS": {
        "text": {
            "CLASS": "benchmarks.chaos_host.encoder.ChaosEncoder",
            "WEIGHT": 1.0,
            "DIMENSION": 16,
        },
        "image": None,
        "colour": None,
        "attributes": None,
    },
}
