"""The smallest host: what the README tells a shop to add, and nothing else."""

import os

import dj_database_url

from shop import servers

servers.start()

#: Optional apps, all of them unless some are named.
APPS = os.environ.get("HOST_APPS", "search orders insights planning events shoppers").split()

SECRET_KEY = "only for tests"
ALLOWED_HOSTS = ["*"]
USE_TZ = True
ROOT_URLCONF = "tests.uuid_host.urls"
DEFAULT_AUTO_FIELD = os.environ.get("HOST_AUTO_FIELD", "django.db.models.AutoField")
DATABASES = {"default": dj_database_url.parse(servers.database_url())}
DATABASES["default"]["NAME"] = "uuid_host"  # never made: only its test database is
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
CELERY_BROKER_URL = servers.broker_url()
MEDIA_ROOT = servers.RUN_DIR / "test-media-uuid"
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "rest_framework",
    "similarity",
    *(f"similarity.{app}" for app in APPS),
    "tests.uuid_host",
]

SIMILARITY_PRODUCT_MODEL = "uuid_host.Article"
SIMILARITY = {
    "CATALOG": {
        "title": "headline",
        "description": "body",
        "images": "cover",
        "price": "cost",
        "group": "family",
        "attributes": {"maker": "maker", "tags": "tags__word"},
        "eligible": {"hidden": False},
    },
    "ENCODERS": {
        "text": {"CLASS": "tests.encoders_fake.HashEncoder", "OPTIONS": {}},
        "image": None,
        "colour": None,
        "attributes": {"CLASS": "tests.encoders_fake.HashAttributes", "OPTIONS": {}},
    },
}
