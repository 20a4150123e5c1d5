SUBCOMMANDS = {
    "plot-model": "Plot a model's scores against outcomes, its calibration and its training.",
    "train-factors": "Train the factor model on what shoppers did.",
}
