"""The versions this process can keep up to date, and the fusion of each."""

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
    """Return every version from the primary, without its fusion of some megabytes.

    Not from a read replica: a worker that missed a promotion there would build a version again.
    """
    return EncoderVersion.objects.using(upsert.alias()).defer("fusion")


def records(encoders: Mapping[str, Encoder]) -> dict[str, dict[str, Any]]:
    """Return the record of each part's encoder for :attr:`EncoderVersion.encoders`."""
    configured = conf.get("ENCODERS")
    return {
        part: {
            "class": configured[part]["CLASS"],
            "options": configured[part].get("OPTIONS", {}),
            "signature": encoder.signature,
            "dimension": encoder.dimension,
            # Search reads this, because it knows no encoders: words find pictures.
            **({"joint": True} if part == "image" and hasattr(encoder, "encode_texts") else {}),
        }
        for part, encoder in encoders.items()
    }


def encoders_of(version: EncoderVersion) -> dict[str, Encoder]:
    """Return part → the encoder this version was made with, even if the settings have changed.

    A part that only the settings have is left out, because the version has no vectors of it.
    Raises :class:`EncoderError` if an encoder is no longer available.
    """
    return {part: recorded_encoder(part, record) for part, record in version.encoders.items()}


def encoder_of(version: EncoderVersion, part: str) -> Encoder:
    """Return a part's encoder; raise :class:`VersionError` if the version lacks the part."""
    if part not in version.encoders:
        raise VersionError(
            f"Version {version.pk} has no part {part!r}, only {', '.join(version.encoders)}: set "
            f"SIMILARITY['ENCODERS'][{part!r}] and run 'manage.py similarity build --promote'."
        )
    return recorded_encoder(part, version.encoders[part])


def mismatch(version: EncoderVersion) -> str:
    """Return which encoders of the version are no longer available; empty if all are.

    Raises :class:`EncoderError` on a machine that lacks even the configured encoders, because
    the answer is then unknown.
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
    """Return the live version and its possible successors whose encoders are available.

    Vectors of other encoders are never mixed into a version. Raises :class:`VersionError` if the
    live version is missing or its encoders are not available.
    """
    runnable = []
    live = False
    for version in every_version().maintained().order_by("pk"):
        difference = mismatch(version)
        if version.status == EncoderVersion.Status.LIVE:
            live = True
            if difference:
                raise VersionError(
                    f"The live version {version.pk} was made with encoders that are no longer "
                    f"available ({difference}). It still serves but is not kept up to date: "
                    "restore their weights, or run 'manage.py similarity build --promote'."
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
    """Return the version's fusion; each process reads it once."""
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
