"""The README's install section, followed to the letter in a shop made for it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from shop import servers
from tests.databases import address_of

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()


def snippet(name: str) -> str:
    """The fenced block after ``<!-- install: name -->``."""
    found = re.search(rf"<!-- install: {name} -->\n```\w+\n(.*?)```", README, re.DOTALL)
    assert found, f"README.md has no block marked install: {name}"
    return found.group(1)


SETTINGS = """
import dj_database_url, os
SECRET_KEY = "only for tests"
DATABASES = {"default": dj_database_url.parse(os.environ["DATABASE_URL"])}
CELERY_BROKER_URL = os.environ["CELERY_BROKER_URL"]
MEDIA_ROOT = os.environ["HOST_MEDIA_ROOT"]
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "urls"
ALLOWED_HOSTS = ["testserver"]
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "catalog", "sales"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates",
              "DIRS": [os.path.dirname(__file__)], "APP_DIRS": True}]
import celeryapp  # a project that is no package has no __init__.py for it
"""
#: Every project that ``startproject`` makes has it.
REQUEST = """
TEMPLATES[0]["OPTIONS"] = {
    "context_processors": ["django.template.context_processors.request"]}
"""
URLS = """
from django.shortcuts import get_object_or_404, render
from django.urls import include, path
from catalog.models import Product
def page(request, pk):
    return render(request, "page.html", {"product": get_object_or_404(Product, pk=pk)})
urlpatterns = [path("product/<int:pk>/", page)]
"""
MODELS = """
from django.db import models
class Brand(models.Model):
    name = models.CharField(max_length=50)
class Product(models.Model):
    name = models.CharField(max_length=100)
    description = models.TextField()
    price = models.DecimalField(max_digits=8, decimal_places=2)
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE)
    published = models.BooleanField(default=True)
    stock = models.IntegerField(default=3)
    def __str__(self):
        return self.name
    def get_absolute_url(self):
        return f"/product/{self.pk}/"
class Photo(models.Model):
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="photos")
    file = models.ImageField(upload_to="photos/")
"""
SALES = """
from django.conf import settings
from django.db import models
class Order(models.Model):
    placed_at = models.DateTimeField(auto_now_add=True)
    customer = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    email = models.EmailField()
    status = models.CharField(max_length=10, default="paid")
class Line(models.Model):
    order = models.ForeignKey(Order, models.CASCADE, related_name="lines")
    product = models.ForeignKey("catalog.Product", models.PROTECT)
    quantity = models.IntegerField(default=1)
"""
CELERY = """
import os
from celery import Celery
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
app = Celery("host")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
"""
USE_IT = """
import django
import celeryapp
django.setup()
from django.test import Client
from catalog.models import Brand, Product
from similarity.outbox import draining
brand = Brand.objects.create(name="Kiln")
names = ["Blue stoneware mug", "Green stoneware mug", "Oak dining chair", "Wool scarf"]
products = [Product.objects.create(name=n, description="", price=9, brand=brand) for n in names]
Product.objects.create(name="White stoneware mug", description="", price=9, brand=brand, stock=0)
draining.drain()
page = Client().get(f"/product/{products[0].pk}/").content.decode()
print([name for name in sorted(names, key=page.find) if name in page.split("<h1>")[1]])
print("White" in page)
results = Client().get(f"/api/similarity/v1/products/{products[0].pk}/similar/").json()["results"]
print([result["tier"] for result in results])
"""
USE_SEARCH = """
from django.core.management import call_command
call_command("similarity", "search-index", verbosity=0)
results_of_your_own_search = list(Product.objects.order_by("-pk"))
{readme}
print([hit.product.name for hit in search("oak chair").hits])
print(sorted(result.pk for result in better) == sorted(p.pk for p in results_of_your_own_search))
found = Client().get("/api/similarity/v1/search/", {{"q": "wool scarf"}}).json()["results"]
print([hit["title"] for hit in found])
"""
USE_ORDERS = """
from django.core.management import call_command
from sales.models import Line, Order
for at in range(12):
    order = Order.objects.create(email=f"c{at}@example.com")
    for product in products[2:] if at < 6 else products[:1]:
        Line.objects.create(order=order, product=product)
call_command("similarity", "count-orders", "--full", verbosity=0)
from similarity.orders import bought_together
print([hit.product.name for hit in bought_together(products[2], 4)])
page = Client().get(f"/product/{products[2].pk}/").content.decode()
print("together" in page and "Wool scarf" in page.split("together", 1)[1])
"""

USE_SHOPPERS = """
# More than the page's other shelf shows, because no product stands on a page twice.
for colour in ("Red", "Pink", "Grey", "Black", "Teal", "Plum", "Rust", "Gold", "Sand", "Mint"):
    Product.objects.create(name=f"{colour} stoneware mug", description="", price=9, brand=brand)
draining.drain()
browser = Client(headers={"user-agent": "Mozilla/5.0 Firefox/140.0"})
api = "/api/similarity/v1/"
sent = {"content_type": "application/json"}
def page_of(product):
    return browser.get(f"/product/{product.pk}/").content.decode()
print("events.js" in page_of(products[3]))
browser.put(f"{api}me/preferences/", {"consent": True}, **sent)
view = {"type": "view", "product": products[0].pk}
print(browser.post(f"{api}events/", {"events": [view]}, **sent).json()["accepted"])
page = page_of(products[3])
print("events.js" in page, 'data-similarity-view="4"' in page)
print("stoneware mug" in page.split("For you")[1], "Recently viewed" in page)
"""


@pytest.fixture
def host(tmp_path):
    """A project folder with the README's lines in it, over a database of its own."""
    (tmp_path / "catalog" / "migrations").mkdir(parents=True)
    (tmp_path / "sales" / "migrations").mkdir(parents=True)
    files = {
        "sales/models.py": SALES,
        "sales/__init__.py": "",
        "sales/migrations/__init__.py": "",
        "settings.py": SETTINGS + snippet("settings"),
        "urls.py": URLS + snippet("urls"),
        "page.html": "<h1>{{ product.name }}</h1>\n" + snippet("template"),
        "celeryapp.py": CELERY,
        "use_it.py": USE_IT,
        "catalog/models.py": MODELS,
        "catalog/__init__.py": "",
        "catalog/migrations/__init__.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    server = servers.database_url()
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS readme_host WITH (FORCE)")
        connection.execute("CREATE DATABASE readme_host")
        yield tmp_path
        connection.execute("DROP DATABASE readme_host WITH (FORCE)")


def run(host: Path, *arguments: str) -> str:
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", *arguments],
        capture_output=True,
        text=True,
        timeout=240,
        cwd=host,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "settings",
            "DATABASE_URL": address_of("readme_host"),
            "CELERY_BROKER_URL": servers.broker_url(),
            "HOST_MEDIA_ROOT": str(host / "media"),
            "PYTHONPATH": f"{host}{os.pathsep}{ROOT}",
        },
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


@pytest.mark.weights
def test_the_install_section_gives_similar_products(host):
    migrated_and_checked(host)
    shown, sold_out, tiers = run(host, "use_it.py").splitlines()[-3:]
    assert shown.startswith("['Blue stoneware mug', 'Green stoneware mug'")
    assert sold_out == "False", "a product out of stock was shown"
    assert tiers == "['fused', 'fused', 'fused']"


@pytest.mark.weights
def test_search_is_added_as_its_section_says(host):
    with (host / "settings.py").open("a") as file:
        file.write('INSTALLED_APPS += ["similarity.search"]\n')
    with (host / "use_it.py").open("a") as file:
        file.write(USE_SEARCH.format(readme=snippet("search")))
    migrated_and_checked(host)
    found, reranked, served = run(host, "use_it.py").splitlines()[-3:]
    assert found == "['Oak dining chair']"
    assert reranked == "True", "the same products, in a better order"
    assert served == "['Wool scarf']"


@pytest.mark.weights
def test_orders_are_added_as_their_section_says(host):
    with (host / "settings.py").open("a") as file:
        file.write('INSTALLED_APPS += ["similarity.orders"]\n' + snippet("orders"))
    # First on the page: no product stands on it twice, and there are only four.
    page = "<h1>{{ product.name }}</h1>\n" + snippet("orders template") + snippet("template")
    (host / "page.html").write_text(page)
    with (host / "use_it.py").open("a") as file:
        file.write(USE_ORDERS)
    migrated_and_checked(host)
    together, shown = run(host, "use_it.py").splitlines()[-2:]
    assert together == "['Wool scarf']"
    assert shown == "True"


@pytest.mark.weights
def test_personal_shelves_are_added_as_their_section_says(host):
    with (host / "settings.py").open("a") as file:
        file.write('INSTALLED_APPS += ["similarity.events", "similarity.shoppers"]\n')
        file.write(REQUEST)
    with (host / "page.html").open("a") as file:
        file.write(snippet("shoppers template"))
    with (host / "use_it.py").open("a") as file:
        file.write(USE_SHOPPERS)
    migrated_and_checked(host)
    before, accepted, script, shelves = run(host, "use_it.py").splitlines()[-4:]
    assert before == "False", "a script before consent"
    assert accepted == "1"
    assert script == "True True"
    assert shelves == "True True"


def migrated_and_checked(host: Path) -> None:
    run(host, "-m", "django", "makemigrations", "catalog", "sales")
    run(host, "-m", "django", "migrate", "--verbosity", "0")
    run(host, "-m", "django", "check", "--database", "default", "--fail-level", "WARNING")


def test_the_install_section_is_as_short_as_it_says():
    assert len(snippet("settings").splitlines()) == 6
    assert len(snippet("urls").splitlines()) == 1
    assert snippet("template").count("similar_products") == 1


def test_every_document_it_links_to_exists():
    links = re.findall(r"\]\((docs/[^)#]+|CHANGELOG\.md)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_both_commands_are_named():
    assert "make demo" in README
    assert "make test" in README
