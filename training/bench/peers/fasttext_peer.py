"""fastText supervised, one against all: learn labelled comments, then judge others or be timed on them.

Run in an environment with fastText: `python fasttext_peer.py TASK.json`. It prints, as JSON, the
probability of each label for each text; or, where the task has `rounds`, the comments/s of each round.
"""

import json
import re
import sys
import tempfile
import time
from pathlib import Path

import fasttext
from fasttext.FastText import _FastText as Model

_WORD = re.compile(r"\w+")


def main() -> None:
    """Learn; judge or be timed; tell."""
    task = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    model = _learn(task["train"], task["options"])
    texts = [_line(text) for text in task["texts"]]
    told = _time(model, task["texts"], task["rounds"]) if "rounds" in task else _judge(model, texts, task)
    print(json.dumps(told))


def _line(text: str) -> str:
    return " ".join(_WORD.findall(text.lower()))


def _learn(train: list[tuple[str, dict[str, bool]]], options: dict[str, float]) -> Model:
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        for text, answers in train:
            labels = [label for label, answer in answers.items() if answer] or ["none"]
            file.write(" ".join(f"__label__{label}" for label in labels) + f" {_line(text)}\n")
        file.flush()
        return fasttext.train_supervised(
            file.name, loss="ova", minn=2, maxn=5, dim=100, thread=1, verbose=0, **options
        )


def _judge(model: Model, texts: list[str], task: dict) -> list[list[float]]:
    told = []
    for text in texts:
        labels, probabilities = model.predict(text, k=-1)
        own = dict(zip((label.removeprefix("__label__") for label in labels), probabilities, strict=True))
        told.append([min(1.0, float(own.get(label, 0.0))) for label in task["labels"]])
    return told


def _time(model: Model, texts: list[str], rounds: int) -> list[float]:
    rates = []
    for _ in range(rounds):
        started = time.process_time()
        for text in texts:
            model.predict(_line(text), k=-1, threshold=0.5)
        rates.append(len(texts) / (time.process_time() - started))
    return rates


if __name__ == "__main__":
    main()
