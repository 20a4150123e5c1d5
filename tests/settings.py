"""Settings of the host that the plugin is tested in, over embedded servers."""

import os
from pathlib import Path
from typing import Any

import dj_database_url

from shop import servers

os.environ.setdefault("SIMILARITY_RUNTIME", "torch")  # no trial in the workers that tests start

servers.start()

from similarity import beat_schedule  # noqa: E402

BASE_DIR = Path(__file__).resolve().parent.parent
DEBUG = False
SECRET_KEY = "a key of tests"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "similarity",
    "similarity.search",
    "similarity.orders",
    "similarity.insights",
    "similarity.planning",
    "similarity.events",
    "similarity.shoppers",
    "tests.host",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
ROOT_URLCONF = "tests.host.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
DATABASES = {"default": dj_database_url.parse(servers.database_url(), conn_max_age=60)}

# Beside the demo's on the same embedded server, so that its worker takes none of ours.
CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL") or (
    servers.broker_url().removesuffix("/0") + "/2"
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": os.environ.get("CACHE_URL") or servers.cache_url().removesuffix("/1") + "/3",
        "OPTIONS": {
            "serializer": "similarity.connections.sealing.JSONSerializer",
            "socket_connect_timeout": 0.5,
            "socket_timeout": 0.5,
        },
    }
}

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
MEDIA_URL = "media/"
MEDIA_ROOT = servers.RUN_DIR / "test-media"
MEDIA_ROOT.mkdir(parents=True, exist_ok=True)  # without its folder every photo is unknown
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "NUM_PROXIES": 0,
}
SPECTACULAR_SETTINGS = {"TITLE": "Host API", "VERSION": "1"}

SIMILARITY_PRODUCT_MODEL = "host.Product"
SIMILARITY: dict[str, Any] = {
    "WORKERS": {"RUNTIME": os.environ["SIMILARITY_RUNTIME"]},
    "CATALOG": {
        "title": "name",
        "description": "description",
        "images": "images__image",
        "price": "price",
        "currency": "currency",
        "cost": "cost",
        "group": "group",
        "codes": ["sku", "codes"],
        "attributes": {"brand": "brand__name", "category": "category__path", "*": "attributes"},
        "facets": ["colour", "color", "material", "size", "fits", "dimmable"],
        "eligible": {"is_active": True, "stock__gt": 0},
        "in_stock": {"stock__gt": 0},
    },
    "ORDERS": {
        "SOURCE": {
            "model": "host.Order",
            "placed_at": "placed_at",
            "customer": ["customer_id", "email"],
            "user": "customer__user",
            "products": "lines__product",
            "quantity": "lines__quantity",
            "counted": {"status__in": ["placed", "shipped"]},
            # Most orders of tests are placed and never shipped.
            "verified": {},
        },
    },
    "MONITORING": {"ADDRESS": os.environ.get("METRICS_ADDRESS") or None},
    # What is found is tested apart from how quickly: a busy machine may need longer.
    "SEARCH": {"TIME_LIMIT_MS": 10_000},
}
CELERY_BEAT_SCHEDULE = beat_schedule(INSTALLED_APPS, SIMILARITY)
