"""The commands of `otklik`, one module each: `add` tells argparse its options, `run` does it.

A module here imports at its top only what its options need, so that `otklik --help` and each other command
start fast; what the work itself needs is imported in `run`.
"""
