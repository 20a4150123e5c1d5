"""HNSW indexes, built outside transactions as in production."""

import pytest
from django.db import connection

from similarity.exceptions import VersionError
from similarity.similar.planner_settings import local_settings
from similarity.vectors import indexes
from similarity.versions import lifecycle

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def version(make_product):
    for _ in range(3):
        make_product()
    return lifecycle.ensure_live_version()


def definition(name):
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = %s", [name])
        return cursor.fetchone()[0]


def test_the_definition_names_length_and_version(version):
    text = definition(f"similarity_v{version.pk}_fused")
    assert "USING hnsw" in text
    assert "halfvec(24)) halfvec_cosine_ops" in text
    assert f"WHERE (version_id = {version.pk})" in text


def test_only_columns_that_are_searched_and_filled_have_one(version):
    assert indexes.states(version) == {"fused": "valid", "text": "valid"}
    with pytest.raises(VersionError, match="no index on 'image'"):
        indexes.create_statement(version, "image")


def test_building_again_does_nothing(version):
    assert indexes.create_indexes(version) == []


def test_an_index_left_invalid_is_built_anew(version):
    name = indexes.index_name(version, "fused")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass", [name]
        )
    assert indexes.states(version)["fused"] == "invalid"
    assert indexes.create_indexes(version) == [name]
    assert indexes.states(version)["fused"] == "valid"


def test_sizes_and_dropping(version):
    name = indexes.index_name(version, "text")
    assert indexes.sizes()[name] > 0
    assert "similarity_vectors_product_version" not in indexes.sizes()
    indexes.drop_indexes(version)
    assert name not in indexes.sizes()
    assert set(indexes.states(version).values()) == {"missing"}


def test_outside_a_transaction_it_is_built_concurrently_with_progress(version):
    indexes.drop_indexes(version)
    steps = []
    indexes.create_indexes(version, lambda *step: steps.append(step))
    assert ("index fused", 1, 1) in steps
    assert "CONCURRENTLY" in indexes.create_statement(version, "fused")


def test_the_index_answers_queries_of_its_version(version):
    """With three rows a sort is always cheapest, so the planner may neither scan nor sort."""
    settings = {"enable_seqscan": "off", "enable_sort": "off"}
    with local_settings("default", settings) as cursor:
        cursor.execute(
            f"EXPLAIN SELECT id FROM similarity_productvectors WHERE version_id = {version.pk} "
            f"ORDER BY fused::halfvec(24) <=> '[{','.join(['1'] * 24)}]'::halfvec(24) LIMIT 3"
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert indexes.index_name(version, "fused") in plan
