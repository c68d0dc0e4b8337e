"""What comes in by itself: deliveries are checked and kept at once, and worked off after the answer.

`receive` is what an endpoint calls; `process` works off what waits, in the server and in the command alike.
"""
