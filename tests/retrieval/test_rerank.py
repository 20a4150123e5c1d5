"""A host's results re-ordered within a budget, or left as they were."""

import hashlib
import os
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from similarity.catalog.adapter import get_adapter
from similarity.connections import wakeup
from similarity.exceptions import QueryError, RankerError
from similarity.orders.models import CountedItem, CountedProduct
from similarity.search import ask_worker, documents, queries
from similarity.search.budget import Deadline, OutOfTime
from similarity.search.mailbox import Answer
from similarity.search.models import RankerVersion
from similarity.search.reranking import pairs, rankers
from similarity.search.reranking import word_scores as ranking_documents
from similarity.search.reranking.attribute_scores import price_scores
from similarity.search.reranking.blend import WEIGHTS, blend
from similarity.search.reranking.network import Network, read_network
from similarity.search.reranking.rerank import rerank
from similarity.search.reranking.signals import COLUMN, SIGNALS, standardised
from similarity.search.words import PriceRange, parse_query
from similarity.similar.hits import Hit
from similarity.versions import lifecycle
from tests.configure import with_settings
from tests.databases import current_address
from tests.fixtures_indexing import fake_encoders  # noqa: F401
from tests.host.models import Brand, Product

pytestmark = pytest.mark.django_db

AMPLE_MS = 30_000  # where the claim is the order and not its time


@pytest.fixture(autouse=True)
def _hearing(monkeypatch):
    monkeypatch.setattr(ask_worker, "silence", ask_worker.Silence())


@pytest.fixture
def index(make_product):
    """Makes products of these names, or of (name, fields), with their search documents."""

    def make(*given):
        products = [
            make_product(name=one) if isinstance(one, str) else make_product(name=one[0], **one[1])
            for one in given
        ]
        documents.index([str(product.pk) for product in products])
        return products

    return make


@pytest.fixture
def three(index):
    return index("Steel pan", "Wool scarf", "Red wool scarf")


def keys(answer):
    return [product.pk if hasattr(product, "pk") else product for product in answer.results]


class TestWhatIsGiven:
    def test_objects_come_back_themselves(self, three):
        answer = rerank("red scarf", three, budget_ms=AMPLE_MS)
        assert answer.reranked
        assert [id(one) for one in answer.results] == [id(three[at]) for at in (2, 1, 0)]

    def test_keys_pairs_and_hits_come_back_as_they_were(self, three):
        pan, scarf, red = (product.pk for product in three)
        given = [(pan, 3.0), str(scarf), Hit(str(red), 0.5, "host")]
        answer = rerank("red scarf", given, budget_ms=AMPLE_MS)
        assert answer.results == [given[2], given[1], given[0]]
        assert rerank("red scarf", tuple(given), budget_ms=AMPLE_MS).results == answer.results

    def test_hits_of_our_search_are_moved_by_stock_and_sales_alone(self, three):
        """Their order has read the words, and the meaning better than the blend weighs it."""
        hits = [Hit(str(one.pk), 0.5, "words") for one in three]
        assert rerank("red scarf", hits, budget_ms=AMPLE_MS).results == hits
        Product.objects.filter(pk=three[0].pk).update(stock=0)
        moved = rerank("red scarf", hits, budget_ms=AMPLE_MS)
        assert moved.results == [hits[1], hits[2], hits[0]]
        assert moved.ranker == "blend"

    @pytest.mark.parametrize("named_by", ["pk", "object", "text"])
    def test_results_of_another_package_are_taken_by_key_or_object(self, three, named_by):
        """As Haystack's ``SearchResult``, whose ``pk`` is a text."""
        facts = {"pk": lambda one: {"pk": one.pk}, "object": lambda one: {"object": one}}
        facts["text"] = lambda one: {"pk": str(one.pk), "model": Product, "object": None}
        given = [SimpleNamespace(**facts[named_by](one)) for one in three]
        answer = rerank("red scarf", given, budget_ms=AMPLE_MS)
        assert answer.reranked
        assert answer.results == [given[2], given[1], given[0]]

    def test_a_result_of_another_model_keeps_its_place(self, three):
        brand = SimpleNamespace(model=Brand, pk=three[0].pk)
        answer = rerank("red scarf", [brand, *three], budget_ms=AMPLE_MS)
        assert answer.results == [brand, *reversed(three)]

    def test_a_queryset_is_read_once_with_what_it_selects(self, three):
        products = Product.objects.order_by("pk").select_related("brand")
        with CaptureQueriesContext(connection) as captured:
            answer = rerank("red scarf", products, budget_ms=AMPLE_MS)
            assert [one.brand.name for one in answer.results] == ["Northfield"] * 3
        queries = [query["sql"] for query in captured if "set_config" not in query["sql"]]
        queries = [sql for sql in queries if "SAVEPOINT" not in sql]
        assert len([sql for sql in queries if '"host_brand"' in sql]) == 1
        assert len(queries) == 7, "and no more however many results there are"
        assert keys(answer) == [three[at].pk for at in (2, 1, 0)]
        assert keys(rerank("red scarf", products[1:3], budget_ms=AMPLE_MS)) == [
            three[2].pk,
            three[1].pk,
        ]

    def test_those_past_the_limit_keep_their_order_behind(self, three, settings, monkeypatch):
        monkeypatch.setattr("similarity.search.reranking.host_results.MAX_RERANKED", 2)
        given = [three[0].pk, three[1].pk, three[2].pk, 999]
        assert rerank("red scarf", given, budget_ms=AMPLE_MS).results == [
            three[1].pk,
            three[0].pk,
            three[2].pk,
            999,
        ]

    def test_what_is_no_list_of_products_is_refused(self, three):
        with pytest.raises(QueryError, match="pass a list or queryset"):
            rerank("red", "abc")
        with pytest.raises(QueryError, match=r"is a host\.Brand"):
            rerank("red", [three[0].brand])
        with pytest.raises(QueryError, match="above 0"):
            rerank("red", three, budget_ms=0)

    def test_nothing_to_order(self, three):
        assert rerank("red", []).results == []
        assert rerank("red", []).reason == "no_known_products"
        assert rerank("  ", three).reason == "empty_query"


class TestSignals:
    def order(self, query, products, **options):
        answer = rerank(query, products, budget_ms=AMPLE_MS, **options)
        assert answer.reranked, answer.reason
        return [product.name for product in answer.results]

    def test_the_title_counts_more_than_the_description(self, index):
        products = index(("Scarf", {"description": "Goes with a hat."}), "Hat")
        assert self.order("hat", products) == ["Hat", "Scarf"]

    def test_a_named_colour_that_another_product_has_counts_against_it(self, index):
        products = index(
            ("Shirt one", {"attributes": {"colour": "green"}}),
            ("Shirt two", {}),
            ("Shirt three", {"attributes": {"colour": "navy"}}),
        )
        assert self.order("navy shirt", products) == ["Shirt three", "Shirt two", "Shirt one"]

    def test_a_price_asked_for(self, index):
        products = index(("Lamp one", {"price": 90}), ("Lamp two", {"price": 30}))
        assert self.order("lamp under 50", products) == ["Lamp two", "Lamp one"]
        assert self.order("lamp over 50", products) == ["Lamp one", "Lamp two"]

    def test_sold_out_goes_down_and_sold_often_up(self, index):
        products = index(("Mug", {"stock": 0}), "Mug", "Mug")
        item = CountedItem.objects.create(number=1, name="product:x", weight=2**24)
        CountedProduct.objects.create(number=1, key=str(products[2].pk), item=item.number)
        answer = rerank("mug", products, budget_ms=AMPLE_MS)
        assert answer.results == [products[2], products[1], products[0]]
        column = answer.signals.values[:, COLUMN["popularity"]]
        assert column.tolist() == [1, 0, 0]

    def test_where_nothing_speaks_the_host_s_order_stays(self, index):
        products = index("Mug", "Mug", "Mug")
        assert rerank("mug", products, budget_ms=AMPLE_MS).results == products

    def test_prices_by_hand(self):
        wanted = PriceRange(None, 50)
        assert price_scores(wanted, [40, 50, 75, 100, 500, None]).tolist() == [1, 1, 0, -1, -1, 0]
        assert price_scores(PriceRange(50, None), [60, 25, 40]).tolist() == [1, -1, 0.5]
        assert price_scores(None, [40]).tolist() == [0]

    def test_standardised_by_hand(self):
        assert standardised(np.array([1.0, 3.0, np.nan])).tolist() == [-1, 1, 0]
        assert standardised(np.array([2.0, 2.0])).tolist() == [0, 0]

    def test_every_weight_of_the_blend_names_a_signal(self):
        assert set(WEIGHTS) <= set(SIGNALS)
        row = np.zeros((1, len(SIGNALS)))
        row[0, COLUMN["vector"]] = 2
        assert blend(row) == pytest.approx(2 * WEIGHTS["vector"])


@pytest.mark.usefixtures("fake_encoders")
class TestVectors:
    @pytest.fixture
    def live(self, index):
        self.products = index("warm neckwear", "steel pan", "wool scarf")
        self.version = lifecycle.ensure_live_version()

    def test_a_text_near_the_query_counts_without_a_word_in_common(self, live):
        """The vector of the second product is the query's own."""
        queries.keep("zzz", 5)
        queries.prepare()
        vector = self.products[1].pk
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE similarity_productvectors SET text = "
                "(SELECT vector FROM similarity_hotqueryvector) WHERE product_id = %s",
                [vector],
            )
        answer = rerank("zzz", self.products, budget_ms=AMPLE_MS)
        assert answer.results[0].name == "steel pan"
        assert answer.signals.lacking == ()

    def test_without_an_answer_the_order_given_comes_back(self, live, monkeypatch):
        monkeypatch.setattr(wakeup, "send", lambda task, **options: None)
        answer = rerank("scarf", self.products, budget_ms=120)
        assert (answer.results, answer.reranked) == (self.products, False)
        assert answer.reason in ("no_query_vector", "out_of_time")

    def test_where_nobody_has_vectors_words_decide(self, three):
        answer = rerank("red scarf", three, budget_ms=AMPLE_MS)
        assert answer.reranked
        assert answer.signals.lacking == ("vector",)


class TestTime:
    def test_a_slow_database_costs_the_budget_and_leaves_the_transaction_usable(
        self, three, monkeypatch
    ):
        slow = "SELECT 'x', pg_sleep(20)::text::int, 0 WHERE %s <> %s"
        monkeypatch.setattr(ranking_documents, "_TERMS", slow)
        with transaction.atomic():
            began = time.monotonic()
            answer = rerank("red scarf", three, budget_ms=100)
            took = time.monotonic() - began
            assert Product.objects.count() == 3, "the host's transaction goes on"
            with connection.cursor() as cursor:
                cursor.execute("SHOW statement_timeout")
                assert cursor.fetchone()[0] == "0", "the host's own limit is back"
        assert (answer.results, answer.reason) == (three, "out_of_time")
        assert took < 10

    def test_slow_steps_of_our_own_end_in_the_order_given(self, three, monkeypatch):
        def dawdle(*arguments):
            time.sleep(0.06)
            return rankers.Ranker("slow", blend)

        monkeypatch.setattr("similarity.search.reranking.rerank.current_ranker", dawdle)
        assert rerank("red scarf", three, budget_ms=50).reason == "out_of_time"

    def test_whatever_fails_the_order_given_comes_back(self, three, monkeypatch, caplog):
        def fail(*arguments):
            raise ZeroDivisionError

        monkeypatch.setattr("similarity.search.reranking.rerank.signals_of", fail)
        answer = rerank("red scarf", three, budget_ms=AMPLE_MS)
        assert (answer.results, answer.reranked, answer.reason) == (three, False, "error")
        assert "re-ranking failed" in caplog.text

    def test_a_database_that_fails_is_told(self, three, monkeypatch):
        monkeypatch.setattr(ranking_documents, "_TERMS", "SELECT 1/0 WHERE %s <> %s")
        answer = rerank("red scarf", three, budget_ms=AMPLE_MS)
        assert (answer.results, answer.reason) == (three, "database_error")

    def test_a_deadline_counts_down(self):
        deadline = Deadline(1)
        time.sleep(0.002)
        assert deadline.left_s == 0
        with pytest.raises(OutOfTime):
            deadline.check()


def network(**weights):
    """A linear one of these signals."""
    linear = np.array([weights.get(name, 0.0) for name in SIGNALS])
    count = len(SIGNALS)
    return Network(
        np.zeros(count), np.ones(count), linear, np.zeros((0, count)), np.zeros(0), np.zeros(0)
    )


def promoted(net, **fields):
    data = net.to_bytes()
    made = {
        "status": "live",
        "signals": list(SIGNALS),
        "artefact": data,
        "sha256": hashlib.sha256(data).hexdigest(),
        **fields,
    }
    return RankerVersion.objects.create(**made)


class TestLearned:
    def test_the_live_ranker_orders(self, three):
        version = promoted(network(position=-1.0))
        answer = rerank("red scarf", three, budget_ms=AMPLE_MS)
        assert answer.results == three[::-1]
        assert answer.ranker == f"ranker {version.pk}"

    @pytest.mark.parametrize(
        ("fields", "told"),
        [
            ({"sha256": "0" * 64}, "does not have the hash"),
            ({"signals": ["other"]}, "train another"),
        ],
    )
    def test_one_that_cannot_be_used_is_told_and_the_blend_orders(
        self, three, caplog, fields, told
    ):
        promoted(network(position=-1.0), **fields)
        answer = rerank("red scarf", three, budget_ms=AMPLE_MS)
        assert (answer.ranker, answer.results[0]) == ("blend", three[2])
        assert told in caplog.text

    def test_a_network_survives_its_bytes(self):
        rng = np.random.default_rng(3)
        count = len(SIGNALS)
        shapes = [(count,), (count,), (count,), (4, count), (4,), (4,)]
        tensors = [rng.normal(size=shape).astype(np.float32).astype(float) for shape in shapes]
        net = Network(tensors[0], np.abs(tensors[1]) + 0.1, *tensors[2:])
        values = rng.normal(size=(7, count))
        read = read_network(net.to_bytes(), count)
        assert read.scores(values) == pytest.approx(net.scores(values), abs=1e-5)

    def test_safetensors_itself_reads_it(self):
        safetensors = pytest.importorskip("safetensors.numpy")
        tensors = safetensors.load(network(words=2.0).to_bytes())
        assert tensors["linear"][COLUMN["words"]] == 2.0

    @pytest.mark.parametrize("damage", [lambda d: d[:40], lambda d: b"x" * 99, lambda d: d[:-8]])
    def test_damaged_bytes_are_refused_with_the_remedy(self, damage):
        with pytest.raises(RankerError, match="similarity train-ranker"):
            read_network(damage(network(words=1.0).to_bytes()), len(SIGNALS))

    def test_values_that_are_not_finite_are_refused(self):
        with pytest.raises(RankerError, match="finite"):
            read_network(network(words=float("nan")).to_bytes(), len(SIGNALS))


class TestCrossEncoder:
    @pytest.fixture(autouse=True)
    def _configured(self, settings):
        settings.SIMILARITY = with_settings(SEARCH={"CROSS_ENCODER": "/models/cross"})

    def test_its_opinion_has_its_share(self, three, monkeypatch):
        asked = {}

        def answer(kind, payload, timeout_ms):
            asked.update(kind=kind, payload=payload, timeout_ms=timeout_ms)
            return Answer(np.array([-9.0, -9.0, 9.0], np.float32))

        monkeypatch.setattr(pairs, "ask_worker", answer)
        result = rerank("red scarf", three, budget_ms=AMPLE_MS)
        assert result.results[0] == three[0], "the pan, by the last of the three scores"
        assert asked["kind"] == "pairs"
        assert b"Red wool scarf. " in asked["payload"]
        assert 0 < asked["timeout_ms"] < AMPLE_MS

    def test_without_its_answer_the_first_stage_stands(self, three, monkeypatch):
        monkeypatch.setattr(pairs, "ask_worker", lambda *arguments: None)
        assert rerank("red scarf", three, budget_ms=AMPLE_MS).results[0] == three[2]

    def test_those_it_does_not_judge_stay_behind(self, index, monkeypatch):
        products = index(*(f"Mug {number}" for number in range(6)))
        monkeypatch.setattr(pairs, "MOST", 2)
        answer = Answer(np.array([-1.0, 1.0], np.float32))
        monkeypatch.setattr(pairs, "ask_worker", lambda *arguments: answer)
        result = rerank("mug", products, budget_ms=AMPLE_MS)
        assert set(result.results[:2]) == set(products[:2])
        assert result.results[2:] == products[2:]


def test_the_adapter_s_own_order_of_sales_serves_without_counts(index, monkeypatch):
    products = index("Mug", "Mug")
    adapter = type(get_adapter())
    monkeypatch.setattr(adapter, "popular", lambda self, some: some.order_by("-pk"))
    assert rerank("mug", products, budget_ms=AMPLE_MS).results == products[::-1]


def test_queries_are_read_as_search_reads_them():
    assert parse_query("t-shirt under 20").words == ("t", "shirt")


WITHOUT_TORCH = """
import sys
import django
django.setup()
from similarity.search.query_vectors import encode_query
from similarity.search.reranking.rerank import rerank
from similarity.search.api import views
answer = rerank("red scarf", ["1", "2"], budget_ms=30_000)
encode_query("red scarf", timeout_ms=10)
heavy = ("torch", "transformers", "safetensors", "scipy", "pandas")
print(answer.reason, [name for name in heavy if name in sys.modules])
"""


@pytest.mark.django_db(transaction=True)
def test_no_torch_in_the_process_that_re_ranks(tmp_path):
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WITHOUT_TORCH],
        capture_output=True,
        text=True,
        timeout=180,
        cwd=settings.BASE_DIR,
        env={
            **os.environ,
            "DATABASE_URL": current_address(),
            "DJANGO_SETTINGS_MODULE": "tests.settings",
        },
    )
    assert finished.stdout == "no_known_products []\n", finished.stderr
