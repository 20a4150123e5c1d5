import subprocess
import sys

import pytest

from similarity.encoders import weights
from similarity.encoders.registry import get_encoder, get_encoders
from similarity.exceptions import ConfigurationError, EncoderError

TEXT = "similarity.encoders.text.TransformerTextEncoder"


def test_default_encoders_in_order():
    assert list(get_encoders()) == ["text", "image", "colour", "attributes"]
    assert all(part == encoder.name for part, encoder in get_encoders().items())


def test_one_instance_a_process():
    """A second one would load the weights again."""
    assert get_encoder("text") is get_encoders()["text"]


def test_none_leaves_a_part_out_and_own_parts_come_last(settings):
    settings.SIMILARITY = {"ENCODERS": {"mood": {"CLASS": TEXT}, "image": None}}
    assert list(get_encoders()) == ["text", "colour", "attributes", "mood"]


def test_options_reach_the_encoder_and_changes_are_seen(settings):
    settings.SIMILARITY = {"ENCODERS": {"text": {"CLASS": TEXT, "OPTIONS": {"max_tokens": 9}}}}
    assert get_encoder("text").max_tokens == 9
    settings.SIMILARITY = {}
    assert get_encoder("text").max_tokens == 256


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("similarity.encoders.text.TransformerTextEncoder", "must be"),
        ({"CLASS": None}, "must be"),
        ({"CLASS": "no.such.Encoder"}, "'no.such.Encoder', which cannot be imported"),
        ({"CLASS": "similarity.conf.get"}, "is not an Encoder"),
        ({"CLASS": "decimal.Decimal"}, "is not an Encoder"),
        ({"CLASS": TEXT, "OPTION": {}}, "unknown key 'OPTION'"),
    ],
)
def test_wrong_entry_is_named(settings, entry, message):
    settings.SIMILARITY = {"ENCODERS": {"text": entry}}
    with pytest.raises(ConfigurationError, match=message):
        get_encoders()


@pytest.mark.parametrize("options", [{"modle": "x"}, {"pooling": "median"}])
def test_refused_options_are_named(settings, options):
    settings.SIMILARITY = {"ENCODERS": {"text": {"CLASS": TEXT, "OPTIONS": options}}}
    with pytest.raises(EncoderError, match=r"modle|median"):
        get_encoders()


def test_unknown_part_lists_the_known():
    with pytest.raises(ConfigurationError, match=r"'smell'.*text, image, colour, attributes"):
        get_encoder("smell")


def test_missing_package_names_the_extra():
    with pytest.raises(EncoderError, match=r"'no_such_thing'.*django-similarity\[encoders\]"):
        weights.package("no_such_thing.part")


def test_making_the_encoders_loads_no_torch():
    """A web process may look at the registry; it has no torch."""
    code = (
        "import sys, django; from django.conf import settings;"
        "settings.configure(SIMILARITY={}); django.setup();"
        "from similarity.encoders.registry import get_encoders; get_encoders();"
        "sys.exit(any(name in sys.modules for name in ('torch', 'transformers', 'PIL')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
