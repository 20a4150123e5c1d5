"""Measure texts and photos per second: runtimes, sentence-transformers, and the effect of each aid.

    python benchmarks/encode.py                 # two to three minutes on 2 idle cores
    python benchmarks/encode.py --quick         # half a minute, for a look
    python benchmarks/encode.py --device cuda --texts 20000 --images 4000

Texts have a few to some hundred words, photos are JPEG of 300 to 1,200 pixels, all made from a
fixed seed. sentence-transformers gets the same weights and texts, sorts them by length as always,
and uses its default batch size and double that size. Each figure is the best of ``--repeat`` rounds
in which all rows of a table take turns, so that other load on the machine affects all of them. On a
busy machine, the processor time per item, over all threads, is more reliable. Exported networks go
to a temporary folder, so every run tries the runtimes again.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import django
from django.conf import settings

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from encode_inputs import make_photos, make_texts
from encode_networks import images, texts
from encode_processes import child, processes
from machine import machine


def main() -> None:
    options = arguments()
    with tempfile.TemporaryDirectory() as folder:
        configure(options.device, options.child or folder)
        if options.child:
            child(options)
            return
        print(f"{options.texts} texts, {options.images} photos; {machine()}", flush=True)
        texts(make_texts(options.texts), options.repeat)
        images(make_photos(options.images), options.repeat)
        if options.device in ("auto", "cpu"):
            processes(options, folder)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--texts", type=int, default=300, help="texts to encode (300)")
    parser.add_argument("--images", type=int, default=64, help="photos to encode (64)")
    parser.add_argument("--repeat", type=int, default=2, help="rounds, the best counts (2)")
    parser.add_argument("--device", default="auto", help="auto, cpu, mps, cuda or cuda:0")
    parser.add_argument("--quick", action="store_true", help="fewer of all, one round")
    parser.add_argument("--child", default="", help=argparse.SUPPRESS)
    parser.add_argument("--core", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.quick:
        options.texts, options.images, options.repeat = 120, 32, 1
    return options


def configure(device: str, folder: str) -> None:
    settings.configure(
        SIMILARITY={"WORKERS": {"DEVICE": device, "RUNTIME": "auto", "RUNTIME_DIR": folder}},
        INSTALLED_APPS=[],
    )
    django.setup()


if __name__ == "__main__":
    main()
