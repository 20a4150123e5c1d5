"""``similarity plot-model`` writes a PNG, prints it in words, and names what is wrong."""

import pytest
from django.core.management import CommandError, call_command

from similarity.shoppers.models import ShopperModel
from tests.shoppers.test_admin import FIGURES

pytestmark = pytest.mark.django_db


@pytest.fixture
def model():
    return ShopperModel.objects.create(kind="factors", figures=FIGURES, curves={"loss": [1, 0.5]})


@pytest.mark.parametrize("plot", ["calibration", "outcomes", "curves"])
def test_it_writes_a_png_and_prints_it_in_words(model, plot, tmp_path, capsys):
    out = tmp_path / "plot.png"
    call_command("similarity", "plot-model", str(model.pk), "--plot", plot, "--out", str(out))
    assert out.read_bytes().startswith(b"\x89PNG")
    told = {"calibration": "Calibration curve", "outcomes": "1 that did not", "curves": "to 0.5000"}
    assert told[plot] in capsys.readouterr().out


def test_an_unknown_model_is_an_error_that_lists_the_known(model, tmp_path):
    out = str(tmp_path / "plot.png")
    with pytest.raises(CommandError, match=f"no model 99999; the latest are {model.pk}"):
        call_command("similarity", "plot-model", "99999", "--out", out)


def test_a_run_without_a_calibration_and_a_missing_folder_are_named(model, tmp_path):
    bare = ShopperModel.objects.create(kind="sequence")
    with pytest.raises(CommandError, match="has no calibration"):
        call_command("similarity", "plot-model", str(bare.pk), "--out", str(tmp_path / "a.png"))
    out = str(tmp_path / "missing" / "a.png")
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("similarity", "plot-model", str(model.pk), "--out", out)
