SUBCOMMANDS = {
    "count-orders": "Count what is bought together.",
    "propose-bundles": "Propose bundles from the latest orders to staff.",
}
