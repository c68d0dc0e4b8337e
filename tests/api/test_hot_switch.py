"""Workers follow the model in use without failing a request, and refuse one that is not sound."""

import asyncio
import json
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from threading import Thread

from service.nlp.artefact import current_version, load_tagger, set_current
from service.nlp.lemmas import Lemmatizer
from service.nlp.tagger import Comment
from service.registry.journal import reigns
from service.registry.switch import promote, rollback, settle
from tests.registry.variants import add_variant
from tests.test_server import free_port, wait_until_ready

REQUESTS = 10_000
CONNECTIONS = 8
WORKERS = 2
SECONDS = 120
TEXT = "станок отличный, везли долго"


@contextmanager
def _serving(models: Path, workers: int) -> Iterator[int]:
    port = free_port()
    options = ["--port", str(port), "--models", str(models), "--workers", str(workers)]
    command = [sys.executable, "-m", "service.cli", "serve", *options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            wait_until_ready(f"http://127.0.0.1:{port}")
            yield port
        finally:
            process.terminate()
            process.wait(20)


def _post(body: dict[str, object]) -> bytes:
    content = json.dumps(body, ensure_ascii=False).encode()
    head = "POST /v1/predict HTTP/1.1\r\nHost: otklik\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


async def _ask(port: int, answers: list[tuple[bytes, bytes]], count: int) -> None:
    """Ask `count` times over one connection; each answer as its status line and body."""
    requests = cycle([_post({"comments": [{"id": "1", "text": text}]}) for text in (TEXT, "")])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in islice(requests, count):
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(h[15:]) for h in head.lower().split(b"\r\n") if h.startswith(b"content-length:"))
        answers.append((head.split(b"\r\n", 1)[0], await reader.readexactly(length)))
    writer.close()
    await writer.wait_closed()


async def _ask_all(port: int) -> list[tuple[bytes, bytes]]:
    answers: list[tuple[bytes, bytes]] = []
    async with asyncio.timeout(SECONDS):
        await asyncio.gather(*(_ask(port, answers, REQUESTS // CONNECTIONS) for _ in range(CONNECTIONS)))
    return answers


def test_ten_thousand_requests_during_twenty_promotions(own_models: Path) -> None:
    """No request fails; each answer names a model that was in use and is what that model says."""
    first = current_version(own_models)
    versions = [first, *(add_variant(own_models, f"2026-12-01-{i:06d}", i / 4) for i in range(1, 11))]
    lemmatizer = Lemmatizer()
    taggers = [load_tagger(own_models, version, lemmatizer) for version in versions]
    expected = {t.version: [r.to_json() for r in t.tag([Comment(TEXT), Comment("")])] for t in taggers}

    def switch() -> None:
        for version in versions[1:]:
            promote(own_models, version, "test", forced="load")
            time.sleep(0.3)
        for _ in versions[1:]:
            rollback(own_models, "test")
            time.sleep(0.3)

    with _serving(own_models, WORKERS) as port:
        switching = Thread(target=switch)
        switching.start()
        answers = asyncio.run(_ask_all(port))
        while switching.is_alive():
            answers += asyncio.run(_ask_all(port))
        switching.join()
    assert Counter(status for status, _ in answers) == {b"HTTP/1.1 200 OK": len(answers)}
    assert len(answers) >= REQUESTS
    named = set()
    for body in {body for _, body in answers}:
        answer = json.loads(body)
        named.add(answer["model"])
        [result] = answer["results"]
        result.pop("id")
        assert result in expected[answer["model"]]
    assert len(reigns(settle(own_models))) == 21
    assert len(named) > 5


def test_a_model_that_is_not_sound_is_refused_while_serving(own_models: Path) -> None:
    """The old model serves on and says why; once a sound one is named, it is taken."""
    first = current_version(own_models)
    tampered = add_variant(own_models, "2026-12-01-bad000", 0.5)
    (own_models / tampered / "rule.json").write_text("{}", encoding="utf-8")
    sound = add_variant(own_models, "2026-12-01-900d00", 0.5)
    with _serving(own_models, 1) as port:
        set_current(own_models, tampered)
        state = _wait_for(port, lambda state: "refused" in state)
        assert state["model"] == first
        assert "rule.json is not as it was made" in str(state["refused"])
        metrics = _get(port, "/metrics")
        assert "otklik_models_refused_total 1.0" in metrics
        set_current(own_models, "nowhere")
        _wait_for(port, lambda state: "nowhere" in str(state["refused"]))
        set_current(own_models, sound)
        assert _wait_for(port, lambda state: state["model"] == sound) == {"status": "ready", "model": sound}
        assert f'otklik_model{{version="{sound}"}} 1.0' in _get(port, "/metrics")


def _get(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
        return str(answer.read().decode())


def _wait_for(port: int, reached: Callable[[dict[str, object]], bool]) -> dict[str, object]:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        state = json.loads(_get(port, "/readyz"))
        if reached(state):
            return dict(state)
        time.sleep(0.05)
    raise TimeoutError(f"the worker is still {state}")
