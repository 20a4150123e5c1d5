SUBCOMMANDS = {
    "forget": "Erase everything that is kept of a shopper.",
    "import-events": "Read events of shoppers from CSV or Parquet.",
    "tidy-events": "Create and drop partitions of events, as beat does each night.",
}
