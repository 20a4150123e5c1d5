"""Near-duplicate listings: who is one, who is not, and that both ways of looking agree."""

import numpy as np
import pytest

from similarity.cells import upkeep
from similarity.exceptions import QueryError, VersionError
from similarity.insights import duplicates
from similarity.insights.duplicates import DuplicateSearch, find_duplicates, judge
from similarity.models import EncoderVersion
from similarity.models.stored_vectors import StoredVectors
from similarity.similar.planner_settings import local_settings
from tests.retrieval.conftest import DIMENSIONS, build_index

pytestmark = pytest.mark.django_db


def near(row, degrees, rng):
    """A unit row so many degrees away."""
    row = np.asarray(row, float) / np.linalg.norm(row)
    aside = rng.normal(size=len(row))
    aside -= (aside @ row) * row
    angle = np.radians(degrees)
    return np.cos(angle) * row + np.sin(angle) * aside / np.linalg.norm(aside)


@pytest.fixture
def listings(make_product, make_version, store):
    """Thirty that share nothing, and beside the first some that are meant to be like it."""
    rng = np.random.default_rng(0)
    version = make_version()

    def parts(**given):
        return {part: rng.normal(size=size) for part, size in DIMENSIONS.items()} | given

    base = parts()
    made = {"base": make_product(name="base", group="G")}
    store(made["base"], version, **base)
    like = {
        "double": {part: near(row, 5, rng) for part, row in base.items()},
        "same photo": parts(image=base["image"]),
        "same text": parts(text=base["text"]),
        "variant": {part: near(row, 1, rng) for part, row in base.items()},
        "no photo": {**{part: near(row, 2, rng) for part, row in base.items()}, "image": None},
    }
    for name, rows in like.items():
        group = "G" if name == "variant" else ""
        made[name] = make_product(name=name, group=group)
        store(made[name], version, **rows)
    for at in range(30):
        store(make_product(name=f"other {at}"), version, **parts())
    return made


def names(found, listings):
    by_key = {str(product.pk): name for name, product in listings.items()}
    return {frozenset((by_key.get(one.first), by_key.get(one.second))) for one in found}


def test_text_and_picture_must_both_be_alike_and_variants_are_none(listings):
    found = find_duplicates(DuplicateSearch(0.97))
    assert names(found, listings) == {
        frozenset(("base", "double")),
        frozenset(("variant", "double")),
    }
    assert all(one.score == min(one.text, one.image) >= 0.97 for one in found)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


def test_one_without_a_photo_is_judged_by_text_and_all_together(listings):
    found = find_duplicates(DuplicateSearch(0.8))
    pair = next(one for one in found if names([one], listings) == {frozenset(("base", "no photo"))})
    assert pair.image is None
    assert pair.score == min(pair.text, pair.fused)


@pytest.mark.parametrize("page", [500, 1])
@pytest.mark.parametrize("by", ["index", "cells"])
def test_near_ones_find_what_every_pair_finds(listings, settings, monkeypatch, by, page):
    """Also where a pair is met from both sides in different pages."""
    monkeypatch.setattr(duplicates, "PAGE", page)
    exact = find_duplicates(DuplicateSearch(0.9))
    version = EncoderVersion.objects.get()
    if by == "index":
        build_index(version)
    else:
        upkeep.build(version, "default")
    monkeypatch.setattr("similarity.similar.candidates.EXACT_LIMIT", 5)
    monkeypatch.setattr(duplicates, "_exact", None)
    assert find_duplicates(DuplicateSearch(0.9)) == exact
    upkeep.drop(version, "default")


@pytest.mark.parametrize("by", ["every pair", "cells"])
def test_products_deleted_while_it_runs_are_passed_over(listings, settings, monkeypatch, by):
    """A page of keys was read, and then all of them went."""
    version = EncoderVersion.objects.get()
    whole = find_duplicates(DuplicateSearch(0.9))
    if by == "cells":
        upkeep.build(version, "default")
        monkeypatch.setattr("similarity.similar.candidates.EXACT_LIMIT", 5)
    pages = duplicates._pages
    monkeypatch.setattr(duplicates, "_pages", lambda *of: iter([[-1, -2], *pages(*of)]))
    assert find_duplicates(DuplicateSearch(0.9)) == whole
    upkeep.drop(version, "default")


def test_blocks_and_pages_make_no_difference(listings, monkeypatch):
    whole = find_duplicates(DuplicateSearch(0.9))
    for name, size in (("BLOCK", 7), ("PAGE", 3)):
        monkeypatch.setattr(duplicates, name, size)
    told = []
    assert find_duplicates(DuplicateSearch(0.9), progress=lambda *step: told.append(step)) == whole
    assert told[-1] == ("compare listings", 36, 36)


def test_the_likest_are_kept_where_there_are_more_than_asked_for(listings):
    every = find_duplicates(DuplicateSearch(0.9))
    assert find_duplicates(DuplicateSearch(0.9, limit=1)) == every[:1]


def test_a_zero_vector_is_like_nothing():
    empty = StoredVectors("a", "a", {"fused": np.zeros(3, np.float32), "text": None, "image": None})
    assert judge(empty, empty).score == -1


def test_without_a_version_the_remedy_is_told():
    with pytest.raises(VersionError, match=r"manage\.py similarity embed"):
        find_duplicates()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [({"threshold": 0.4}, "threshold is 0.4"), ({"threshold": 2}, "0.5 to 1"), ({"limit": 0}, "0")],
)
def test_a_search_that_cannot_be_is_refused(arguments, told):
    with pytest.raises(QueryError, match=told):
        DuplicateSearch(**arguments)


def test_neighbours_are_read_by_the_index(listings):
    version = EncoderVersion.objects.get()
    build_index(version)
    keys = [product.pk for product in listings.values()]
    with local_settings("default", duplicates.INDEX_SETTINGS) as cursor:
        parameters = (duplicates.NEIGHBOURS, keys, 0.3)
        cursor.execute(f"EXPLAIN {duplicates._neighbours_sql(version)}", parameters)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert f"Index Scan using similarity_v{version.pk}_fused" in plan
