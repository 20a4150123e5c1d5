SUBCOMMANDS = {
    "status": "Show where indexing stands and what to do next.",
    "embed": "Mark products for embedding, by workers or in this process.",
    "build": "Make an encoder version with the present settings.",
    "promote": "Make a version the live one, or go back to the one before.",
    "build-cells": "Make the cells of a version anew.",
    "reconcile": "Find and repair what is stale, missing or orphaned.",
    "triggers": "Install, drop or show the triggers that see every change.",
    "evaluate": "Measure quality on catalogues whose answers are known.",
}
