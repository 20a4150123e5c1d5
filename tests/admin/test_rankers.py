"""Rankers and hot queries in the admin."""

import pytest
from django.urls import reverse
from django.utils import timezone

from similarity.search.models import HotQuery, RankerVersion

pytestmark = pytest.mark.django_db


def test_rankers_are_shown_with_their_figures_and_not_changed(admin_client):
    figures = {
        "trained_on": "judgements of judged.csv",
        "ndcg": {"learned": {"ndcg": 0.7123}, "blend": {"ndcg": 0.7001}},
    }
    ranker = RankerVersion.objects.create(
        status="live", signals=[], artefact=b"x", sha256="0", figures=figures
    )
    listed = admin_client.get(reverse("admin:similarity_search_rankerversion_changelist")).content
    assert b"0.7123, 0.7001" in listed
    assert b"judgements of judged.csv" in listed
    page = reverse("admin:similarity_search_rankerversion_change", args=[ranker.pk])
    assert admin_client.get(page).status_code == 200
    assert admin_client.get(reverse("admin:similarity_search_rankerversion_add")).status_code == 403
    assert admin_client.post(page, {"status": "retired"}).status_code == 403


def test_a_hot_query_can_be_forgotten(admin_client):
    query = HotQuery.objects.create(text="red scarf", asked=7, asked_at=timezone.now())
    listed = admin_client.get(
        reverse("admin:similarity_search_hotquery_changelist") + "?q=scarf"
    ).content
    assert b"red scarf" in listed
    gone = reverse("admin:similarity_search_hotquery_delete", args=[query.pk])
    admin_client.post(gone, {"post": "yes"})
    assert not HotQuery.objects.exists()
