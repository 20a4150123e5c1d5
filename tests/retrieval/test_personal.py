"""What a signed-in shopper bought counts when results are re-ordered; nobody else's does."""

import numpy as np
import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import DatabaseError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from similarity.exceptions import ConfigurationError
from similarity.models import ProductVectors
from similarity.models.stored_vectors import StoredVectors
from similarity.orders.mapping import MappedOrders
from similarity.search import documents, queries
from similarity.search.reranking import personal
from similarity.search.reranking.personal import taste_cosines
from similarity.search.reranking.rerank import rerank
from similarity.search.reranking.signals import COLUMN
from similarity.similar.more_like import tastes
from similarity.versions import lifecycle
from tests.configure import with_settings
from tests.fixtures_indexing import fake_encoders  # noqa: F401
from tests.host.models import Customer, Order, OrderLine

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_encoders")]

AMPLE_MS = 30_000  # where the claim is the order and not its time


@pytest.fixture
def ada():
    user = User.objects.create_user("ada")
    Customer.objects.create(name="Ada Abel", email="ada@example.com", user=user)
    return user


@pytest.fixture
def buys():
    def buys(user, product, status="placed"):
        customer = Customer.objects.get(user=user)
        number = f"B{Order.objects.count()}"
        order = Order.objects.create(
            number=number, customer=customer, placed_at=timezone.now(), status=status
        )
        OrderLine.objects.create(order=order, product=product, unit_price=product.price)

    return buys


@pytest.fixture
def teapot(make_product):
    return make_product(name="Glazed teapot", category="Teapots")


@pytest.fixture
def mugs(make_product, teapot):
    """Three that words leave equal; the last has the look of the teapot."""
    products = [make_product(name="Mug") for _ in range(3)]
    documents.index([str(product.pk) for product in products])
    lifecycle.ensure_live_version()
    queries.keep("mug", 5)
    queries.prepare()
    look = ProductVectors.objects.get(product=teapot).fused
    ProductVectors.objects.filter(product=products[2]).update(fused=look)
    return products


def order(products, user=None):
    answer = rerank("mug", products, user, budget_ms=AMPLE_MS)
    assert answer.reranked, answer.reason
    return [products.index(one) for one in answer.results]


def test_what_goes_with_a_purchase_comes_first_for_who_bought_it(ada, buys, mugs, teapot):
    assert order(mugs, ada) == [0, 1, 2], "nothing was bought yet"
    buys(ada, teapot)
    assert order(mugs, ada) == [2, 0, 1]
    assert order(mugs) == [0, 1, 2]
    assert order(mugs, AnonymousUser()) == [0, 1, 2]
    assert order(mugs, User.objects.create_user("bob")) == [0, 1, 2]


def test_an_order_that_does_not_count_says_nothing(ada, buys, mugs, teapot):
    buys(ada, teapot, status="returned")
    assert order(mugs, ada) == [0, 1, 2]


def test_a_user_s_key_is_not_taken_for_a_customer_s(ada, buys, mugs, teapot):
    """Keys of two tables: another's orders would come with a number that is the same."""
    buys(ada, teapot)
    same_number = User.objects.create_user("carl", pk=ada.pk + 1000)
    Customer.objects.filter(user=ada).update(user=None)
    Order.objects.update(customer=Customer.objects.create(pk=same_number.pk, email="c@example.com"))
    assert order(mugs, same_number) == [0, 1, 2]


def test_without_the_setting_nobody_s_orders_are_read(ada, buys, mugs, teapot, settings):
    buys(ada, teapot)
    orders = {
        key: path for key, path in settings.SIMILARITY["ORDERS"]["SOURCE"].items() if key != "user"
    }
    settings.SIMILARITY = with_settings(ORDERS={"SOURCE": orders})
    with CaptureQueriesContext(connection) as captured:
        assert order(mugs, ada) == [0, 1, 2]
    assert not [query for query in captured if '"host_order"' in query["sql"]]


def test_who_is_signed_in_is_who_the_endpoint_asks_for(ada, buys, mugs, teapot):
    buys(ada, teapot)
    client = APIClient()
    body = {"query": "mug", "results": [mug.pk for mug in mugs]}
    for signed_in, first in ((False, mugs[0]), (True, mugs[2])):
        if signed_in:
            client.force_login(ada)
        answer = client.post("/api/similarity/v1/rerank/", body, format="json")
        assert answer.json()["results"][0] == first.pk
        assert "no-store" in answer.headers["Cache-Control"]


def test_a_result_without_vectors_is_neither_near_nor_far(ada, buys, mugs, teapot):
    buys(ada, teapot)
    ProductVectors.objects.filter(product=mugs[1]).delete()
    answer = rerank("mug", mugs, ada, budget_ms=AMPLE_MS)
    values = answer.signals.values[:, COLUMN["taste"]].tolist()
    column = {one.pk: value for one, value in zip(answer.results, values, strict=True)}
    assert column[mugs[1].pk] == 0
    assert column[mugs[2].pk] > 0 > column[mugs[0].pk]


def test_the_nearest_of_several_tastes_counts():
    one, two = np.eye(2, dtype=np.float32)
    rows = {key: StoredVectors(key, "", {"fused": row}) for key, row in ((1, one), (2, 2 * two))}
    rows[3] = StoredVectors(3, "", {"fused": None})
    kinds = tastes(np.stack([one, one, two]), np.empty((0, 2), np.float32))
    assert taste_cosines(kinds, rows) == pytest.approx({1: 1.0, 2: 1.0})
    assert taste_cosines([], rows) == {}


def test_taste_decides_between_equals_and_not_against_words(ada, buys, mugs, teapot, make_product):
    """A teapot like the one bought is no answer to who asks for a mug."""
    buys(ada, teapot)
    other = make_product(name="Glazed teapot", category="Teapots")
    documents.index([str(other.pk)])
    products = [*mugs, other]
    ProductVectors.objects.create(
        product=other,
        **ProductVectors.objects.filter(product=teapot).values(
            "version_id", "fused", "text", "image", "group", "fingerprint"
        )[0],
    )
    assert order(products, ada) == [2, 0, 1, 3]


@pytest.fixture
def bought_by(settings, monkeypatch):
    """Puts a host's own ``bought_by`` in the place of the mapping's; the log is told anew."""
    monkeypatch.setattr(personal, "_told", set(), raising=False)
    monkeypatch.setattr(personal, "TIME_SHARE", 0.01, raising=False)  # of AMPLE_MS: 0.3 s

    def put(reads):
        monkeypatch.setattr(
            MappedOrders, "bought_by", lambda self, user, most, using: reads(connections[using])
        )

    return put


def sql(statement):
    def reads(connection):
        with connection.cursor() as cursor:
            cursor.execute(statement)
        return []

    return reads


def fails(connection):
    raise ZeroDivisionError


def misconfigured(connection):
    raise ConfigurationError("no such adapter")


def spoils(connection):
    """As a host does whose block shares the transaction around it."""
    with transaction.atomic(using=connection.alias, savepoint=False):
        return sql("SELECT 1/0")(connection)


def swallows(connection):
    """The transaction is as spoilt."""
    try:
        return sql("SELECT 1/0")(connection)
    except DatabaseError:
        return []


@pytest.mark.parametrize(
    ("reads", "told"),
    [
        (fails, "cannot be read"),
        (misconfigured, "cannot be read"),
        (sql("SELECT 1/0"), "cannot be read"),
        (spoils, "cannot be read"),
        (swallows, "cannot be read"),
        (lambda connection: ["no key"], "cannot be read"),
        (lambda connection: None, "cannot be read"),
        (sql("SELECT pg_sleep(60)"), "not read in"),
    ],
)
def test_purchases_that_cannot_be_read_leave_the_order_of_the_other_signals(
    ada, mugs, make_product, bought_by, caplog, reads, told
):
    """The test's own transaction is the host's: it goes on, under the settings that it had."""
    other = make_product(name="Pan")
    documents.index([str(other.pk)])
    products = [other, *mugs]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '54s'")
    bought_by(reads)
    for _ in range(2):
        answer = rerank("mug", products, ada, budget_ms=AMPLE_MS)
        assert (answer.reranked, answer.reason) == (True, "")
        assert answer.results == [*mugs, other]
        assert answer.signals.lacking == ("taste",)
        assert not answer.signals.values[:, COLUMN["taste"]].any()
    [record] = [one for one in caplog.records if "without taste" in one.message]
    assert told in record.message
    assert User.objects.filter(pk=ada.pk).exists()
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("54s",)


def test_an_adapter_may_tell_keys_as_text(ada, mugs, teapot, bought_by):
    bought_by(lambda connection: [str(teapot.pk)])
    assert order(mugs, ada) == [2, 0, 1]


def test_many_short_queries_have_no_more_time_than_a_long_one(ada, mugs, bought_by):
    """A limit for each statement would not end them."""
    begun = []

    def reads(connection):
        for at in range(400):
            begun.append(at)
            sql("SELECT pg_sleep(0.1)")(connection)

    bought_by(reads)
    answer = rerank("mug", mugs, ada, budget_ms=AMPLE_MS)
    assert (answer.reranked, answer.signals.lacking) == (True, ("taste",))
    assert len(begun) <= 4, "three tenths of a second"


def test_purchases_are_read_after_everything_else(ada, mugs, bought_by):
    """What they cost must not be lacking for what decides more."""
    with CaptureQueriesContext(connection) as captured:
        bought_by(sql("SELECT 'bought'"))
        assert order(mugs, ada) == [0, 1, 2]
    read = [query["sql"] for query in captured]
    [bought] = [at for at, one in enumerate(read) if one.endswith("SELECT 'bought'")]
    after = read[bought + 1 :]
    assert not [one for one in after if "similarity_" in one and "SAVEPOINT" not in one]
