"""Object storage for real: a server that speaks S3 (moto), reached by the command through s3fs."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

Begin = Callable[..., "subprocess.Popen[str]"]
Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def storage() -> Iterator[dict[str, str]]:
    """The environment in which `s3://` leads to a server on this machine."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    server.stop()


@pytest.fixture(scope="module")
def client(storage: dict[str, str]) -> Any:
    """Looks at what lies there."""
    return boto3.client(
        "s3",
        endpoint_url=storage["AWS_ENDPOINT_URL"],
        aws_access_key_id=storage["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=storage["AWS_SECRET_ACCESS_KEY"],
        region_name=storage["AWS_DEFAULT_REGION"],
    )


@pytest.fixture(scope="module")
def bucket(client: Any, few: Path) -> str:
    """A bucket with a folder of answers."""
    client.create_bucket(Bucket="answers")
    client.put_object(Bucket="answers", Key="2026/few.csv", Body=few.read_bytes())
    client.put_object(Bucket="answers", Key="2026/notes.pdf", Body=b"not a table")
    return "s3://answers"


def _line(models: Path, *words: object) -> list[str]:
    return [sys.executable, "-m", "service.cli", "backfill", *map(str, words), "--models", str(models)]


def test_killed_and_gone_on_with(
    storage: dict[str, str], client: Any, bucket: str, command: Command, models: Path, project: Path,
    few: Path, tmp_path: Path,
) -> None:  # fmt: skip
    """A folder of a bucket into a bucket, killed half-way: the same bytes as from file to file."""
    environment = os.environ | storage | {"PYTHONPATH": os.pathsep.join((str(project), *sys.path))}
    assert command(few, "--output", tmp_path / "local.csv").returncode == 1, "some rows cannot be tagged"
    line = _line(models, f"{bucket}/2026", "--output", f"{bucket}/out/tagged.csv", "--chunk-rows", 1)
    with subprocess.Popen(line, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL) as process:
        journal = tmp_path / "var/backfill/s3_answers_out_tagged.csv.work/journal.jsonl"
        while not journal.exists() or journal.read_bytes().count(b"\n") < 10:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert "Contents" not in client.list_objects_v2(Bucket="answers", Prefix="out/")
    done = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert "going on with the run" in done.stderr
    assert done.returncode == 1
    body = client.get_object(Bucket="answers", Key="out/tagged.csv")["Body"].read()
    assert body == (tmp_path / "local.csv").read_bytes()
    listed = client.list_objects_v2(Bucket="answers", Prefix="out/")["Contents"]
    assert [own["Key"].removeprefix("out/") for own in listed] == [
        "tagged.csv", "tagged.csv.quarantine.csv", "tagged.csv.report.html",
    ]  # fmt: skip
    again = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (again.returncode, "is there already" in again.stderr) == (2, True)


@pytest.mark.parametrize(
    ("source", "output", "change", "message"),
    [
        ("s3://answers/none.csv", "s3://answers/a.csv", {}, "none.csv: found no such file"),
        ("s3://answers/2026", "s3://nowhere/a.csv", {}, "cannot be written (The specified bucket does not"),
        ("s3://answers/2026", "a.csv", {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "Could not connect"),
    ],
    ids=["no such file", "no such bucket", "no server"],
)
def test_what_cannot_be_reached(
    storage: dict[str, str], client: Any, bucket: str, models: Path, project: Path, tmp_path: Path,
    source: str, output: str, change: dict[str, str], message: str,
) -> None:  # fmt: skip
    """It is told in one line, and no bucket is made by a slip of the pen."""
    environment = os.environ | storage | {"PYTHONPATH": os.pathsep.join((str(project), *sys.path))} | change
    done = subprocess.run(
        _line(models, source, "--output", output),
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert message in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert [own["Name"] for own in client.list_buckets()["Buckets"]] == ["answers"]
