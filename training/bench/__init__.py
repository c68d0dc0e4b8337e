"""`make bench`: speed and memory of the current model, beside its peers on the same comments.

What is measured against what stands in `__main__`; `plain` is the obvious pipeline, `peers/` the
programs that run in environments of their own. Processes that are compared run on one core each;
work inside one process is measured in the time that it keeps the core busy.

Where the time of a tagged comment goes (words seen before, batches of 4,096, 18.8 words a comment;
shares of some 45 µs on the machine of the README's figures; found by timing the stages one by one):

| stage | share | what bounds it |
| --- | ---: | --- |
| reading | 20 % | `str.split` and one dictionary look-up a chunk; the rest is a few passes over arrays |
| the network | 35 % | three rows of 128 numbers a word, from a table larger than the cache; five passes |
| word and pair sums | 15 % | gathers of 78 numbers a word, 39 a pair |
| logits | 10 % | two small matrix products and the norms |
| decisions | 8 % | passes over clauses × categories |
| `Result` objects | 12 % | Python's making of some five objects a comment |

What was tried and is no longer here: `np.add.reduceat` and `np.add.at` (over runs of wide rows three
to ten times slower than `service.nlp.runs`), multiplying the window for each word anew (four times
slower than three kept rows), reading by one regular expression after the other (ten times slower).
"""
