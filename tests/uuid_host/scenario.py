"""Run by tests/test_second_host.py under this host's settings, not collected by itself."""

import csv
import uuid
from urllib.parse import quote

import pytest
from django.core.management import call_command
from django.db import connection
from django.template import Context, Template
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from similarity.api.fields import key_schema
from similarity.capture import triggers
from similarity.cells import upkeep
from similarity.events import history
from similarity.events.models import Event, Kind, Profile
from similarity.models import EncoderVersion, PendingProduct, ProductVectors
from similarity.orders.counting import full
from similarity.orders.partner_shelf import bought_together
from similarity.outbox import draining, reconcile
from similarity.similar import candidates, plans, trace
from similarity.similar.shelves import similar_page, similar_to
from similarity.vectors import indexes
from similarity.versions import lifecycle, quality
from tests.configure import with_settings
from tests.uuid_host.models import Article, Tag
from tests.uuid_host.orders import ListedOrders

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def articles():
    made = [
        Article.objects.create(headline=f"{colour} {thing}", maker="Ada", cost=10 + n)
        for n, thing in enumerate(["cup", "plate", "bowl"])
        for colour in ("Red", "Blue", "Green", "White")
    ]
    draining.drain()
    return made


def test_saving_fills_the_outbox_and_the_worker_empties_it(articles):
    assert PendingProduct.objects.count() == 0
    assert ProductVectors.objects.count() == len(articles)


def test_similar_articles_by_instance_and_by_key(articles):
    by_instance = similar_to(articles[0], limit=5)
    assert len(by_instance) == 5
    assert all(hit.key != str(articles[0].pk) for hit in by_instance)
    assert all(hit.key == str(hit.product.pk) for hit in by_instance)
    assert [hit.key for hit in similar_to(str(articles[0].pk), limit=5)] == [
        hit.key for hit in by_instance
    ]


def test_hidden_articles_are_left_out_at_once(articles):
    best = similar_to(articles[0], limit=1)[0]
    Article.objects.filter(pk=best.key).update(hidden=True)
    assert best.key not in {hit.key for hit in similar_to(articles[0], limit=20)}


def test_articles_are_found_by_cells(articles, monkeypatch):
    """Their tables, samples and upkeep hold keys of the host's own type."""
    before = [hit.key for hit in similar_to(articles[0], limit=5)]
    version = EncoderVersion.objects.live()
    made = upkeep.build(version, "default")
    monkeypatch.setattr(candidates, "EXACT_US", 1000.0)
    monkeypatch.setattr(candidates, "FEW_HITS", 0)
    with trace.trace_queries() as answered:
        assert {hit.key for hit in similar_to(articles[0], limit=5)} == set(before)
    assert answered[0].plan == "cells"
    articles[1].headline = "Green plate, changed"
    articles[1].save()
    draining.drain()
    assert indexes.tidy(version) == "mended"
    assert len(similar_to(articles[0], limit=11)) == 11
    upkeep.discard(made, "default")


@pytest.fixture(params=["exact", "hnsw"])
def plan(request, monkeypatch):
    """Each plan brings keys of the host's own type; exact stands in where the index runs dry."""
    named = candidates.Step(request.param, "named by the test", getattr(plans, request.param))
    whole = candidates.Step("exact", "too few were found", plans.exact)
    monkeypatch.setattr(candidates, "choose", lambda search, size, wanted: (named, whole))


def test_pages_by_cursor_show_every_article_once(articles, plan):
    """Equal scores are told apart by key, in the order that the database and Python share."""
    for article in articles[4:8]:
        Article.objects.filter(pk=article.pk).update(headline="Red plate", cost=20, maker="Bob")
    draining.enqueue(articles)
    draining.drain()
    whole = [hit.key for hit in similar_to(articles[0], 20)]
    assert sorted([*whole, str(articles[0].pk)]) == sorted(str(a.pk) for a in articles)
    paged, after = [], None
    for _ in range(10):
        page = similar_page(articles[0], 2, after=after)
        paged += [hit.key for hit in page.hits]
        after = page.next
        if after is None:
            break
    assert paged == whole


def test_pages_of_articles_without_vectors(articles):
    ProductVectors.objects.all().delete()
    assert similar_page(articles[0], 6).hits == [], "nothing says what is of its kind"
    first = similar_page(articles[0], 6, fill=True)
    second = similar_page(articles[0], 6, after=first.next, fill=True)
    keys = [hit.key for hit in (*first.hits, *second.hits)]
    assert len(set(keys)) == len(articles) - 1
    assert second.next is None


def test_a_diverse_shelf_and_one_by_own_weights(articles, plan):
    plain = similar_to(articles[0], 4)
    mixed = similar_to(articles[0], 4, diversity=0.9)
    assert mixed[0] == plain[0]
    assert len({hit.key for hit in mixed}) == 4
    weighted = similar_to(articles[0], 11, weights={"text": 1}, explain=True)
    assert len({hit.key for hit in weighted}) == 11
    assert weighted[0].reasons[0].name == "text"


def test_variants_and_those_excluded_are_left_out(articles):
    family, other = articles[1:3], articles[3]
    for article in (articles[0], *family):
        article.family = "cups"
        article.save()
    draining.drain()
    keys = {hit.key for hit in similar_to(articles[0], 20, exclude=[other.pk, str(other.pk)])}
    assert len(keys) == len(articles) - 4
    assert not keys & {str(article.pk) for article in (*family, other)}


def pending():
    """Articles in the outbox; emptied."""
    keys = set(PendingProduct.objects.values_list("product_key", flat=True))
    PendingProduct.objects.all().delete()
    return keys


def test_tags_are_followed_from_both_sides(articles):
    """By the signals Django really sends: add, remove, set and clear, forwards and backwards."""
    first, second = str(articles[0].pk), str(articles[1].pk)
    tag, other = Tag.objects.create(word="gift"), Tag.objects.create(word="set")
    articles[0].tags.add(tag, other)
    assert pending() == {first}
    articles[0].tags.remove(other)
    assert pending() == {first}
    articles[0].tags.add(tag)
    assert pending() == set(), "it had the tag"
    articles[0].tags.set([other])
    assert pending() == {first}
    articles[0].tags.clear()
    assert pending() == {first}
    tag.article_set.add(articles[0], articles[1])
    assert pending() == {first, second}
    tag.article_set.remove(articles[1])
    assert pending() == {second}
    tag.article_set.set([articles[0], articles[1]])
    assert pending() == {second}
    tag.article_set.clear()
    assert pending() == {first, second}
    tag.article_set.add(articles[1])
    pending()
    tag.delete()
    assert pending() == {second}


def test_a_version_is_built_and_promoted(articles):
    version = lifecycle.build_version()
    assert lifecycle.promote(version).pk == version.pk
    assert quality.coverage(version) == (len(articles), len(articles))


def test_a_tag_added_and_renamed_re_embeds(articles):
    tag = Tag.objects.create(word="gift")
    articles[0].tags.add(tag)
    assert PendingProduct.objects.get().product_key == str(articles[0].pk)
    draining.drain()
    tag.word = "present"
    tag.save()
    assert PendingProduct.objects.get().product_key == str(articles[0].pk)


def test_deleting_an_article_deletes_its_vectors(articles):
    articles[0].delete()
    assert ProductVectors.objects.count() == len(articles) - 1
    draining.drain()
    assert PendingProduct.objects.count() == 0


def address(article, query=""):
    return f"/api/similarity/v1/products/{quote(str(article.pk), safe='')}/similar/{query}"


def test_api_and_tag_agree(articles):
    answer = Client().get(address(articles[0], "?limit=4"))
    assert answer.status_code == 200
    keys = [result["id"] for result in answer.json()["results"]]
    assert len(keys) == 4
    page = Template(
        "{% load similarity %}{% get_similar article limit=4 as hits %}"
        "{% for hit in hits %}{{ hit.key|safe }}|{% endfor %}"
    )
    assert page.render(Context({"article": articles[0]})).split("|")[:-1] == keys


def test_keys_of_the_api_are_texts_and_a_batch_finds_them(articles):
    assert key_schema()["type"] == "string"
    path = f"products/{quote(str(articles[0].pk), safe='')}/similar/?limit=4"
    liked = {"liked": [str(articles[0].pk)], "limit": 4}
    body = {
        "requests": [
            {"id": "similar", "path": path},
            {"id": "more", "path": "more-like-these/", "body": liked},
            {"id": "number", "path": "more-like-these/", "body": {"liked": [1]}},
        ]
    }
    answer = Client().post("/api/similarity/v1/batch/", body, content_type="application/json")
    similar, more, number = answer.json()["responses"]
    keys = [[hit["id"] for hit in one["body"]["results"]] for one in (similar, more)]
    assert keys[0] == keys[1]
    assert len(keys[0]) == 4
    assert (number["status"], number["body"]["error"]["parameter"]) == (400, "liked")


def test_api_pages_to_the_end(articles):
    keys, next_page = [], address(articles[0], "?limit=5")
    while next_page:
        answer = Client().get(next_page)
        assert answer.status_code == 200, next_page
        keys += [result["id"] for result in answer.json()["results"]]
        next_page = answer.json()["next"]
    assert sorted([*keys, str(articles[0].pk)]) == sorted(str(a.pk) for a in articles)


def test_a_lazy_shelf_is_fetched(articles):
    page = Template("{% load similarity %}{% similar_products article lazy=True %}")
    html = page.render(Context({"article": articles[0]}))
    fragment = html.split('data-similarity-src="')[1].split('"')[0]
    shelf = Client().get(fragment, headers={"x-similarity-fragment": "1"}).content.decode()
    assert shelf.count("similarity-item") == 8
    label = shelf.split('aria-labelledby="')[1].split('"')[0]
    assert " " not in label, "an id with spaces would name several"
    assert f'id="{label}"' in shelf


@pytest.fixture
def bought(articles, settings, monkeypatch):
    """The first article is bought with the third, and with the second less often."""
    first, second, third, *others = (article.pk for article in articles)
    orders = [(first, third)] * 6 + [(first, second)] * 4 + [(other,) for other in others * 8]
    monkeypatch.setattr(ListedOrders, "bought", orders)
    adapter = f"{ListedOrders.__module__}.{ListedOrders.__qualname__}"
    settings.SIMILARITY = with_settings(ORDERS={"SOURCE": adapter})
    assert full.count_all().baskets == len(orders)
    return articles


def test_what_is_bought_together(bought):
    first, second, third = bought[:3]
    for given in (first, first.pk, str(first.pk), [first, bought[5]]):
        assert [hit.product for hit in bought_together(given)] == [third, second]
    page = Template(
        "{% load similarity similarity_orders %}"
        "{% bought_together a limit=1 %}{% cart_companions c %}"
    )
    html = page.render(Context({"a": first, "c": [first, third]}))
    assert html.count("similarity-item") == 2
    assert third.headline in html
    assert second.headline in html
    key = quote(str(first.pk), safe="")
    answer = Client().get(f"/api/similarity/v1/products/{key}/bought-together/").json()
    wanted = [str(third.pk), str(second.pk)]
    assert [result["id"] for result in answer["results"]] == wanted
    body = {"products": [str(first.pk), str(third.pk)]}
    answer = Client().post(
        "/api/similarity/v1/cart/bought-together/", body, content_type="application/json"
    )
    assert [result["id"] for result in answer.json()["results"]] == wanted[1:]


ME = "/api/similarity/v1/me/"


@pytest.fixture
def shopper():
    """A browser whose shopper consented."""
    browser = Client(headers={"user-agent": "Mozilla/5.0 Firefox/140.0"})
    browser.put(f"{ME}preferences/", {"consent": True}, content_type="application/json")
    return browser


def test_events_by_keys_of_any_type_are_kept_read_and_erased(articles, shopper):
    cup, plate = articles[0], articles[4]
    sent = [
        {"type": "view", "product": str(cup.pk)},
        {"type": "not_interested", "product": str(plate.pk)},
    ]
    answer = shopper.post(
        "/api/similarity/v1/events/", {"events": sent}, content_type="application/json"
    )
    assert answer.json()["accepted"] == 2
    profile = Profile.objects.get()
    assert [seen.product for seen in history.read_history(profile.pk, 9, "default")] == [cup.pk]
    assert history.read_last(profile.pk, Kind.VIEW, 9, "default") == [cup.pk]
    assert history.not_interested(profile.pk, "default") == {plate.pk}
    listed = shopper.get(f"{ME}history/").json()["results"]
    assert {entry["key"] for entry in listed} == {str(cup.pk), str(plate.pk)}
    titles = {event["title"] for event in shopper.get(f"{ME}export/").json()["events"]}
    assert titles == {cup.headline, plate.headline}
    erased = shopper.delete(f"{ME}history/?product={quote(str(cup.pk), safe='')}")
    assert erased.json() == {"events": 1}
    assert shopper.delete(f"{ME}history/").json() == {"events": 1}
    assert not Profile.objects.exists()


def test_events_are_imported_by_keys_of_any_type(articles, tmp_path, capsys):
    path, at = tmp_path / "log.csv", timezone.now().isoformat()
    with path.open("w", newline="") as file:
        rows = [[at, "view", "v", str(article.pk)] for article in articles]
        unknown = [at, "view", "v", "1"]
        csv.writer(file).writerows([["at", "type", "visitor", "product"], *rows, unknown])
    for added, present in ((len(articles), 0), (0, len(articles))):
        call_command("similarity", "import-events", str(path), "--consent-held")
        told = capsys.readouterr().out
        assert f"{added} events added, {present} were there before" in told
        assert "1 bad rows" in told
    assert set(Event.objects.values_list("product_id", flat=True)) == {a.pk for a in articles}


@pytest.mark.parametrize("key", ["1", "not-a-uuid", str(uuid.uuid4())])
def test_an_unknown_key_is_not_found(key):
    assert Client().get(f"/api/similarity/v1/products/{key}/similar/").status_code == 404


def test_admin_pages_of_the_plugin_open(articles, admin_client):
    for model in ("encoderversion", "pendingproduct"):
        assert admin_client.get(f"/admin/similarity/{model}/").status_code == 200


def test_the_outbox_links_to_the_articles_own_page(articles, admin_client):
    articles[0].save()
    html = admin_client.get(reverse("admin:similarity_pendingproduct_changelist")).content.decode()
    link = html.split('href="/admin/uuid_host/article/')[1].split('"')[0]
    assert admin_client.get(f"/admin/uuid_host/article/{link}").status_code == 200


@pytest.fixture
def captured(articles, settings):
    """Changes are seen by triggers, and a tag is on the first article."""
    settings.SIMILARITY = {**settings.SIMILARITY, "CAPTURE": "triggers"}
    triggers.install()
    tag = Tag.objects.create(word="gift")
    articles[0].tags.add(tag)
    assert pending() == {str(articles[0].pk)}
    yield tag
    triggers.uninstall()


def execute(sql, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def test_triggers_see_what_no_signal_tells(articles, captured):
    made = Article.objects.bulk_create([Article(headline="Bulk"), Article(headline="Bulk")])
    assert pending() == {str(article.pk) for article in made}
    Article.objects.filter(pk=articles[1].pk).update(headline="Updated")
    assert pending() == {str(articles[1].pk)}
    Article.objects.update(cost=1, hidden=True)
    assert pending() == set(), "neither price nor visibility is content"
    execute("UPDATE uuid_host_tag SET word = 'present'")
    assert pending() == {str(articles[0].pk)}
    execute("UPDATE uuid_host_article_tags SET article_id = %s", articles[2].pk)
    assert pending() == {str(articles[0].pk), str(articles[2].pk)}
    execute("DELETE FROM uuid_host_article_tags")
    assert pending() == {str(articles[2].pk)}
    articles[3].headline = "Saved"
    articles[3].save()
    assert PendingProduct.objects.get().generation == 1, "the signal stands back"
    execute("DELETE FROM uuid_host_article WHERE id = %s", articles[3].pk)
    assert pending() == set()


def test_a_key_that_changes_is_another_product(articles, captured):
    """Both keys are told: the one is gone, the other is new."""
    old, new = articles[5].pk, type(articles[5].pk)(str(uuid.uuid4()))
    execute("DELETE FROM similarity_productvectors; DELETE FROM similarity_searchdocument")
    execute("DELETE FROM similarity_productinputs")
    execute("UPDATE uuid_host_article SET id = %s WHERE id = %s", new, old)
    assert pending() == {str(old), str(new)}


def test_reconciling_goes_through_keys_of_any_type(articles, monkeypatch):
    monkeypatch.setattr(reconcile, "PAGE", 5)
    Article.objects.filter(pk=articles[7].pk).update(headline="Updated")
    ProductVectors.objects.filter(product=articles[2]).delete()
    draining.enqueue(articles[4:5])
    reconcile.reconcile(budget_s=0)
    report = reconcile.reconcile()
    assert (report.checked, report.stale, report.missing) == (len(articles), 1, 1)
    assert pending() == {str(articles[at].pk) for at in (2, 4, 7)}
