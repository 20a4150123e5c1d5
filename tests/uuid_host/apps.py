from django.apps import AppConfig


class UuidHostConfig(AppConfig):
    name = "tests.uuid_host"
    label = "uuid_host"
