"""A text search configuration that does not exist would fail every query and every document."""

import pytest
from django.db import connection

from similarity.checks.database import check_database
from similarity.search.checks import check_search
from tests.configure import with_settings


@pytest.mark.django_db
def test_a_configuration_the_database_does_not_have_is_named(settings):
    settings.SIMILARITY = with_settings(SEARCH={"LANGUAGE": "klingon"})
    [error] = check_search(databases=["default"])
    assert error.id == "similarity.E037"
    assert "klingon" in error.msg
    assert "english" in error.hint
    settings.SIMILARITY = with_settings(SEARCH={"LANGUAGE": "german"})
    assert check_search(databases=["default"]) == []


@pytest.mark.django_db
def test_documents_that_do_not_go_with_their_product_are_told():
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE similarity_searchdocument "
            "DROP CONSTRAINT similarity_searchdocument_product_fk"
        )
    [warning] = check_database(databases=["default"])
    assert warning.id == "similarity.W036"
    assert "similarity_searchdocument" in warning.msg
    with connection.cursor() as cursor:
        cursor.execute(warning.hint.removeprefix("Run: "))
    assert check_database(databases=["default"]) == []
