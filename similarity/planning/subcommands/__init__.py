SUBCOMMANDS = {
    "co-demand": "Find products whose demand moves together.",
}
