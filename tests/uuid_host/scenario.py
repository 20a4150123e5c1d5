"""Run by tests/test_second_host.py under this host's settings, not collected by itself."""

import uuid

import pytest
from django.template import Context, Template
from django.test import Client

from similarity.indexing import outbox
from similarity.models import PendingProduct, ProductVectors
from similarity.retrieval.shelves import similar_to
from tests.uuid_host.models import Article, Tag

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def articles():
    made = [
        Article.objects.create(headline=f"{colour} {thing}", maker="Ada", cost=10 + n)
        for n, thing in enumerate(["cup", "plate", "bowl"])
        for colour in ("Red", "Blue", "Green", "White")
    ]
    outbox.drain()
    return made


def test_saving_fills_the_outbox_and_the_worker_empties_it(articles):
    assert PendingProduct.objects.count() == 0
    assert ProductVectors.objects.count() == len(articles)


def test_similar_articles_by_instance_and_by_key(articles):
    by_instance = similar_to(articles[0], limit=5)
    assert len(by_instance) == 5
    assert all(uuid.UUID(hit.key) != articles[0].pk for hit in by_instance)
    assert [hit.key for hit in similar_to(str(articles[0].pk), limit=5)] == [
        hit.key for hit in by_instance
    ]


def test_hidden_articles_are_left_out_at_once(articles):
    best = similar_to(articles[0], limit=1)[0]
    Article.objects.filter(pk=best.key).update(hidden=True)
    assert best.key not in {hit.key for hit in similar_to(articles[0], limit=20)}


def test_a_tag_added_and_renamed_re_embeds(articles):
    tag = Tag.objects.create(word="gift")
    articles[0].tags.add(tag)
    assert PendingProduct.objects.get().product_key == str(articles[0].pk)
    outbox.drain()
    tag.word = "present"
    tag.save()
    assert PendingProduct.objects.get().product_key == str(articles[0].pk)


def test_deleting_an_article_deletes_its_vectors(articles):
    articles[0].delete()
    assert ProductVectors.objects.count() == len(articles) - 1
    outbox.drain()
    assert PendingProduct.objects.count() == 0


def test_api_and_tag_agree(articles):
    answer = Client().get(f"/api/similarity/v1/products/{articles[0].pk}/similar/?limit=4")
    assert answer.status_code == 200
    keys = [result["id"] for result in answer.json()["results"]]
    assert len(keys) == 4
    page = Template(
        "{% load similarity %}{% get_similar article limit=4 as hits %}"
        "{% for hit in hits %}{{ hit.key }} {% endfor %}"
    )
    assert page.render(Context({"article": articles[0]})).split() == keys


@pytest.mark.parametrize("key", ["1", "not-a-uuid", str(uuid.uuid4())])
def test_an_unknown_key_is_not_found(key):
    assert Client().get(f"/api/similarity/v1/products/{key}/similar/").status_code == 404


def test_admin_pages_of_the_plugin_open(articles, admin_client):
    for model in ("encoderversion", "pendingproduct"):
        assert admin_client.get(f"/admin/similarity/{model}/").status_code == 200
