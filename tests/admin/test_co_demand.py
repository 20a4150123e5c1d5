"""Co-demand in the admin: what was kept is shown, and nothing is computed."""

import csv
import io
import sys

import numpy as np
import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from similarity.planning.demand_backtest import IntervalCalibration
from similarity.planning.demand_chart import nice_top
from similarity.planning.demand_report import DemandQuestion, DemandReport, demand_report
from similarity.planning.demand_snapshots import keep
from similarity.planning.demand_tables import COLUMNS
from similarity.planning.models import DemandSnapshot
from tests.copurchase.demand_series import linked_shop, weekly

pytestmark = pytest.mark.django_db

LIST = reverse("admin:similarity_planning_demandsnapshot_changelist")
TITLES = {"product:0": "Mug <b>", "product:1": "=Plate"}


@pytest.fixture(scope="module")
def report():
    units = linked_shop(np.random.default_rng(0))
    units[0, [30, 31]] = units[1, [30, 31]] = 0
    made = demand_report(
        weekly(units), DemandQuestion(), calibration=IntervalCalibration(0.8, 1.5, 90, 0.81)
    )
    return DemandReport(made.sales, made.pairs, made.calibration, TITLES)


@pytest.fixture
def snapshot(report):
    keep(report)
    return DemandSnapshot.objects.get(item="product:0")


def page_of(snapshot):
    return reverse("admin:similarity_planning_demandsnapshot_change", args=[snapshot.pk])


def test_list_and_page_say_what_was_found(snapshot, admin_client):
    listed = admin_client.get(LIST).content.decode()
    assert "Mug &lt;b&gt; sells 100" in listed
    page = admin_client.get(page_of(snapshot)).content.decode()
    assert "If Mug &lt;b&gt; sells" in page
    assert "in 2 weeks with almost no sales of Mug" in page
    assert page.count('class="similarity-chart"') == snapshot.pairs
    assert "<polyline" in page
    assert "<rect" in page  # the weeks it was short
    assert 'name="_save"' not in page


def test_csv_has_the_rows_and_runs_no_formula(snapshot, admin_client):
    address = reverse("admin:similarity_planning_demandsnapshot_csv", args=[snapshot.pk])
    assert address in admin_client.get(page_of(snapshot)).content.decode()
    response = admin_client.get(address)
    assert response["Content-Disposition"] == 'attachment; filename="co-demand-mug-b.csv"'
    rows = list(csv.DictReader(io.StringIO(response.content.decode())))
    assert tuple(rows[0]) == COLUMNS
    assert rows[0]["expect"] == "'=Plate"


def test_filters(snapshot, admin_client):
    for query, shown in (
        ({"warned": "yes"}, True),
        ({"kind__exact": "category"}, False),
        ({"q": "Mug"}, True),
    ):
        assert ("sells" in admin_client.get(LIST, query).content.decode()) is shown


def test_permissions(snapshot):
    user = User.objects.create_user("clerk", is_staff=True)
    client = Client()
    client.force_login(user)
    csv_address = reverse("admin:similarity_planning_demandsnapshot_csv", args=[snapshot.pk])
    for address in (LIST, page_of(snapshot), csv_address):
        assert client.get(address).status_code == 403
    user.user_permissions.set(Permission.objects.filter(codename="view_demandsnapshot"))
    for address in (LIST, page_of(snapshot), csv_address):
        assert client.get(address).status_code == 200
    missing = reverse("admin:similarity_planning_demandsnapshot_csv", args=[0])
    assert client.get(missing).status_code == 404


def test_pages_need_neither_scipy_nor_matplotlib(snapshot, admin_client, monkeypatch):
    for name in ("scipy.special", "scipy.stats", "matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, name, None)
    assert admin_client.get(page_of(snapshot)).status_code == 200


def test_a_new_report_replaces_the_old_of_its_kind_only(report, snapshot):
    categories = DemandReport(
        report.sales, report.pairs[:1], report.calibration, TITLES, kind="category"
    )
    keep(categories)
    assert DemandSnapshot.objects.filter(kind="category").count() == 1
    keep(DemandReport(report.sales, [], report.calibration))
    assert set(DemandSnapshot.objects.values_list("kind", flat=True)) == {"category"}


@pytest.mark.parametrize(
    ("most", "top"), [(0, 10), (3, 10), (17, 20), (60, 60), (225, 300), (501, 600), (900, 1000)]
)
def test_the_axis_ends_at_a_round_number(most, top):
    assert nice_top(most) == top
