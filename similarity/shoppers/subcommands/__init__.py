SUBCOMMANDS = {
    "evaluate-sequence": "Measure a sequence model on what happened since it was trained.",
    "plot-model": "Plot a model's scores against outcomes, its calibration and its training.",
    "train-factors": "Train the factor model on what shoppers did.",
    "train-sequence": "Train the sequence model on what shoppers did.",
}
