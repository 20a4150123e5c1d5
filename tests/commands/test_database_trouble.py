"""A database that is away or not migrated ends a command in one line that says what to do."""

import pytest
from django.core.management import CommandError, call_command
from django.db import DataError, connection

from similarity.management.command import SimilarityCommand


class Failing(SimilarityCommand):
    requires_system_checks = ()

    def __init__(self, work):
        super().__init__()
        self.work = work

    def handle(self, *args, **options):
        self.work()


def failing(work):
    call_command(Failing(work))


def execute(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)


def connect_elsewhere():
    elsewhere = connection.copy()
    elsewhere.settings_dict |= {"HOST": "127.0.0.1", "PORT": "9"}
    elsewhere.ensure_connection()


def test_a_server_that_is_away(db):
    with pytest.raises(
        CommandError, match=r"port 9 failed.*\. Start PostgreSQL, or correct DATABASES"
    ):
        failing(connect_elsewhere)


@pytest.mark.parametrize(
    "sql", ["SELECT 1 FROM nowhere_at_all", "SELECT nothing_such FROM similarity_encoderversion"]
)
def test_tables_that_are_not_there(db, sql):
    with pytest.raises(CommandError, match=r"does not exist\. Run manage.py migrate"):
        failing(lambda: execute(sql))


def test_other_trouble_keeps_its_traceback(db):
    with pytest.raises(DataError):
        failing(lambda: execute("SELECT 1 / 0"))
