"""Run by tests/test_apps.py with some of the optional apps, not collected by itself."""

import os
import sys

import pytest
from django.apps import apps
from django.core.management import call_command
from django.template import Context, Template
from django.test import Client

from similarity.models import PendingProduct, ProductVectors
from similarity.outbox import draining, reconcile
from tests.uuid_host.models import Article

pytestmark = pytest.mark.django_db(transaction=True)

EVERY = ("search", "orders", "insights", "planning", "events", "shoppers")
INSTALLED = os.environ["HOST_APPS"].split()
API = "/api/similarity/v1/"
#: App → an address below the API's prefix that it answers.
ADDRESSES = {"search": "search/?q=cup", "orders": "products/{key}/bought-together/"}


@pytest.fixture
def articles():
    made = [
        Article.objects.create(headline=f"{colour} {thing}", maker="Ada", cost=10)
        for thing in ("cup", "plate")
        for colour in ("Red", "Blue", "Green", "White")
    ]
    draining.drain()
    return made


def test_no_other_app_is_loaded():
    loaded = {name.split(".")[1] for name in sys.modules if name.startswith("similarity.")}
    needs = {"planning": "orders", "shoppers": "events"}
    needed = {needs[app] for app in INSTALLED if app in needs}
    assert loaded & set(EVERY) == {*INSTALLED, *needed}
    assert [app for app in EVERY if apps.is_installed(f"similarity.{app}")] == INSTALLED


def test_checks_pass_and_models_are_migrated(capsys):
    call_command("check", "--database", "default", "--fail-level", "WARNING")
    ours = [config.label for config in apps.get_app_configs() if config.label[:10] == "similarity"]
    call_command("makemigrations", *ours, "--check", "--dry-run")
    assert "No changes detected" in capsys.readouterr().out


def test_from_a_save_to_a_page_and_the_api(articles):
    assert ProductVectors.objects.count() == len(articles)
    page = Template("{% load similarity %}{% similar_products article limit=3 %}")
    assert page.render(Context({"article": articles[0]})).count("similarity-item") == 3
    answer = Client().get(f"{API}products/{articles[0].pk}/similar/")
    assert len(answer.json()["results"]) == len(articles) - 1
    for app, address in ADDRESSES.items():
        answer = Client().get(API + address.format(key=articles[0].pk))
        assert answer.status_code == (200 if app in INSTALLED else 404), address


def test_a_changed_and_a_deleted_product_are_found_again(articles):
    Article.objects.filter(pk=articles[0].pk).update(headline="Red jug")
    assert reconcile.run_slice().checked == len(articles)
    assert PendingProduct.objects.get().product_key == str(articles[0].pk)
    draining.drain()
    articles[1].delete()
    assert ProductVectors.objects.count() == len(articles) - 1


def test_the_command_and_the_admin_know_what_is_installed(articles, admin_client, capsys):
    call_command("similarity", "status")
    assert "Healthy" in capsys.readouterr().out.replace("Not healthy", "Healthy")
    index = admin_client.get("/admin/").content.decode()
    for app in EVERY:
        assert (f"/admin/similarity_{app}/" in index) == (app in INSTALLED), app
    for model in apps.get_models():
        if model._meta.app_label.startswith("similarity") and model in admin_registered():
            address = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
            assert admin_client.get(address).status_code == 200, address


def admin_registered():
    from django.contrib import admin

    return admin.site._registry
