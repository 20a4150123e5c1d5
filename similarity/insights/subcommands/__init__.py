SUBCOMMANDS = {
    "map": "Draw the map of the catalogue that the admin shows.",
    "duplicates": "Find listings that are as good as the same.",
}
