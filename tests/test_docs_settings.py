"""docs/settings.md and the code say the same."""

import ast
import re
from pathlib import Path

from django.conf import settings

import similarity
from similarity import conf

TEXT = (settings.BASE_DIR / "docs" / "settings.md").read_text()


def rows(heading):
    section = TEXT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    cells = [line.strip("| ").split(" | ") for line in section.splitlines() if line[:3] == "| `"]
    return {cell[0].strip("`"): cell[1].strip("`") for cell in cells}


def test_every_setting_stands_there_with_its_default():
    documented = rows("Keys of SIMILARITY")
    assert documented.pop("ENCODERS").startswith("see")
    defaults = {key: value for key, value in conf.DEFAULTS.items() if key != "ENCODERS"}
    assert {key: ast.literal_eval(value) for key, value in documented.items()} == defaults


def test_every_encoder_stands_there():
    assert rows("ENCODERS") == {
        part: entry["CLASS"] for part, entry in conf.DEFAULTS["ENCODERS"].items()
    }


def test_every_check_stands_there():
    source = "".join(path.read_text() for path in Path(similarity.__file__).parent.rglob("*.py"))
    assert set(rows("System checks")) == set(re.findall(r'id="(similarity\.[EW]\d{3})"', source))
