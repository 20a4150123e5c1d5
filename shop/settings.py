"""Settings of the demo shop. Secrets and addresses come from the environment."""

import os
from pathlib import Path
from typing import Any

import dj_database_url

from shop import servers
from shop.secret_key import secret_key
from similarity import beat_schedule

BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = os.environ.get("DJANGO_DEBUG", "1") == "1"
SECRET_KEY = secret_key(DEBUG)
ALLOWED_HOSTS = os.environ.get("DJANGO_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
CSRF_TRUSTED_ORIGINS = [
    origin for origin in os.environ.get("DJANGO_CSRF_TRUSTED_ORIGINS", "").split(",") if origin
]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "similarity",
    "similarity.search",
    "similarity.orders",
    "similarity.insights",
    "similarity.planning",
    "similarity.events",
    "similarity.shoppers",
    "shop",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "shop.middleware.content_security_policy",
]

ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "shop.context_processors.shop",
            ],
        },
    },
]

DATABASES = {"default": dj_database_url.parse(servers.database_url(), conn_max_age=60)}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": servers.cache_url(),
        "OPTIONS": {
            # JSON, because pickles run code when they are read.
            "serializer": "similarity.connections.sealing.JSONSerializer",
            # A cache that hangs must not hold up a page.
            "socket_connect_timeout": 0.5,
            "socket_timeout": 0.5,
        },
    }
}
CELERY_BROKER_URL = servers.broker_url()
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = Path(os.environ.get("DJANGO_STATIC_ROOT") or servers.RUN_DIR / "static")
MEDIA_URL = "media/"
MEDIA_ROOT = Path(os.environ.get("DJANGO_MEDIA_ROOT") or servers.RUN_DIR / "media")

REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    # The number of the shop's proxies that add to X-Forwarded-For; a client's own are ignored.
    "NUM_PROXIES": int(os.environ.get("DJANGO_NUM_PROXIES", "0")),
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Shop API",
    "DESCRIPTION": "Product similarity, served by django-similarity.",
    "VERSION": "1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

if not DEBUG:
    SECURE_CONTENT_TYPE_NOSNIFF = True
    SESSION_COOKIE_SECURE = os.environ.get("DJANGO_INSECURE_COOKIES") != "1"
    CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE

# Settings that a shop adds for similarity:
SIMILARITY_PRODUCT_MODEL = "shop.Product"
SIMILARITY: dict[str, Any] = {
    "WORKERS": {"RUNTIME": os.environ.get("SIMILARITY_RUNTIME") or "auto"},
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
        # Filters among the keys of "*"; the other keys are only searchable.
        "facets": ["colour", "color", "material", "size", "style", "pattern"],
        "eligible": {"is_active": True, "stock__gt": 0},
        "in_stock": {"stock__gt": 0},
    },
    "ORDERS": {
        "SOURCE": {
            "model": "shop.Order",
            "placed_at": "placed_at",
            "customer": ["customer_id", "email"],
            "user": "customer__user",
            "products": "lines__product",
            "quantity": "lines__quantity",
            "counted": {"status__in": ["placed", "shipped"]},
            # Anyone can place an order here without paying; staff ship the real orders.
            "verified": {"status": "shipped"},
        },
    },
    # Prometheus' token for /metrics, and the address of the workers' own metrics.
    "MONITORING": {
        "TOKEN": os.environ.get("METRICS_TOKEN") or None,
        "ADDRESS": os.environ.get("METRICS_ADDRESS") or None,
    },
}
CELERY_BEAT_SCHEDULE = beat_schedule(INSTALLED_APPS, SIMILARITY)

if os.environ.get("JSON_LOGS") == "1":
    CELERY_WORKER_HIJACK_ROOT_LOGGER = False  # or Celery would write lines in its own format
    LOGGING = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "similarity.connections.logs.JsonFormatter"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["console"], "level": "INFO"},
    }
