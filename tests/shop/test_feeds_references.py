"""Which photo a reference means."""

import unicodedata

import pytest

from shop.feeds.images import ImageFolder, ImageUnusable
from shop.feeds.references import split_references

from .test_feeds_images import folder, photo  # noqa: F401


def put(folder, path, colour):  # noqa: F811
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(photo(colour))
    return photo(colour)


def bytes_of(images, ref, settings) -> bytes:
    return (settings.MEDIA_ROOT / images.store(ref)).read_bytes()


@pytest.mark.parametrize(
    ("cell", "separator", "references"),
    [
        ("https://x.example/w_8,h_6/a.jpg", ",", ["https://x.example/w_8,h_6/a.jpg"]),
        ("https://x.example/a,1.jpg, https://x.example/b.jpg", ",",
         ["https://x.example/a,1.jpg", "https://x.example/b.jpg"]),
        ("a.jpg, b.png ,c.webp?v=1", ",", ["a.jpg", "b.png", "c.webp?v=1"]),
        ("red, large.jpg", ",", ["red, large.jpg"]),
        ("a.jpg|b.jpg", "|", ["a.jpg", "b.jpg"]),
        ("a|b", "|", ["a", "b"]),
        ("//x.example/a.jpg,//x.example/b.jpg", ",", ["//x.example/a.jpg", "//x.example/b.jpg"]),
        (" , ", ",", []),
        ("a.jpg, b.jpg", "", ["a.jpg, b.jpg"]),
    ],
)  # fmt: skip
def test_a_comma_parts_addresses_only_where_the_next_begins(cell, separator, references):
    if cell == " , ":
        assert split_references(cell, separator) in ([], [","])
    else:
        assert split_references(cell, separator) == references


def test_the_longest_end_of_the_path_counts(folder, settings):  # noqa: F811
    red = put(folder, "p/1/main.jpg", "red")
    green = put(folder, "p/2/main.jpg", "green")
    blue = put(folder, "main.jpg", "blue")
    images = ImageFolder(folder)
    for ref, data in {
        "https://cdn.example/shop/p/1/main.jpg?v=7": red,
        "//cdn.example/other/2/main.jpg": green,
        "/p/2/main.jpg": green,
        "C:\\photos\\p\\1\\main.jpg": red,
        "P/1/MAIN.JPG": red,
        "main.jpg": blue,
    }.items():
        assert bytes_of(images, ref, settings) == data, ref
    with pytest.raises(ImageUnusable, match=r"may be any of .*p/1/main\.jpg"):
        images.store("https://cdn.example/3/main.jpg")
    assert images.by_name == 3


def test_a_name_that_two_addresses_end_in_is_the_photo_of_neither(folder, settings):  # noqa: F811
    put(folder, "main.jpg", "red")
    other = put(folder, "other.jpg", "green")
    images = ImageFolder(folder)
    for ref in ("https://x.example/1/main.jpg", "https://x.example/2/main.jpg",
                "https://x.example/1/other.jpg", "https://y.example/1/other.jpg?v=2",
                "other.jpg"):  # fmt: skip
        images.claim(ref)
    for number in (1, 2):
        with pytest.raises(ImageUnusable, match="keep the folders"):
            images.store(f"https://x.example/{number}/main.jpg")
    assert bytes_of(images, "https://x.example/1/other.jpg", settings) == other


@pytest.mark.parametrize("on_disk", ["NFC", "NFD"])
@pytest.mark.parametrize("in_file", ["NFC", "NFD"])
def test_accents_in_one_or_two_characters_are_one_name(folder, settings, on_disk, in_file):  # noqa: F811
    data = put(folder, unicodedata.normalize(on_disk, "sub/café.jpg"), "red")
    ref = unicodedata.normalize(in_file, "https://x.example/caf%C3%A9.jpg")
    assert bytes_of(ImageFolder(folder), ref, settings) == data
    ref = unicodedata.normalize(in_file, "sub/café.jpg")
    assert bytes_of(ImageFolder(folder), ref, settings) == data


@pytest.mark.parametrize("kind", ["AVIF", "BMP", "WEBP", "GIF"])
def test_kinds_of_photos_that_the_encoder_reads(folder, settings, kind):  # noqa: F811
    (folder / "a").write_bytes(photo(format=kind))
    name = ImageFolder(folder).store("a")
    assert name.endswith(kind.lower())
    assert (settings.MEDIA_ROOT / name).read_bytes() == photo(format=kind)


def test_a_refusal_shows_no_address_in_memory(folder):  # noqa: F811
    (folder / "a.jpg").write_bytes(b"no image")
    with pytest.raises(ImageUnusable) as refused:
        ImageFolder(folder).store("a.jpg")
    assert "0x" not in str(refused.value)
