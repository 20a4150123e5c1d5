"""Every door with vectors, orders and words behind it, in a process that loads no torch."""

import json
import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.utils import timezone

from similarity.orders.counting.full import count_all
from similarity.search import documents
from tests.databases import current_address
from tests.host.models import Customer, Order, OrderLine

ASK = """
import json, sys
import django
django.setup()
from django.test import Client
client = Client(headers={"host": "localhost"})
told = {}
for name, method, address, body in json.loads(sys.argv[1]):
    if method == "get":
        response = client.get(address)
    elif name == "picture":
        from io import BytesIO
        from PIL import Image
        file = BytesIO()
        Image.new("RGB", (32, 32), "navy").save(file, "PNG")
        file.seek(0)
        file.name = "a.png"
        response = client.post(address, {"image": file})
    else:
        response = client.post(address, body, content_type="application/json")
    told[name] = [response.status_code, len(response.content)]
heavy = ("torch", "torchvision", "transformers", "safetensors.torch", "scipy", "pandas", "sklearn")
heavy += ("mlxtend", "matplotlib", "pyspark", "lightgbm", "sentence_transformers")
print(json.dumps([told, [name for name in heavy if name in sys.modules]]))
"""


@pytest.fixture
def bought(shelf):
    """Three customers bought the first two products together, and a fourth something else."""
    at = timezone.now() - timedelta(days=3)
    for number in range(4):
        customer = Customer.objects.create(name=f"C{number}", email=f"c{number}@example.com")
        order = Order.objects.create(
            number=f"N{number}", customer=customer, email=customer.email, placed_at=at
        )
        for product in shelf[:2] if number < 3 else shelf[5:7]:
            OrderLine.objects.create(order=order, product=product, unit_price=product.price)
    count_all()
    documents.index_all()
    return shelf


@pytest.mark.django_db(transaction=True)
def test_no_door_loads_torch(bought, settings):
    first = bought[0]
    v1 = "/api/similarity/v1"
    key = first.pk
    asked = [
        ("page", "get", first.get_absolute_url(), None),
        ("home", "get", "/", None),
        ("search page", "get", "/search/?q=produkt&colour=navy", None),
        ("similar", "get", f"{v1}/products/{key}/similar/?explain=true", None),
        ("together", "get", f"{v1}/products/{key}/bought-together/?explain=true", None),
        ("cart together", "post", f"{v1}/cart/bought-together/", {"products": [key]}),
        ("search", "get", f"{v1}/search/?q=product&facets=brand", None),
        ("suggest", "get", f"{v1}/suggest/?q=pro", None),
        ("rerank", "post", f"{v1}/rerank/", {"query": "product", "results": [key]}),
        ("more", "post", f"{v1}/more-like-these/", {"liked": [key]}),
        ("recommendations", "get", f"{v1}/recommendations/?explain=true", None),
        ("viewed", "get", f"{v1}/recommendations/?shelf=recently_viewed", None),
        ("personal", "get", f"{v1}/products/{key}/similar/?personal=true", None),
        ("picture", "post", f"{v1}/search/image/", None),
        ("ready", "get", f"{v1}/health/ready", None),
    ]
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ASK, json.dumps(asked)],
        capture_output=True,
        text=True,
        timeout=120,
        env={
            **os.environ,
            "DATABASE_URL": current_address(),
            "DJANGO_SETTINGS_MODULE": "tests.settings",
        },
    )
    assert finished.stdout, finished.stderr
    told, heavy = json.loads(finished.stdout.splitlines()[-1])
    assert heavy == []
    # No worker runs here: a picture says so, and health does too.
    unready = {"picture": 503, "ready": 503}
    expected = {name: unready.get(name, 200) for name, *_ in asked}
    assert {name: status for name, (status, _size) in told.items()} == expected, finished.stderr
