"""Facts about a version in the admin, beside the facts about the live version."""

from datetime import timedelta
from typing import Any

from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html
from django.utils.timesince import timesince

from similarity.models import EncoderVersion
from similarity.parts import PARTS
from similarity.vectors import indexes
from similarity.versions import build

Status = EncoderVersion.Status

_NOTHING = "–"


def badge(version: EncoderVersion) -> str:
    """Return the version's state as a coloured word."""
    return format_html('<span class="similarity-state similarity-{0}">{0}</span>', version.status)


def building_text(version: EncoderVersion, *, running: bool) -> str:
    """Return the progress of a build; empty when the version is built."""
    if version.status != Status.BUILDING:
        return ""
    return build.described(version.progress, running=running) or "begun"


def rows(version: EncoderVersion, live: EncoderVersion | None) -> list[tuple[str, str, str]]:
    """Return (name, value of this version, value of the live version) for every fact to compare."""
    first = _facts(version)
    second = _facts(live) if live is not None and live.pk != version.pk else {}
    names = list(dict.fromkeys([*first, *second]))
    return [(name, first.get(name, _NOTHING), second.get(name, _NOTHING)) for name in names]


def _facts(version: EncoderVersion) -> dict[str, str]:
    figures, facts = version.figures, {"state": version.status}
    facts["numbers in a fused vector"] = f"{version.dimensions.get('fused', 0):,}"
    for part in _parts(version):
        share = f"{version.weights.get(part, 0):.0%} by weight"
        facts[part] = f"{version.dimensions.get(part, 0):,} numbers, {share}"
        facts[f"{part} by"] = str(version.encoders.get(part, {}).get("signature", _NOTHING))
    facts["fitted on"] = f"{version.fitted_on:,} products"
    if "products" in figures:
        facts["embedded when built"] = f"{figures['products']:,} products"
        facts["failed when built"] = f"{figures.get('failed', 0):,}"
    for name, key in (("embedding took", "embed_s"), ("indexing took", "index_s")):
        if key in figures:
            facts[name] = _duration(figures[key])
    facts |= _index_sizes(version)
    facts["made"] = _ago(version.created_at)
    if version.promoted_at:
        facts["went live"] = _ago(version.promoted_at)
    return facts


def _parts(version: EncoderVersion) -> list[str]:
    """Return the parts in the order of explanations, the host's own parts last.

    The database stores no order.
    """
    own = sorted(version.encoders.keys() - set(PARTS))
    return [part for part in (*PARTS, *own) if part in version.encoders]


def _index_sizes(version: EncoderVersion) -> dict[str, str]:
    sizes = indexes.bytes_of(version, indexes.sizes())
    facts = {
        f"no index on {column}": state
        for column, state in indexes.states(version).items()
        if state != indexes.VALID
    }
    for column, size in sizes.items():
        name = "cells of fused" if column == "cells" else f"index on {column}"
        facts[name] = filesizeformat(size)
    return facts


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else str(timedelta(seconds=round(seconds)))


def _ago(moment: Any) -> str:
    return f"{moment:%Y-%m-%d %H:%M}, {timesince(moment, depth=1)} ago"
