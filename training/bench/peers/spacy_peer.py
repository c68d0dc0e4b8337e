"""spaCy's `textcat_multilabel` (bag of words): train, then predict in batches with `pipe`.

Run in an environment with spaCy: `python spacy_peer.py TASK.json`; prints comments/s, one a round.
"""

import json
import sys
import time
from pathlib import Path

import spacy
from spacy.training import Example

_TRAINED = 2_000
"""Comments to train on: speed does not depend on how well it learns."""


def main() -> None:
    """Train, predict, tell."""
    task = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    pipeline = spacy.blank("ru")
    textcat = pipeline.add_pipe(
        "textcat_multilabel",
        config={"model": {"@architectures": "spacy.TextCatBOW.v3", "exclusive_classes": False,
                          "ngram_size": 2, "no_output_layer": False}},
    )  # fmt: skip
    names = sorted({label for _, labels in task["train"] for label in labels})
    for name in names:
        textcat.add_label(name)
    examples = [
        Example.from_dict(pipeline.make_doc(text), {"cats": {name: float(name in labels) for name in names}})
        for text, labels in task["train"][:_TRAINED]
    ]
    pipeline.initialize(lambda: examples)
    pipeline.update(examples)
    rates = []
    for _ in range(task["rounds"]):
        started = time.process_time()
        for _ in pipeline.pipe(task["texts"], batch_size=1_024):
            pass
        rates.append(len(task["texts"]) / (time.process_time() - started))
    print(json.dumps(rates))


if __name__ == "__main__":
    main()
