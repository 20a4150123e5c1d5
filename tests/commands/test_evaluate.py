"""``manage.py similarity evaluate`` end to end, with small encoders and with the real ones."""

import json
import os
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image

DATA = Path(
    os.environ.get("SIMILARITY_DATA_DIR")
    or Path(__file__).resolve().parents[2].parent / "shared" / "data"
)


@pytest.fixture
def two_parts(settings):
    """Encoders that need no weights."""
    settings.SIMILARITY = {
        "ENCODERS": {
            "text": None,
            "image": None,
            "colour": {"WEIGHT": 0.7},
            "attributes": {"WEIGHT": 0.3},
        },
    }


@pytest.fixture
def catalogue(tmp_path):
    """Twelve mugs and plates in two colours, the type being the brand as well."""
    folder = tmp_path / "mine"
    folder.mkdir()
    rows = ["id,title,image,type,colour,brand"]
    for number in range(12):
        kind, colour = ("mug", "plate")[number % 2], ("red", "blue")[number // 6]
        Image.new("RGB", (40, 40), colour).save(folder / f"{number}.png")
        rows.append(f"{number},{colour} {kind},{number}.png,{kind},{colour},{kind} maker")
    (folder / "products.csv").write_text("\n".join(rows))
    return folder


def evaluate(*arguments, cache) -> str:
    out = StringIO()
    call_command("similarity", "evaluate", *arguments, cache=cache, stdout=out)
    return out.getvalue()


def test_figures_of_a_folder_of_ones_own(two_parts, catalogue, tmp_path):
    printed = evaluate("--dataset", str(catalogue), "--json", cache=tmp_path / "cache")
    report = json.loads(printed)
    assert report["products"] == 12
    assert set(report["figures"]) == {"colour", "attributes", "fused"}
    # Two others share type and colour; ten places hold all eleven others but one.
    assert report["attainable"]["all"] == {"share": pytest.approx(0.2), "queries": 12}
    assert report["figures"]["fused"]["all_map@10"] == pytest.approx(1)
    assert report["figures"]["colour"]["all_map@10"] < 1
    assert report["figures"]["attributes"]["all_map@10"] < 1


def test_the_table_and_the_picture(two_parts, catalogue, tmp_path):
    picture = tmp_path / "sheet.png"
    printed = evaluate("--dataset", str(catalogue), "--picture", picture, cache=tmp_path / "cache")
    assert "mine, 12 products" in printed
    assert "mAP@10 all" in printed
    with Image.open(picture) as sheet:
        assert sheet.size == (11 * 128 + 16, 10 * 170)


def test_weights_can_be_tried_and_chosen(two_parts, catalogue, tmp_path):
    cache = tmp_path / "cache"
    tried = evaluate(
        "--dataset", str(catalogue), "--weights", "colour=3,attributes=1", "--json", cache=cache
    )
    assert json.loads(tried)["weights"] == {"colour": 0.75, "attributes": 0.25}
    chosen = evaluate(
        "--dataset", str(catalogue), "--weights", "colour=0.7,attributes=0.3", "--tune", "--json",
        cache=cache,
    )  # fmt: skip
    assert sum(json.loads(chosen)["weights"].values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dataset", "nowhere"], "nowhere"),
        (["--weights", "colour=much"], "colour=much"),
    ],
)
def test_mistakes_are_named(two_parts, catalogue, tmp_path, arguments, message):
    dataset = [] if "--dataset" in arguments else ["--dataset", str(catalogue)]
    with pytest.raises(CommandError, match=message):
        evaluate(*dataset, *arguments, cache=tmp_path)


def test_an_interrupt_ends_with_a_sentence(two_parts, catalogue, tmp_path, monkeypatch, capsys):
    def interrupted(self, contents):
        raise KeyboardInterrupt

    monkeypatch.setattr("similarity.encoders.colour.ColourEncoder.encode", interrupted)
    with pytest.raises(SystemExit):
        evaluate("--dataset", str(catalogue), cache=tmp_path)
    assert "next run reuses the encoded vectors" in capsys.readouterr().err


@pytest.mark.data
@pytest.mark.weights
def test_on_real_photos_and_titles_fused_beats_each_part(tmp_path):
    if not (DATA / "myntra").is_dir():
        pytest.skip(f"needs the data sets in SIMILARITY_DATA_DIR; there are none in {DATA}")
    options = ["--dataset", "myntra", "--data-dir", str(DATA), "--limit", "200", "--json"]
    report = json.loads(evaluate(*options, cache=tmp_path))
    figures = report["figures"]
    assert set(figures) == {"text", "image", "colour", "fused"}  # no attributes: they are labels
    for part in ("text", "image", "colour"):
        assert figures["fused"]["all@10"] > figures[part]["all@10"]
    assert np.isfinite(list(figures["fused"].values())).all()
    again = json.loads(evaluate(*options, cache=tmp_path))
    assert again == report
