"""fastText: train on labelled comments, then predict them one by one, as its Python call does.

Run in an environment with fastText: `python fasttext_peer.py TASK.json`; prints comments/s, one a round.
"""

import json
import re
import sys
import tempfile
import time
from pathlib import Path

import fasttext

_WORD = re.compile(r"\w+")


def _line(text: str) -> str:
    return " ".join(_WORD.findall(text.lower()))


def main() -> None:
    """Train, predict, tell."""
    task = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        for text, labels in task["train"]:
            file.write(" ".join(f"__label__{label}" for label in labels or ["none"]) + f" {_line(text)}\n")
        file.flush()
        model = fasttext.train_supervised(
            file.name, loss="ova", minn=2, maxn=5, dim=100, epoch=5, thread=1, verbose=0
        )
    rates = []
    for _ in range(task["rounds"]):
        started = time.process_time()
        for text in task["texts"]:
            model.predict(_line(text), k=-1, threshold=0.5)
        rates.append(len(task["texts"]) / (time.process_time() - started))
    print(json.dumps(rates))


if __name__ == "__main__":
    main()
