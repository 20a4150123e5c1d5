"""The name variants share in the vectors table, and the type of its keys."""

import pytest
from django.db import connection

from similarity.models import ProductVectors
from similarity.models.vectors import group_name, key_type


def test_a_key_is_never_another_products_group():
    assert group_name("7", "") != group_name("8", "7")


def test_a_long_group_fits_its_column_and_stays_itself():
    long, longer = group_name("1", "g" * 300), group_name("2", "g" * 301)
    assert len(long) <= 255
    assert long == group_name("9", "g" * 300) != longer


@pytest.mark.django_db
def test_parameters_are_cast_to_the_type_of_the_column_they_are_compared_with():
    """An array cast to another type keeps PostgreSQL from the index, or fails."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT format_type(atttypid, atttypmod) FROM pg_attribute "
            "WHERE attrelid = %s::regclass AND attname = 'product_id'",
            [ProductVectors._meta.db_table],
        )
        [(stored,)] = cursor.fetchall()
    assert key_type("default") == stored
