SUBCOMMANDS = {
    "count-orders": "Count orders for products bought together.",
    "propose-bundles": "Propose bundles from the latest orders to staff.",
}
