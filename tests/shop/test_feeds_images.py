"""Photos: only from the folder, bounded, stored once."""

from io import BytesIO

import pytest
from PIL import Image

from shop.feeds import images
from shop.feeds.images import ImageFolder, ImageUnusable
from tests.encoders import bombs


def photo(colour="red", format="JPEG", size=(8, 8)) -> bytes:
    file = BytesIO()
    Image.new("RGB", size, colour).save(file, format)
    return file.getvalue()


@pytest.fixture
def folder(tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path / "media"
    (tmp_path / "photos").mkdir()
    (tmp_path / "secret.jpg").write_bytes(photo())
    return tmp_path / "photos"


def test_the_same_bytes_are_stored_once(folder, settings):
    (folder / "a.jpg").write_bytes(photo())
    (folder / "b c.jpg").write_bytes(photo())
    store = ImageFolder(folder)
    names = {store.store("a.jpg"), store.store("https://cdn.example/x/b%20c.jpg?v=3")}
    assert len(names) == 1
    assert len(list((settings.MEDIA_ROOT / "products").iterdir())) == 1


def test_a_half_written_file_of_a_killed_import_is_replaced(folder, settings):
    (folder / "a.png").write_bytes(photo(format="PNG"))
    name = ImageFolder(folder).store("a.png")
    (settings.MEDIA_ROOT / name).write_bytes(b"half")
    assert ImageFolder(folder).store("a.png") == name
    assert (settings.MEDIA_ROOT / name).read_bytes() == photo(format="PNG")


@pytest.mark.parametrize(
    "ref",
    [
        "../secret.jpg",
        "..\\secret.jpg",
        "link.jpg",
        "https://cdn.example/..%2Fsecret.jpg",
        "file:///etc/passwd",
        "/etc/passwd",
        "a\0.jpg",
        "http://[broken",
        "https://cdn.example/",
        "x" * 5000,
        ".",
    ],
)
def test_nothing_outside_the_folder_is_read(folder, ref):
    (folder / "link.jpg").symlink_to(folder.parent / "secret.jpg")
    with pytest.raises(ImageUnusable, match="image"):
        ImageFolder(folder).store(ref)


def test_broken_images_are_refused_and_not_stored(folder, settings, monkeypatch):
    monkeypatch.setattr(images, "MAX_PIXELS", 100)
    monkeypatch.setattr(images, "MAX_BYTES", 50_000)
    whole = photo(format="PNG", size=(9, 9))
    for name, data in {
        "text.jpg": b"no image",
        "cut.png": whole[: len(whole) // 2],
        "wide.png": photo(format="PNG", size=(11, 10)),
        "tiff.jpg": photo(format="TIFF"),
        "fat.jpg": b"\xff" * 60_000,
        "empty.jpg": b"",
        "dear.jpg": bombs.jpeg_of_scans(40, 8),
    }.items():
        (folder / name).write_bytes(data)
        with pytest.raises(ImageUnusable, match=name):
            ImageFolder(folder).store(name)
    assert not settings.MEDIA_ROOT.exists()
