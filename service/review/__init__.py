"""What people look at and how they answer: the queue, the figure of agreement, and annotators' own tools.

Knows no HTTP. `exchange` takes corrections in, whatever way they come; `label_studio`, `doccano` and
`excel` are each one form of a task on its way out and back.
"""
