"""``manage.py similarity train-ranker``, on the shop's own products."""

import csv
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from similarity.search import documents
from similarity.search.models import RankerVersion
from similarity.search.reranking.rerank import rerank
from similarity.search.training import ranker_training

pytestmark = pytest.mark.django_db

KINDS = ("mug", "scarf", "lamp", "chair", "bag", "kettle")


@pytest.fixture
def products(make_product):
    """Of each kind four that no word tells apart: two in stock and two sold out."""
    made = [
        make_product(name=f"A {kind}", stock=5 * (number % 2))
        for kind in KINDS
        for number in range(4)
    ]
    documents.index([str(product.pk) for product in made])
    return made


@pytest.fixture
def judgements(products, tmp_path):
    """Shoppers here want what is sold out, which no fixed blend would guess."""
    path = tmp_path / "judged.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("query", "product", "gain"))
        for number in range(30):
            kind = KINDS[number % len(KINDS)]
            for product in products:
                if product.name.endswith(kind):
                    rows.writerow((f"{kind} {number}", product.sku, 0 if product.stock else 3))
    return path


def run(*arguments):
    out = StringIO()
    call_command("similarity", "train-ranker", *map(str, arguments), stdout=out, stderr=StringIO())
    return out.getvalue()


def test_a_better_ranker_goes_live_and_orders(products, judgements):
    told = run("--judgements", judgements, "--key-field", "sku")
    live = RankerVersion.objects.get()
    assert f"Ranker {live.pk} is live." in told
    assert "30 queries, 120 results; 0 are no products." in told
    assert "learned" in told
    mugs = products[:4]
    assert rerank("mug", mugs, budget_ms=2000).ranker == f"ranker {live.pk}"
    assert [p.stock for p in rerank("mug", mugs, budget_ms=2000).results] == [0, 0, 5, 5]
    assert live.figures["queries"] == 30
    assert live.figures["ndcg"]["learned"]["ndcg"] > live.figures["ndcg"]["blend"]["ndcg"]


def test_one_no_better_than_the_live_one_stays_a_candidate(judgements):
    run("--judgements", judgements, "--key-field", "sku")
    told = run("--judgements", judgements, "--key-field", "sku")
    assert "live ranker" in told
    assert "is not promoted: its NDCG@10 less that of the live ranker is" in told
    assert sorted(RankerVersion.objects.values_list("status", flat=True)) == ["candidate", "live"]


def test_promote_and_roll_back_by_hand(judgements):
    told = run("--judgements", judgements, "--key-field", "sku", "--keep")
    version = RankerVersion.objects.get()
    assert "not promoted: --keep was given" in told
    assert run("--promote", version.pk) == f"Ranker {version.pk} is live.\n"
    assert run("--rollback") == "The blend orders.\n"


def test_from_clicks(products, tmp_path):
    """The sold-out mug is clicked wherever it stands."""
    path = tmp_path / "log.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("query", "product", "position", "clicked"))
        for number in range(30):
            kind = KINDS[number % len(KINDS)]
            some = [p for p in products if p.name.endswith(kind)]
            for turn in range(4):
                for place, product in enumerate(some[turn:] + some[:turn], 1):
                    rows.writerow((f"{kind} {number}", product.pk, place, int(not product.stock)))
    told = run("--clicks", path)
    assert "Looked at, by place: 1.00" in told
    assert "is live." in told


def test_products_named_by_a_field_that_is_none(judgements):
    with pytest.raises(CommandError, match="--key-field, for example 'sku'"):
        run("--judgements", judgements, "--key-field", "colour")
    with pytest.raises(CommandError, match="Only 0 queries have results of different use"):
        run("--judgements", judgements, "--key-field", "slug")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(CommandError, match=r"none\.csv cannot be read"):
        run("--judgements", tmp_path / "none.csv")


def test_ctrl_c_leaves_no_half_ranker(judgements, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(ranker_training, "evaluate_rankers", interrupted)
    with pytest.raises(SystemExit) as ended:
        run("--judgements", judgements, "--key-field", "sku")
    assert ended.value.code == 130
    assert not RankerVersion.objects.exists()
