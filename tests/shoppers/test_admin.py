"""Every page, plot and button of training runs in the admin is really called."""

import re
import sys

import numpy as np
import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from similarity.shoppers import promotion
from similarity.shoppers.models import ShopperModel
from similarity.shoppers.training.calibration import measure_reliability
from tests.shoppers.models import follower, trained

pytestmark = pytest.mark.django_db
LIST = reverse("admin:similarity_shoppers_shoppermodel_changelist")
EYE = np.eye(4, dtype=np.float32)
MEASURED = {
    "sequence": {
        "recall@10": 0.0901,
        "ndcg@10": 0.0512,
        "ndcg@10_error": 0.0011,
        "coverage@10": 0.5,
    },
    "popularity": {"recall@10": 0.0115, "ndcg@10": 0.0055, "coverage@10": 0.001},
}
RELIABILITY = measure_reliability(np.array([0.1, 0.9]), np.array([0, 1], bool)).as_json()
FIGURES = {
    "leave_one_out": MEASURED,
    "by_time": MEASURED,
    "decision": {"promoted": True, "reason": "NDCG@10 0.0512 against 0.0055 of popularity."},
    "calibration": {"before": RELIABILITY, "after": RELIABILITY, "negatives": 4},
}
WINDOW = {
    "first": "2026-01-02T03:04:05+00:00",
    "last": "2026-02-03T04:05:06+00:00",
    "events": 12345,
    "shoppers": 678,
    "items": 90,
}


def client_of(*codenames):
    user = User.objects.create_user(f"clerk{len(codenames)}", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(
            content_type__app_label="similarity_shoppers", codename__in=codenames
        )
    )
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def staff():
    return client_of("view_shoppermodel", "change_shoppermodel")


@pytest.fixture
def viewer():
    return client_of("view_shoppermodel")


@pytest.fixture
def run():
    return trained(
        *follower(content=EYE),
        figures=FIGURES,
        window=WINDOW,
        curves={"loss": [0.9, 0.4], "ndcg": [0.01, 0.05], "recall": [0.02, 0.09]},
        erased=2,
    )


@pytest.fixture
def switched(shop, run):
    """Two models went live, one after the other; the run is the second."""
    first = promotion.promote(trained(*follower(content=EYE)), [])
    return first, promotion.promote(run, [])


def page(name, *arguments):
    return reverse(f"admin:similarity_shoppers_shoppermodel_{name}", args=arguments)


def status(model):
    return ShopperModel.objects.get(pk=model.pk).status


def act(client, action, *models):
    data = {"action": action, "_selected_action": [model.pk for model in models], "index": 0}
    return client.post(LIST, data)


def test_the_list_shows_figures_beside_those_to_beat_and_loads_no_weights(
    viewer, run, django_assert_max_num_queries
):
    for _each in range(5):
        trained(*follower(), status="refused")
    with django_assert_max_num_queries(14) as queries:
        text = viewer.get(LIST).content.decode()
    assert not [query for query in queries if '"weights",' in query["sql"]]
    assert "0.0512" in text
    assert "popularity 0.0055" in text
    assert "12,345 events to 2026-02-03" in text
    assert "similarity-refused" in text


def test_the_page_tells_decision_measures_and_plots(viewer, run):
    text = viewer.get(page("change", run.pk)).content.decode()
    assert "The gate promoted it. NDCG@10 0.0512 against 0.0055 of popularity." in text
    assert "2026-01-02 to 2026-02-03, 12,345 events, 678 shoppers, 90 items" in text
    assert "2 shoppers erased since" in text
    assert "0.0512 ± 0.0011" in text
    assert text.index("Sequence (this run)") < text.index("Popularity")
    for plot in ("calibration", "outcomes", "curves"):
        tag = re.search(rf'<img src="([^"]*{plot}.png)" alt="([^"]{{40,}})"', text)
        assert tag, plot
        shown = viewer.get(tag[1])
        assert shown["Content-Type"] == "image/png"
        assert shown.content.startswith(b"\x89PNG")
    assert "<script" not in text.split("similarity-version")[1].split("similarity-raw")[0]
    assert 'name="_save"' not in text


def test_a_run_that_failed_shows_its_error_and_no_plots(viewer):
    failed = ShopperModel.objects.create(
        kind="factors", status="failed", error="The loss is <nan>.", figures={}
    )
    text = viewer.get(page("change", failed.pk)).content.decode()
    assert "The loss is &lt;nan&gt;." in text
    assert "plot/" not in text
    assert viewer.get(page("plot", failed.pk, "curves")).status_code == 404


def test_without_matplotlib_the_plots_are_told_in_words(viewer, run, monkeypatch):
    from similarity.shoppers.admin import shopper_models

    monkeypatch.setattr(shopper_models, "find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    text = viewer.get(page("change", run.pk)).content.decode()
    assert "Expected calibration error" in text
    assert "django-similarity[reports]" in text
    assert "<img" not in text.split('id="content"')[1]
    assert viewer.get(page("plot", run.pk, "calibration")).status_code == 404


def test_plots_need_the_permission_to_view(run):
    assert client_of().get(page("plot", run.pk, "calibration")).status_code == 403
    assert Client().get(page("plot", run.pk, "calibration")).status_code == 302


def test_an_unknown_plot_or_model_is_not_found(viewer, run):
    assert viewer.get(page("plot", run.pk, "secrets")).status_code == 404
    assert viewer.get(page("plot", run.pk + 99, "curves")).status_code == 404


def test_rolling_back_asks_first_and_then_switches(staff, switched):
    first, second = switched
    assert f"Roll back to model {first.pk}" in staff.get(page("change", second.pk)).content.decode()
    assert "Roll back the sequence model" in staff.get(LIST).content.decode()
    asked = staff.get(page("rollback", "sequence"))
    assert f"Roll back to sequence model {first.pk}?" in asked.content.decode()
    assert LIST in asked.content.decode()
    assert (status(first), status(second)) == ("retired", "live")
    done = staff.post(page("rollback", "sequence"), follow=True)
    assert f"Sequence model {first.pk} is live (rolled back" in done.content.decode()
    assert (status(first), status(second)) == ("live", "retired")
    again = staff.post(page("rollback", "sequence"), follow=True)
    assert "no former sequence model" in again.content.decode()
    assert (
        "no former sequence model"
        in staff.get(page("rollback", "sequence"), follow=True).content.decode()
    )


def test_a_retired_model_is_made_live_again(staff, switched):
    first, second = switched
    assert "Make live" in staff.get(page("change", first.pk)).content.decode()
    assert "make it live" in staff.get(page("make_live", first.pk)).content.decode()
    assert (status(first), status(second)) == ("retired", "live")
    done = staff.post(page("make_live", first.pk), follow=True)
    assert f"Sequence model {first.pk} is live (made live" in done.content.decode()
    assert (status(first), status(second)) == ("live", "retired")


def test_a_model_without_its_vectors_cannot_be_made_live(staff, run):
    assert "Make live" not in staff.get(page("change", run.pk)).content.decode()
    asked = staff.get(page("make_live", run.pk), follow=True)
    assert "cannot be made live" in asked.content.decode()
    refused = staff.post(page("make_live", run.pk), follow=True)
    assert "has no vectors of its items any more" in refused.content.decode()
    assert status(run) == "candidate"


def test_actions_lead_to_the_pages_that_ask(staff, switched):
    first, second = switched
    assert act(staff, "make_live", first).url == page("make_live", first.pk)
    assert act(staff, "roll_back", second).url == page("rollback", "sequence")
    both = staff.post(
        LIST,
        {"action": "make_live", "_selected_action": [first.pk, second.pk], "index": 0},
        follow=True,
    )
    assert "Select exactly one model" in both.content.decode()


def test_switching_needs_the_permission_to_change(viewer, switched):
    first, second = switched
    text = viewer.get(page("change", first.pk)).content.decode()
    assert "Make live" not in text
    assert "Roll back the" not in viewer.get(LIST).content.decode()
    for address in (page("make_live", first.pk), page("rollback", "sequence")):
        assert viewer.get(address).status_code == 403
        assert viewer.post(address).status_code == 403
    act(viewer, "make_live", first)
    assert (status(first), status(second)) == ("retired", "live")


def test_no_row_is_added_deleted_or_edited_by_hand(staff, run):
    assert staff.get(page("add")).status_code == 403
    assert staff.post(page("delete", run.pk), {"post": "yes"}).status_code == 403
    staff.post(page("change", run.pk), {"status": "live", "erased": 0})
    assert status(run) == "candidate"
    assert ShopperModel.objects.get(pk=run.pk).erased == 2


def test_an_unknown_kind_or_model_is_not_found(staff):
    assert staff.get(page("rollback", "magic")).status_code == 404
    assert staff.get(page("make_live", 12345)).status_code == 404
