SUBCOMMANDS = {
    "status": "Show where indexing stands and what to do next.",
    "embed": "Mark products for embedding, by workers or in this process.",
    "build": "Build an encoder version with the present settings.",
    "promote": "Make a version live, or roll back to the previous version.",
    "build-cells": "Build the cells of a version again.",
    "reconcile": "Find and repair stale, missing and orphaned vectors.",
    "triggers": "Install, drop or show the triggers that see every change.",
    "evaluate": "Measure quality on catalogues whose answers are known.",
}
