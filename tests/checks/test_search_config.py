"""A text search configuration that does not exist would fail every query and every document."""

import pytest

from similarity.checks.database import check_database


@pytest.mark.django_db
def test_a_configuration_the_database_does_not_have_is_named(settings):
    settings.SIMILARITY = {**settings.SIMILARITY, "SEARCH_CONFIG": "klingon"}
    [error] = check_database(databases=["default"])
    assert error.id == "similarity.E037"
    assert "klingon" in error.msg
    assert "english" in error.hint
    settings.SIMILARITY = {**settings.SIMILARITY, "SEARCH_CONFIG": "german"}
    assert check_database(databases=["default"]) == []
