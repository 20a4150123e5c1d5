"""The name variants share in the vectors table."""

from similarity.models.vectors import group_name


def test_a_key_is_never_another_products_group():
    assert group_name("7", "") != group_name("8", "7")


def test_a_long_group_fits_its_column_and_stays_itself():
    long, longer = group_name("1", "g" * 300), group_name("2", "g" * 301)
    assert len(long) <= 255
    assert long == group_name("9", "g" * 300) != longer
