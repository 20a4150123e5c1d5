SUBCOMMANDS = {
    "search-index": "Make the search documents of the whole catalogue.",
    "train-ranker": "Learn from judgements or clicks how to order results.",
}
