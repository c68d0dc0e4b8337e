"""HTTP outwards: a guarded client, its limits, and one module a platform's API. Knows no database."""
