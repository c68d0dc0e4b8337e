"""Which models there are, which one is in use, and how it came to be; knows no web and no database.

`journal` is the append-only record; `switch` changes what is in use; `gate` says whether a candidate may be;
`versions` lists and describes.
"""
