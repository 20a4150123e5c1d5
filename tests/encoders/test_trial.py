import json
import logging
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torchvision
from safetensors.torch import save_file

from similarity.encoders import device, runtimes, speeds, trial
from similarity.encoders.image import VisionEncoder
from similarity.encoders.text import TransformerTextEncoder
from similarity.exceptions import ConfigurationError
from tests.encoders import models
from tests.encoders.photos import content, picture, saved

TEXTS = ["red shirt for men", "bag", "", "shoe for women green red blue the bag", "the dress"]
OTHERS = ("openvino", "onnxruntime")
INSTALLED = runtimes.installed

pytestmark = pytest.mark.skipif(
    not all(INSTALLED(name) for name in OTHERS), reason="needs the extra 'fast'"
)


@pytest.fixture(autouse=True)
def _every_runtime(monkeypatch):
    monkeypatch.setattr(runtimes, "installed", INSTALLED)
    monkeypatch.setattr(speeds, "TRIAL_S", 0.0)


@pytest.fixture
def use(settings, tmp_path):
    """Sets the runtime, with the networks kept in the test's own folder."""

    def setting(runtime):
        settings.SIMILARITY = {
            "WORKERS": {"RUNTIME": runtime, "RUNTIME_DIR": str(tmp_path / "kept")}
        }
        return tmp_path / "kept"

    return setting


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    return str(models.save_bert(tmp_path_factory.mktemp("bert")))


def text_vectors(folder, runtime, use):
    use(runtime)
    encoder = TransformerTextEncoder(folder)
    found = encoder.encode_texts(TEXTS).vectors
    return encoder, found


@pytest.mark.parametrize("save", [models.save_bert, models.save_llama, models.save_t5])
def test_each_runtime_gives_the_vectors_of_torch(tmp_path, use, save):
    """Whatever runs the network, texts of every length are where the stored vectors are."""
    folder = str(save(tmp_path / "model"))
    reference, expected = text_vectors(folder, "torch", use)
    for name in OTHERS:
        encoder, found = text_vectors(folder, name, use)
        assert encoder.tower.runtime.name == name
        np.testing.assert_allclose(found, expected, atol=1e-3)
        assert encoder.signature == reference.signature


@pytest.mark.parametrize("save", [models.save_clip, models.save_siglip])
def test_both_towers_of_a_joint_model(tmp_path, use, save):
    folder = str(save(tmp_path / "model"))
    photos = [content("1", saved(picture("red"))), content("2", saved(picture("blue")))]
    use("torch")
    words = TransformerTextEncoder(folder).encode_texts(TEXTS).vectors
    pixels = VisionEncoder(folder).encode(photos).vectors
    use("openvino")
    text, image = TransformerTextEncoder(folder), VisionEncoder(folder)
    np.testing.assert_allclose(text.encode_texts(TEXTS).vectors, words, atol=1e-3)
    np.testing.assert_allclose(image.encode(photos).vectors, pixels, atol=1e-3)
    assert (text.tower.runtime.name, image.tower.runtime.name) == ("openvino", "openvino")


def test_torchvision_network(tmp_path, use):
    torch.manual_seed(1)
    file = tmp_path / "w.safetensors"
    save_file(torchvision.models.shufflenet_v2_x0_5(weights=None).state_dict(), file)
    photos = [content(str(n), saved(picture(c))) for n, c in enumerate(["red", "blue", "green"])]
    use("torch")
    expected = VisionEncoder("shufflenet_v2_x0_5", weights=str(file)).encode(photos).vectors
    for runtime in OTHERS:
        use(runtime)
        encoder = VisionEncoder("shufflenet_v2_x0_5", weights=str(file))
        np.testing.assert_allclose(encoder.encode(photos).vectors, expected, atol=1e-3)
        assert encoder.tower.runtime.name == runtime


class Clock:
    """Seconds that pass only while a fake runtime runs: the machine's own load plays no part."""

    now = 0.0

    def read(self):
        return self.now


clock = Clock()


def fakes(monkeypatch, **made):
    """Runtimes by name: functions from the sample to vectors; torch's rows are (1, 0)."""
    own = SimpleNamespace(perf_counter=clock.read, process_time=clock.read)
    monkeypatch.setattr(speeds, "time", own)
    monkeypatch.setattr(runtimes, "installed", lambda name: name in made)
    monkeypatch.setattr(runtimes, "export", lambda graph, file: file.write_text("a network"))
    monkeypatch.setattr(runtimes, "load", lambda name, *rest: made[name])
    return runtimes.Graph("digest", None, ("x",), (np.zeros((2, 1)),), ((0,),))


def slow(seconds, row=(1.0, 0.0)):
    def run(array):
        clock.now += max(seconds, 1e-4)
        return np.tile(np.array(row, np.float32), (len(array), 1))

    return run


SAMPLES = [(np.zeros((2, 1)),)]


def test_fastest_is_chosen_and_the_choice_is_kept(monkeypatch, use):
    folder = use("auto")
    graph = fakes(monkeypatch, torch=slow(0.02), openvino=slow(0.005), onnxruntime=slow(0.01))
    assert trial.choose(graph, SAMPLES).name == "openvino"
    (kept,) = folder.glob("*/choice-*.json")
    assert json.loads(kept.read_text())["runtime"] == "openvino"

    def again(*arguments):
        raise AssertionError("measured again")

    monkeypatch.setattr(trial, "measure", again)
    monkeypatch.setattr(trial, "_export", again)
    assert trial.choose(graph, SAMPLES).name == "openvino"


@pytest.mark.parametrize(
    ("measured", "name"),
    [
        ({"torch": (50, 20), "openvino": (100, 9), "onnxruntime": (95, 7)}, "onnxruntime"),
        ({"torch": (50, 2), "openvino": (100, 9), "onnxruntime": (80, 7)}, "openvino"),
        ({"openvino": (0, float("inf"))}, "openvino"),  # named, and not measured
        ({}, "torch"),
    ],
)
def test_processor_time_settles_what_is_about_as_fast(measured, name):
    """On a busy machine the clock tells of the others."""
    assert speeds.fastest({n: speeds.Speed(*s) for n, s in measured.items()}) == name


@pytest.mark.parametrize(
    ("changed", "value"),
    [("cores", 64), ("limit_threads", 7), ("processor", "another")],
)
def test_another_machine_measures_for_itself(monkeypatch, use, changed, value):
    """A cache folder may lie on a disk that machines share."""
    use("auto")
    graph = fakes(monkeypatch, torch=slow(0.01), openvino=slow(0.001))
    assert trial.choose(graph, SAMPLES).name == "openvino"
    monkeypatch.setattr(device, changed, lambda: value)
    graph = fakes(monkeypatch, torch=slow(0.001), openvino=slow(0.01))
    assert trial.choose(graph, SAMPLES).name == "torch"


def test_other_libraries_and_other_weights_are_tried_anew(monkeypatch, use):
    folder = use("auto")
    graph = fakes(monkeypatch, torch=slow(0), openvino=slow(0))
    trial.choose(graph, SAMPLES)
    monkeypatch.setattr(trial, "_version", lambda name: "99")
    trial.choose(graph, SAMPLES)
    trial.choose(runtimes.Graph("other", *list(vars(graph).values())[1:]), SAMPLES)
    assert len(list(folder.iterdir())) == 3


def test_runtime_whose_vectors_differ_is_no_candidate(monkeypatch, use, caplog):
    """Five times as fast and half a degree off: neighbours would change."""
    use("auto")
    graph = fakes(monkeypatch, torch=slow(0.01), openvino=slow(0.0, row=(0.999, 0.02)))
    with caplog.at_level(logging.WARNING):
        assert trial.choose(graph, SAMPLES).name == "torch"
    assert "openvino does not run this network: EncoderError: its vectors differ" in caplog.text


def test_runtime_that_gives_no_numbers_is_no_candidate(monkeypatch, use):
    use("auto")
    nothing = slow(0.0, row=(float("nan"), 0.0))
    graph = fakes(monkeypatch, torch=slow(0.01), openvino=nothing)
    assert trial.choose(graph, SAMPLES).name == "torch"


def test_network_that_cannot_be_exported_stays_with_torch(bert, use, monkeypatch, caplog):
    def unsupported(graph, file):
        raise RuntimeError("aten::exotic is not supported")

    monkeypatch.setattr(runtimes, "export", unsupported)
    use("auto")
    with caplog.at_level(logging.WARNING):
        encoder = TransformerTextEncoder(bert)
        assert encoder.encode_texts(["red"]).present.all()
    assert encoder.tower.runtime.name == "torch"
    assert caplog.text.count("aten::exotic") == 1


def test_folder_that_cannot_be_written_leaves_torch(bert, use, tmp_path, caplog):
    (tmp_path / "kept").write_text("a file")
    use("openvino")
    encoder = TransformerTextEncoder(bert)
    assert encoder.encode_texts(["red"]).present.all()
    assert encoder.tower.runtime.name == "torch"
    assert (
        "name a folder that the worker can write as SIMILARITY['WORKERS']['RUNTIME_DIR']"
        in caplog.text
    )


def test_killed_export_leaves_no_half_a_network(monkeypatch, use):
    folder = use("auto")
    graph = fakes(monkeypatch, torch=slow(0.01), openvino=slow(0.0))

    def killed(graph, file):
        file.write_text("half a netw")
        raise KeyboardInterrupt

    monkeypatch.setattr(runtimes, "export", killed)
    with pytest.raises(KeyboardInterrupt):
        trial.choose(graph, SAMPLES)
    assert not list(folder.glob("*/network.onnx"))
    monkeypatch.setattr(runtimes, "export", lambda graph, file: file.write_text("a network"))
    assert trial.choose(graph, SAMPLES).name == "openvino"


def test_runtime_that_kills_its_process_is_left_out_the_third_time(monkeypatch, use, caplog):
    """Else each new worker would die at the same place, and nothing be embedded ever again."""
    use("auto")
    graph = fakes(monkeypatch, torch=slow(0.01), openvino=slow(0.0))

    class Died(BaseException):
        """Stands for a crash: what would tidy up does not run."""

    def crash(self):
        raise Died

    monkeypatch.setattr("pathlib.Path.unlink", crash)
    for _ in range(speeds.MOST_DEATHS):
        with pytest.raises(Died):
            trial.choose(graph, SAMPLES)
    monkeypatch.undo()
    use("auto")
    graph = fakes(monkeypatch, torch=slow(0.01), openvino=slow(0.0))
    assert trial.choose(graph, SAMPLES).name == "torch"
    assert "2 processes died while they tried it" in caplog.text


def test_those_that_start_together_measure_once(monkeypatch, use):
    """Four children of a worker would measure each other's load."""
    use("auto")
    graph = fakes(monkeypatch, torch=slow(0.05), openvino=slow(0.01))
    measured, measure = [], trial.measure
    monkeypatch.setattr(trial, "measure", lambda *a: measured.append(1) or measure(*a))
    with ThreadPoolExecutor(4) as pool:  # a file's lock is between those that opened it
        found = list(pool.map(lambda _: trial.choose(graph, SAMPLES).name, range(4)))
    assert found == ["openvino"] * 4
    assert len(measured) == 1


def test_torch_takes_over_from_a_runtime_that_breaks(bert, use, caplog):
    """A shape it cannot do must not stop the catalogue."""
    encoder, expected = text_vectors(bert, "torch", use)

    def broken(*arrays):
        raise RuntimeError("no kernel for this shape")

    encoder.tower.runtime = trial.Runtime("openvino", broken)
    for _ in range(2):
        encoder.known.clear()
        np.testing.assert_allclose(encoder.encode_texts(TEXTS).vectors, expected, atol=1e-3)
    assert caplog.text.count("no kernel for this shape") == 1


def test_unknown_or_absent_runtime_is_named(bert, use, monkeypatch):
    use("tensorrt")
    with pytest.raises(ConfigurationError, match=r"'tensorrt'; use auto, torch"):
        TransformerTextEncoder(bert).encode_texts(["red"])
    monkeypatch.setattr(runtimes, "installed", lambda name: name == "torch")
    use("openvino")
    with pytest.raises(ConfigurationError, match=r"'openvino'.*\[fast\]"):
        TransformerTextEncoder(bert).encode_texts(["red"])
    folder = use("auto")
    assert TransformerTextEncoder(bert).encode_texts(["red"]).present.all()
    assert not folder.exists()


def test_nothing_is_tried_on_a_gpu(bert, use, monkeypatch):
    """torch's own kernels are the ones for it."""
    use("auto")
    monkeypatch.setattr(device, "device", lambda: "meta")
    tower = TransformerTextEncoder(bert)
    monkeypatch.setattr(trial, "choose", lambda *arguments: pytest.fail("a trial"))
    monkeypatch.setattr(
        "similarity.encoders.towers.TextTower.forward", lambda self, ids: np.zeros((1, 32))
    )
    assert tower.tower.runtime.name == "torch"


def test_openvino_is_imported_without_its_telemetry():
    """Workers tell no server that they started."""
    import subprocess

    code = (
        "import sys; from similarity.encoders import runtimes; "
        "print(runtimes._import_openvino().__name__, 'openvino_telemetry' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["openvino", "False"]


def test_folder_of_the_user_where_none_is_named(settings, monkeypatch, tmp_path):
    settings.SIMILARITY = {}
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert trial.home() == tmp_path / "django-similarity" / "networks"
    settings.SIMILARITY = {"WORKERS": {"RUNTIME_DIR": str(tmp_path / "own")}}
    assert trial.home() == tmp_path / "own"
