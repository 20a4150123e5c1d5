SUBCOMMANDS = {
    "map": "Draw the map of the catalogue that the admin shows.",
    "duplicates": "Find near-duplicate listings.",
}
