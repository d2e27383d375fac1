"""Worker processes: if one is killed, only the responsible job fails."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from allin1_mlx.batch.workers import Workers
from allin1_mlx.errors import AllInOneError, AudioError


def double(number: int) -> int:
    return 2 * number


def fail(text: str) -> None:
    raise AudioError(text)


def kill_oneself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def is_deaf() -> bool:
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def wait(seconds: float) -> str:
    time.sleep(seconds)
    return "done"


@pytest.mark.parametrize("count", [0, 2])
def test_results_and_errors_are_returned(count: int) -> None:
    with Workers(count) as workers:
        jobs = [workers.submit(double, number) for number in range(5)]
        failing = workers.submit(fail, "song.wav: is no music")
        assert [job.result() for job in jobs] == [0, 2, 4, 6, 8]
        with pytest.raises(AudioError, match=r"song\.wav: is no music"):
            failing.result()


@pytest.mark.parametrize("count", [0, 1])
def test_work_in_a_thread_continues_while_the_caller_does(count: int) -> None:
    with Workers(count) as workers:
        slow, failing = workers.submit_beside(wait, 0.3), workers.submit_beside(fail, "no music")
        assert not slow.done()
        assert slow.result() == "done"
        with pytest.raises(AudioError, match="no music"):
            failing.result()


def test_ctrl_c_never_reaches_the_processes() -> None:
    with Workers(1) as workers:
        assert workers.submit(is_deaf).result()
    assert not is_deaf()


def test_a_killed_process_fails_only_its_job() -> None:
    with Workers(2) as workers:
        before = [workers.submit(double, number) for number in range(2)]
        killed = workers.submit(kill_oneself)
        unlucky = workers.submit(wait, 1.0)
        assert [job.result() for job in before] == [0, 2]
        with pytest.raises(AllInOneError, match="was killed"):
            killed.result()
        assert unlucky.result() == "done"
        assert workers.submit(double, 21).result() == 42


def test_processes_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import os, time\n"
        "from allin1_mlx.batch.workers import Workers\n"
        "if __name__ == '__main__':\n"
        "    workers = Workers(1)\n"
        "    print(workers.submit(os.getpid).result(), flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        os.kill(worker, 0)
        parent.kill()
    end = time.monotonic() + 10
    while _runs(worker):
        assert time.monotonic() < end, "the process outlives its parent"
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:  # a zombie that nobody waits for does not run
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
