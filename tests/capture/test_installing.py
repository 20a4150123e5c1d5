"""Installing triggers, and telling what became of them."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from similarity.capture import statements, triggers
from similarity.checks.capture import check_capture
from tests.encoders_fake import similarity_settings

pytestmark = pytest.mark.django_db


@pytest.fixture
def by_triggers(settings):
    settings.SIMILARITY = similarity_settings(CAPTURE="triggers")


def execute(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)


def states():
    return {each.state for each in triggers.states()}


def test_installing_twice_changes_nothing_the_second_time(by_triggers, capsys):
    assert states() == {"missing"}
    call_command("similarity", "triggers", "install")
    assert states() == {"installed"}
    tables = {each.table for each in triggers.states()}
    assert tables == {"host_product", "host_productimage", "host_brand", "host_category"}
    assert triggers.install() == 0
    call_command("similarity", "triggers", "status")
    assert "installed  host_brand similarity_capture_update" in capsys.readouterr().out


def test_uninstalling_leaves_nothing_behind(by_triggers):
    triggers.install()
    with pytest.raises(CommandError, match=r"only 'manage\.py similarity reconcile' sees changes"):
        call_command("similarity", "triggers", "uninstall")
    assert states() == {"missing"}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_proc WHERE starts_with(proname, %s)", [statements.PREFIX]
        )
        assert cursor.fetchone() == (0,)


def test_a_check_names_what_is_missing_outdated_or_disabled(by_triggers, settings):
    [told] = check_capture(databases=["default"])
    assert told.id == "similarity.W038"
    triggers.install()
    assert check_capture(databases=["default"]) == []
    execute("ALTER TABLE host_product DISABLE TRIGGER similarity_capture_update")
    [told] = check_capture(databases=["default"])
    assert "similarity_capture_update on host_product is disabled" in told.msg
    settings.SIMILARITY = {
        **settings.SIMILARITY,
        "CATALOG": {**settings.SIMILARITY["CATALOG"], "codes": "slug"},
    }
    [told] = check_capture(databases=["default"])
    assert "outdated" in told.msg
    assert triggers.install() == 1, "updates of products read another column now"
    assert check_capture(databases=["default"]) == []
    assert check_capture(databases=[]) == [], "only a database that is asked for"


def test_a_check_tells_of_triggers_that_nobody_wants(by_triggers, settings):
    triggers.install()
    settings.SIMILARITY = similarity_settings(CAPTURE="signals")
    [told] = check_capture(databases=["default"])
    assert told.id == "similarity.W039"


def test_a_table_that_is_no_longer_read_loses_its_triggers(by_triggers, settings):
    triggers.install()
    catalog = {k: v for k, v in settings.SIMILARITY["CATALOG"].items() if k != "images"}
    settings.SIMILARITY = {**settings.SIMILARITY, "CATALOG": catalog}
    assert {each.state for each in triggers.states() if "image" in each.table} == {"left over"}
    triggers.install()
    assert not any("image" in each.table for each in triggers.states())


def test_migrating_brings_them_up_to_date_where_they_are_used(by_triggers, settings):
    triggers.keep_up_to_date(using="default")
    assert states() == {"installed"}
    triggers.uninstall()
    settings.SIMILARITY = similarity_settings(CAPTURE="signals")
    triggers.keep_up_to_date(using="default")
    assert states() == {"missing"}


def test_a_database_half_migrated_is_told_and_no_error(by_triggers, caplog):
    """The trigger would miss every change, for what fails in it may not reach the host."""
    execute("ALTER TABLE host_product RENAME COLUMN description TO about")
    triggers.keep_up_to_date(using="default")
    assert "no column description in its table 'host_product'" in caplog.text
    [told] = check_capture(databases=["default"])
    assert "no column description" in told.msg
    execute("ALTER TABLE host_product RENAME TO elsewhere")
    triggers.keep_up_to_date(using="default")
    assert "host_product" not in {each.table for each in triggers.states()}


def test_triggers_of_another_schema_are_left_alone(settings):
    """Each tenant of a database with several schemas has triggers of its own."""
    settings.SIMILARITY = similarity_settings(CAPTURE="triggers")
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE SCHEMA tenant; CREATE TABLE tenant.host_product (id bigint); "
            "CREATE FUNCTION tenant.similarity_capture_update_other() RETURNS trigger "
            "LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; "
            "CREATE TRIGGER similarity_capture_update AFTER UPDATE ON tenant.host_product "
            "FOR EACH STATEMENT EXECUTE FUNCTION tenant.similarity_capture_update_other()"
        )

    def of_tenant():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_trigger WHERE tgrelid = 'tenant.host_product'::regclass"
            )
            return cursor.fetchone()[0]

    triggers.install()
    assert of_tenant() == 1
    assert {each.state for each in triggers.states()} == {"installed"}
    triggers.uninstall()
    assert of_tenant() == 1


def test_no_trigger_stays_without_the_outbox(settings):
    """After ``migrate similarity zero`` they would warn at every statement of the host."""
    settings.SIMILARITY = similarity_settings(CAPTURE="triggers")
    triggers.install()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE similarity_pendingproduct RENAME TO put_aside")
        triggers.keep_up_to_date()
        cursor.execute("ALTER TABLE put_aside RENAME TO similarity_pendingproduct")
    assert {each.state for each in triggers.states()} == {"missing"}
    triggers.keep_up_to_date()
    assert {each.state for each in triggers.states()} == {"installed"}
