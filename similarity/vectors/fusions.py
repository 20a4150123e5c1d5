"""Which versions this process can keep up to date, and the fusion of each."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from similarity import conf
from similarity.encoders.base import Encoder
from similarity.encoders.fusion import Fusion
from similarity.encoders.recorded import recorded_encoder
from similarity.encoders.registry import get_encoders
from similarity.exceptions import EncoderError, VersionError
from similarity.models import EncoderVersion
from similarity.models.versions import EncoderVersionQuerySet
from similarity.vectors import upsert


def every_version() -> EncoderVersionQuerySet:
    """Every version as it is written, without its fusion, some megabytes.

    Not from a read replica: a worker that missed a promotion there would start a version anew.
    """
    return EncoderVersion.objects.using(upsert.alias()).defer("fusion")


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


def encoders_of(version: EncoderVersion) -> dict[str, Encoder]:
    """Part → the encoder this version was made with, whatever the settings name by now.

    A part that only the settings have is left out: the version goes on without it. Raises
    :class:`EncoderError` where one cannot be had any more.
    """
    return {part: recorded_encoder(part, record) for part, record in version.encoders.items()}


def encoder_of(version: EncoderVersion, part: str) -> Encoder:
    """One of :func:`encoders_of`; raises :class:`VersionError` for a part it does not have."""
    if part not in version.encoders:
        raise VersionError(
            f"Version {version.pk} has no part {part!r}, only {', '.join(version.encoders)}: set "
            f"SIMILARITY['ENCODERS'][{part!r}] and run 'manage.py similarity build --promote'."
        )
    return recorded_encoder(part, version.encoders[part])


def mismatch(version: EncoderVersion) -> str:
    """Which encoders of the version cannot be had any more; empty where all can.

    Raises :class:`EncoderError` on a machine that has not even those that are configured, and
    so cannot tell.
    """
    for encoder in get_encoders().values():
        _ = encoder.signature
    differences = []
    for part, record in version.encoders.items():
        try:
            recorded_encoder(part, record)
        except EncoderError as error:
            differences.append(str(error))
    return "; ".join(differences)


def runnable_versions() -> list[EncoderVersion]:
    """The live version and those that may follow it, as far as their encoders can be had.

    Vectors of other encoders are never mixed into a version. Raises
    :class:`VersionError` where the live version is missing or its encoders cannot be had.
    """
    runnable = []
    live = False
    for version in every_version().maintained().order_by("pk"):
        difference = mismatch(version)
        if version.status == EncoderVersion.Status.LIVE:
            live = True
            if difference:
                raise VersionError(
                    f"The live version {version.pk} was made with encoders that cannot be had "
                    f"any more ({difference}). It goes on serving and is not kept up to date: "
                    "put their weights back, or run 'manage.py similarity build --promote'."
                )
        if not difference:
            runnable.append(version)
    if not live:
        raise VersionError(
            "There is no live encoder version yet; start a worker and run "
            "'manage.py similarity embed', or run 'manage.py similarity build --promote'."
        )
    return runnable


def fusion_of(version: EncoderVersion) -> Fusion:
    """The version's fusion, read once a process."""
    return _fusion(version.pk, version.fusion_sha256)


@lru_cache(maxsize=4)
def _fusion(pk: int, sha256: str) -> Fusion:
    version = EncoderVersion.objects.using(upsert.alias()).get(pk=pk)
    if not version.artefact_is_intact():
        raise VersionError(
            f"The fusion of version {pk} does not have the hash {sha256} it was saved with; "
            "roll back with 'manage.py similarity promote --rollback', or build a new version."
        )
    return Fusion.from_bytes(bytes(version.fusion))
