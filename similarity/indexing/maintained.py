"""Which versions this process can keep up to date, and the fusion of each."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from similarity import conf
from similarity.encoders.base import Encoder
from similarity.encoders.fusion import Fusion
from similarity.encoders.registry import get_encoders
from similarity.exceptions import VersionError
from similarity.indexing import vectors
from similarity.models import EncoderVersion
from similarity.models.versions import EncoderVersionQuerySet


def every_version() -> EncoderVersionQuerySet:
    """Every version as it is written, without its fusion, some megabytes.

    Not from a read replica: a worker that missed a promotion there would start a version anew.
    """
    return EncoderVersion.objects.using(vectors.alias()).defer("fusion")


def records(encoders: Mapping[str, Encoder]) -> dict[str, dict[str, Any]]:
    """What :attr:`EncoderVersion.encoders` keeps of each part's encoder."""
    configured = conf.get("ENCODERS")
    return {
        part: {
            "class": configured[part]["CLASS"],
            "options": configured[part].get("OPTIONS", {}),
            "signature": encoder.signature,
            "dimension": encoder.dimension,
            # Read by search, which knows no encoders: words find pictures.
            **({"joint": True} if part == "image" and hasattr(encoder, "encode_texts") else {}),
        }
        for part, encoder in encoders.items()
    }


def mismatch(version: EncoderVersion, encoders: Mapping[str, Encoder]) -> str:
    """How the configured encoders differ from those of the version; empty where they do not.

    A part that only the settings have is no difference: the version goes on without it.
    """
    differences = []
    for part, record in version.encoders.items():
        encoder = encoders.get(part)
        found = encoder.signature if encoder else "none"
        if found != record["signature"]:
            differences.append(f"{part} was {record['signature']}, now {found}")
    return "; ".join(differences)


def runnable_versions() -> list[EncoderVersion]:
    """The live version and those that may follow it, as far as they have our encoders.

    Vectors of other encoders are never mixed into a version. Raises
    :class:`VersionError` where the live version is missing or of other encoders.
    """
    encoders = get_encoders()
    runnable = []
    live = False
    for version in every_version().maintained().order_by("pk"):
        difference = mismatch(version, encoders)
        if version.status == EncoderVersion.Status.LIVE:
            live = True
            if difference:
                raise VersionError(
                    f"The live version {version.pk} was made with other encoders than "
                    f"SIMILARITY['ENCODERS'] names ({difference}). It goes on serving and is not "
                    "kept up to date: run 'manage.py build_version --promote', or put the "
                    "settings back."
                )
        if not difference:
            runnable.append(version)
    if not live:
        raise VersionError(
            "There is no live encoder version yet; start a worker and run 'manage.py embed', "
            "or run 'manage.py build_version --promote'."
        )
    return runnable


def fusion_of(version: EncoderVersion) -> Fusion:
    """The version's fusion, read once a process."""
    return _fusion(version.pk, version.fusion_sha256)


@lru_cache(maxsize=4)
def _fusion(pk: int, sha256: str) -> Fusion:
    version = EncoderVersion.objects.using(vectors.alias()).get(pk=pk)
    if not version.artefact_is_intact():
        raise VersionError(
            f"The fusion of version {pk} does not have the hash {sha256} it was saved with; "
            "roll back with 'manage.py promote --rollback', or build a new version."
        )
    return Fusion.from_bytes(bytes(version.fusion))
