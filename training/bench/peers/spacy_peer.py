"""spaCy's `textcat_multilabel` (bag of words, as its quickstart has it for CPUs).

It learns labelled comments, then judges others or is timed on them. Run in an environment with spaCy:
`python spacy_peer.py TASK.json`. It prints, as JSON, the probability of each label for each text; or,
where the task has `rounds`, the comments/s of each round.
"""

import json
import random
import sys
import time
from pathlib import Path

import spacy
from spacy.language import Language
from spacy.training import Example
from spacy.util import fix_random_seed, minibatch

_SEED = 5


def main() -> None:
    """Learn; judge or be timed; tell."""
    task = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    pipeline = _learn(task["train"], task["labels"], task["options"])
    told = _time(pipeline, task["texts"], task["rounds"]) if "rounds" in task else _judge(pipeline, task)
    print(json.dumps(told))


def _learn(
    train: list[tuple[str, dict[str, bool]]], labels: list[str], options: dict[str, float]
) -> Language:
    fix_random_seed(_SEED)
    pipeline = spacy.blank("ru")
    textcat = pipeline.add_pipe(
        "textcat_multilabel",
        config={"model": {"@architectures": "spacy.TextCatBOW.v3", "exclusive_classes": False,
                          "ngram_size": 2, "no_output_layer": False, "length": 65_536}},
    )  # fmt: skip
    for label in labels:
        textcat.add_label(label)
    examples = [
        # A label that the answers lack teaches nothing: spaCy leaves it out of the loss.
        Example.from_dict(
            pipeline.make_doc(text.lower()), {"cats": {k: float(v) for k, v in answers.items()}}
        )
        for text, answers in train
    ]
    optimizer = pipeline.initialize(lambda: examples)
    dealer = random.Random(_SEED)
    optimizer.learn_rate = options["rate"]
    for _ in range(options["epochs"]):
        dealer.shuffle(examples)
        for batch in minibatch(examples, size=options["batch"]):
            pipeline.update(batch, sgd=optimizer)
    return pipeline


def _example(pipeline: Language, text: str, answers: dict[str, bool]) -> Example:
    """A label that `answers` lack teaches nothing: spaCy leaves it out of the loss."""
    cats = {label: float(answer) for label, answer in answers.items()}
    return Example.from_dict(pipeline.make_doc(text.lower()), {"cats": cats})


def _judge(pipeline: Language, task: dict) -> list[list[float]]:
    docs = pipeline.pipe((text.lower() for text in task["texts"]), batch_size=1_024)
    return [[round(doc.cats[label], 6) for label in task["labels"]] for doc in docs]


def _time(pipeline: Language, texts: list[str], rounds: int) -> list[float]:
    rates = []
    for _ in range(rounds):
        started = time.process_time()
        for _ in pipeline.pipe(texts, batch_size=1_024):
            pass
        rates.append(len(texts) / (time.process_time() - started))
    return rates


if __name__ == "__main__":
    main()
