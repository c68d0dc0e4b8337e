"""`make bench`: speed and memory of the current model, beside its peers on the same comments.

What is measured against what stands in `__main__`; `plain` is the obvious pipeline, `peers/` the
programs that run in environments of their own. Processes that are compared run on one core each;
work inside one process is measured in the time that it keeps the core busy.

Where the time of a tagged comment goes is measured too (part `stages`), for words seen before: reading is
bound by `str.split` and one dictionary look-up a chunk; scoring by gathering some six hundred numbers a word
from tables larger than the cache; deciding by passes over clauses × categories; the making of `Result`
objects by Python. For words never seen, nearly all of it is the dictionary of pymorphy3.

What was tried and is no longer here: `np.add.reduceat` and `np.add.at` (over runs of wide rows three
to ten times slower than `service.nlp.runs`), multiplying the window for each word anew (four times
slower than three kept rows), reading by one regular expression after the other (ten times slower).
"""
