import gzip
import json

import numpy as np
import pytest
from django.db import connection

from benchmarks.evaluation import search_evaluation
from benchmarks.evaluation.scratch_index import key_at, positions, scratch_index
from benchmarks.evaluation.search_datasets import JudgedQuery, load_search_dataset
from benchmarks.evaluation.search_evaluation import (
    Rankings,
    blended,
    by_words,
    cross_validated,
    folds,
    judge,
    served,
)
from similarity.exceptions import ConfigurationError
from similarity.search import documents, search, vocabulary
from similarity.search.models import SearchDocument, SearchWord

PRODUCTS = [
    {"title": "Red linen dress", "brand": "Alder", "color": "red", "category": ["Dresses"]},
    {"title": "Navy linen shirt", "description": "Of linen.", "bullet_points": "Cool"},
    {"title": "Navy cotton shirt", "color": "navy"},
    {"title": "Kettle"},
]
JUDGED = [("linen shirt", [(1, "E"), (2, "S"), (3, "I")]), ("ketle", [(3, "E"), (0, "I")])]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "tiny").mkdir()
    with gzip.open(tmp_path / "tiny" / "products.jsonl.gz", "wt") as file:
        for number, row in enumerate(PRODUCTS):
            file.write(json.dumps({"product_id": f"P{number}", **row}) + "\n")
    rows = [f"{query},P{at},{label}" for query, judged in JUDGED for at, label in judged]
    rows.append("linen shirt,unknown,E")
    text = "\n".join(["query,product_id,esci_label", *rows])
    (tmp_path / "tiny" / "judgments.csv").write_text(text)
    return tmp_path


def test_a_data_set_is_read_with_its_labels(folder):
    data = load_search_dataset("tiny", folder)
    assert data.contents[0].attributes["category"] == "Dresses"
    assert data.contents[1].description == "Of linen.\nCool"
    assert [dict(query.labels) for query in data.queries] == [dict(j) for _q, j in JUDGED]
    assert len(load_search_dataset("tiny", folder, limit=1).queries) == 1


def test_what_is_no_data_set_is_named(folder):
    with pytest.raises(ConfigurationError, match=r"no products\.jsonl\.gz"):
        load_search_dataset("nothing", folder)
    (folder / "tiny" / "judgments.csv").write_text("query,product_id,esci_label\nq,P1,X")
    with pytest.raises(ConfigurationError, match="the label 'X'"):
        load_search_dataset("tiny", folder)


@pytest.mark.django_db
def test_words_are_ranked_as_the_shop_would(folder, make_product):
    """The scratch tables answer as the shop's own tables with the same products do."""
    data = load_search_dataset("tiny", folder)
    words = by_words(data)
    assert next(iter(words.full[0].scores)) == 1
    assert list(words.full[1].scores) == [3], "the misspelt word is put right"
    for one in data.contents:
        make_product(
            name=one.title,
            sku=one.key,
            description=one.description,
            brand=one.attributes.get("brand"),
            attributes={k: v for k, v in one.attributes.items() if k == "colour"},
            category=one.attributes.get("category", "None"),
        )
    documents.index([str(key) for key in _keys()])
    vocabulary.refresh()
    served = [hit.product.name for hit in search("linen shirt ", hybrid=False).hits]
    assert served[0] == data.contents[next(iter(words.full[0].scores))].title


@pytest.mark.django_db(transaction=True)
def test_the_scratch_index_leaves_nothing(folder):
    data = load_search_dataset("tiny", folder)
    with scratch_index(data.contents) as using:
        assert SearchDocument.objects.using(using).count() == 4
        assert SearchWord.objects.using(using).filter(word="linen").exists()
    assert not SearchDocument.objects.exists()
    assert not SearchWord.objects.exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relpersistence = 't'")
        assert cursor.fetchone()[0] == 0


@pytest.mark.django_db
def test_keys_and_positions_are_each_others_inverse():
    assert positions([key_at(2), key_at(0)], 3) == [2, 0]


def test_every_query_is_judged_once_and_by_others():
    seen = []
    for kept, left in folds(23):
        assert not set(kept) & set(left)
        seen += left
    assert sorted(seen) == list(range(23))


@pytest.mark.django_db
def test_the_weight_that_is_best_elsewhere_is_chosen(folder):
    """Meaning that is right on every query outweighs words, and wrong meaning does not."""
    data = load_search_dataset("tiny", folder)
    queries = [data.queries[0]] * 10
    holding = search_evaluation.Holding({2: 1.0, 1: 0.2}, {2: 1.0, 1: 1.0})
    words = search_evaluation.Words([holding] * 10, [holding] * 10)
    right = np.tile(np.array([0, 1.0, 0, 0], np.float32), (10, 1))
    chosen, ranked = cross_validated(words, right, queries, 0.5)
    assert max(chosen) < 0.6
    assert judge("", ranked, queries).judged_ndcg == pytest.approx(1)
    wrong = blended(words, right, queries, 0.95, 0.5)
    assert judge("", wrong, queries).judged_ndcg < 1


def test_what_is_served_are_matches_and_then_what_is_near():
    """As search parts them; the share of good answers counts those that were judged."""
    scores = {0: 0.9, 1: 0.8, 2: 0.7, 3: 0.6, 4: 0.5}
    near = {0: 0.1, 1: 0.1, 3: 0.6, 4: 0.2}
    assert served(scores, {1: 1.0, 2: 0.6, 0: 0.2}, near, 0.5) == [1, 2, 3]
    assert served(scores, {2: 0.6, 0: 0.2}, near, 0.5) == [2, 3]
    queries = [JudgedQuery("q", {1: "E", 2: "S", 3: "I", 4: "C"})]
    row = judge("", Rankings([[1, 2, 3, 4]], [[1, 2, 3]]), queries, [[1, 2, 3, 0]])
    assert row.good == pytest.approx(2 / 3)
    assert judge("", Rankings([[1]], [[1]]), queries).good is None


def _keys():
    from shop.models import Product

    return Product.objects.values_list("pk", flat=True)
