"""Synonyms are written in the admin and hold for the next query."""

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from similarity.search import documents, search, vocabulary
from similarity.search.models import Synonym
from similarity.search.synonyms import synonyms

pytestmark = pytest.mark.django_db

LIST = reverse("admin:similarity_search_synonym_changelist")
ADD = reverse("admin:similarity_search_synonym_add")


@pytest.fixture
def sofa(make_product):
    product = make_product(name="Velvet sofa")
    documents.index([str(product.pk)])
    vocabulary.refresh()
    return product


def finds(text):
    return [hit.product for hit in search(text, hybrid=False).hits if hit.tier == "words"]


def test_a_synonym_that_is_added_switched_and_deleted_holds_at_once(
    admin_client, sofa, django_capture_on_commit_callbacks
):
    assert finds("settee") == []
    with django_capture_on_commit_callbacks(execute=True):
        answer = admin_client.post(ADD, {"terms": "sofa, settee", "only_from": "", "active": "on"})
    assert answer.status_code == 302
    assert finds("settee") == [sofa]
    synonym = Synonym.objects.get()
    for action, found in (("switch_off", []), ("switch_on", [sofa])):
        with django_capture_on_commit_callbacks(execute=True):
            admin_client.post(LIST, {"action": action, "_selected_action": [synonym.pk]})
        assert finds("settee") == found
    with django_capture_on_commit_callbacks(execute=True):
        data = {"action": "delete_selected", "_selected_action": [synonym.pk], "post": "yes"}
        admin_client.post(LIST, data)
    assert finds("settee") == []


def test_the_list_and_the_form_can_be_seen(admin_client):
    synonym = Synonym.objects.create(terms="smartphone", only_from="iphone")
    assert "only from iphone" in admin_client.get(LIST, {"q": "iphone"}).content.decode()
    page = reverse("admin:similarity_search_synonym_change", args=[synonym.pk])
    assert admin_client.get(page).status_code == 200


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"terms": " , "}, "at least one word"),
        ({"terms": "sofa"}, "at least two words"),
        ({"terms": "sofa, Sofa"}, "at least two words"),
        ({"terms": "a b c d e, x"}, "at most 4 words"),
        ({"terms": ", ".join(f"w{at}" for at in range(60))}, "at most 50"),
    ],
)
def test_what_would_do_nothing_is_refused(fields, told):
    with pytest.raises(ValidationError, match=told):
        Synonym(**fields).full_clean()


def test_terms_are_compared_as_queries_are():
    Synonym.objects.create(terms="Crème brûlée, caramel-custard")
    assert synonyms()["creme brulee"] == ["caramel custard"]


def test_a_group_holds_between_all_of_its_terms():
    Synonym.objects.create(terms="sofa, couch, settee")
    assert sorted(synonyms()["couch"]) == ["settee", "sofa"]
