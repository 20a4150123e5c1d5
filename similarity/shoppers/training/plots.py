"""Plots of a training run: the scores against what happened, calibration, and the curves.

They are drawn from the figures stored with a model, so a model is not loaded. Only this module of
the app imports matplotlib, and only when it draws. matplotlib comes with the extra ``reports``.
"""

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

import numpy as np

from similarity.exceptions import ConfigurationError, TrainingError
from similarity.shoppers.models import ShopperModel

#: Two of Okabe and Ito's colours, distinct for the colour-blind and by lightness in grey.
FIRST, SECOND = "#0072B2", "#D55E00"
INK, GRID = "#333333", "#DDDDDD"
DPI = 100


def draw_outcomes(model: ShopperModel) -> bytes:
    """Return a PNG: how many pairs had each chance, those that happened and those that did not."""
    calibration = _calibration(model)
    figure, save = _figure(8, 3.6)
    before, after = figure.subplots(1, 2, sharey=True)
    for axes, name in ((before, "before"), (after, "after")):
        told = calibration[name]
        edges = np.linspace(0, 1, len(told["happened"]) + 1)
        for outcome, colour, hatch in (("not_happened", FIRST, ""), ("happened", SECOND, "//")):
            counts = np.array(told[outcome], dtype=float)
            axes.stairs(
                100 * counts / max(counts.sum(), 1),
                edges,
                fill=True,
                alpha=0.45,
                color=colour,
                hatch=hatch,
                label=f"{_words(outcome)} ({int(counts.sum()):,})",
            )
        axes.set_title(f"{name.capitalize()} calibration", fontsize=10, color=INK)
        axes.set_xlabel("predicted chance", color=INK)
        _plain(axes)
    before.set_ylabel("share of the pairs, %", color=INK)
    figure.legend(
        *before.get_legend_handles_labels(),
        loc="outside lower center",
        ncols=2,
        frameon=False,
        fontsize=9,
    )
    return save()


def draw_calibration(model: ShopperModel) -> bytes:
    """Return a PNG: the share of pairs that happened against the chance, with their numbers."""
    calibration = _calibration(model)
    figure, save = _figure(6.4, 5.6)
    curve, counts = figure.subplots(2, 1, height_ratios=(3, 1), sharex=True)
    curve.plot([0, 1], [0, 1], ":", color=INK, lw=1, label="perfect")
    for name, colour, marker in (("before", FIRST, "s--"), ("after", SECOND, "o-")):
        told = calibration[name]
        pairs = np.add(told["happened"], told["not_happened"])
        there = pairs > 0
        curve.plot(
            np.array(told["predicted"])[there],
            (np.array(told["happened"]) / np.maximum(pairs, 1))[there],
            marker,
            color=colour,
            label=f"{name}: Brier {told['brier']:.4f}, ECE {told['ece']:.4f}",
        )
        edges = np.linspace(0, 1, len(pairs) + 1)
        counts.stairs(pairs, edges, color=colour, lw=1.5, ls="--" if name == "before" else "-")
    curve.set_ylabel("share that happened", color=INK)
    curve.legend(frameon=False, fontsize=9, loc="upper left")
    counts.set_yscale("symlog", linthresh=1)
    counts.set_ylabel("pairs", color=INK)
    counts.set_xlabel(
        f"predicted chance, of pairs with {calibration['negatives']} drawn negatives each",
        color=INK,
    )
    for axes in (curve, counts):
        _plain(axes)
    return save()


def draw_curves(model: ShopperModel) -> bytes:
    """Return a PNG: the loss and the measures of validation by epoch."""
    curves = drawable(model)
    figure, save = _figure(8, 3.2)
    loss, measure = figure.subplots(1, 2)
    for name, values in curves.items():
        axes = loss if name == "loss" else measure
        epochs = [at + 1 for at, value in enumerate(values) if value is not None]
        known = [value for value in values if value is not None]
        style = ("o-", FIRST) if name != "recall" else ("s--", SECOND)
        axes.plot(epochs, known, style[0], color=style[1], ms=3.5, label=name)
    for axes, title in ((loss, "Loss"), (measure, "Validation, at 10")):
        axes.set_title(title, fontsize=10, color=INK)
        axes.set_xlabel("epoch", color=INK)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_ylim(bottom=0)
        _plain(axes)
    if measure.lines:
        measure.legend(frameon=False, fontsize=9)
    return save()


#: Name → function that draws it.
PLOTS: Mapping[str, Callable[[ShopperModel], bytes]] = {
    "calibration": draw_calibration,
    "outcomes": draw_outcomes,
    "curves": draw_curves,
}


def describe(model: ShopperModel, plot: str) -> str:
    """Return the plot in words, for readers who do not see it."""
    if plot == "curves":
        curves = drawable(model)
        epochs = max(map(len, curves.values()))
        ends = "; ".join(_run_of(name, values) for name, values in curves.items())
        return f"Training over {epochs} epochs: {ends}."
    calibration = _calibration(model)
    before, after = calibration["before"], calibration["after"]
    if plot == "calibration":
        return (
            f"Calibration curve. Expected calibration error {before['ece']:.4f} before and "
            f"{after['ece']:.4f} after; Brier score {before['brier']:.4f} and "
            f"{after['brier']:.4f}."
        )
    means = ", ".join(
        f"{_mean_chance(after[outcome], after['predicted']):.2f} for those that "
        f"{'happened' if outcome == 'happened' else 'did not'}"
        for outcome in ("happened", "not_happened")
    )
    return (
        f"Predicted chances of {sum(after['happened']):,} pairs that happened and "
        f"{sum(after['not_happened']):,} that did not. After calibration the mean is {means}."
    )


def drawable(model: ShopperModel) -> dict[str, list[float | None]]:
    """Return the loss and the measures by epoch; raise :class:`TrainingError` without any."""
    curves = model.curves
    found = {name: curves[name] for name in ("loss", "ndcg", "recall") if curves.get(name)}
    if not found:
        raise TrainingError(f"{model} has no training curves; it ended before its first epoch.")
    return found


def _calibration(model: ShopperModel) -> dict[str, Any]:
    found = model.figures.get("calibration")
    if not found:
        raise TrainingError(f"{model} has no calibration; train a new {model.kind} model.")
    return dict(found)


def _figure(width: float, height: float) -> tuple[Any, Callable[[], bytes]]:
    """Return an empty figure, and a function that returns it as a PNG."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigurationError(
            f"Plots need matplotlib, which cannot be imported ({error}); "
            "install it with: pip install 'django-similarity[reports]'"
        ) from error
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)

    def save() -> bytes:
        buffer = BytesIO()
        figure.savefig(buffer, format="png", metadata={"Software": None})
        return buffer.getvalue()

    return figure, save


def _plain(axes: Any) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.grid(color=GRID, lw=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=9, colors=INK)


def _words(outcome: str) -> str:
    return outcome.replace("not_happened", "did not happen")


def _mean_chance(counts: list[int], predicted: list[float]) -> float:
    """Return the mean of the bins' chances, by their numbers of pairs."""
    return float(np.dot(counts, predicted) / max(sum(counts), 1))


def _run_of(name: str, values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{name} from {known[0]:.4f} to {known[-1]:.4f}" if known else f"{name} unknown"
