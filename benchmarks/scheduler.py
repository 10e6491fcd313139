"""What does a case cost the dask scheduler, a dask worker and the machine that leads, beside the measuring itself?

`python benchmarks/scheduler.py --cases 3000` sends cases that do nothing through a scheduler and a worker, each a
process of its own, and prints CPU for each case, memory, and how many cases a second all of it could bear at most.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

from radnb.work.parallel import cluster, map_cases


@contextlib.contextmanager
def started(folder: Path, threads: int) -> Iterator[tuple[Path, dict[str, psutil.Process]]]:
    """Yield the scheduler file and the processes of a scheduler and of a worker."""
    file = folder / "scheduler.json"
    commands = {"scheduler": ["scheduler", "--port", "0", "--no-dashboard"],
                "worker": ["worker", "--nthreads", str(threads), "--no-nanny", "--no-dashboard"]}
    running = {name: subprocess.Popen([sys.executable, "-m", "dask", *words, "--scheduler-file", str(file)],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
               for name, words in commands.items()}
    try:
        while not file.exists():
            time.sleep(0.2)
        yield file, {name: psutil.Process(process.pid) for name, process in running.items()}
    finally:
        for process in running.values():
            process.terminate()
            process.wait()


def cpu(process: psutil.Process) -> float:
    """Return the CPU seconds of a process itself, without its children."""
    return process.cpu_times().user + process.cpu_times().system


def count_messages() -> None:
    """Run on the scheduler: count what goes in and out."""
    from distributed.comm import tcp

    def counted(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **more: Any) -> Any:
            tcp.messages += 1
            return method(*given, **more)

        return call

    tcp.messages = 0
    tcp.TCP.read, tcp.TCP.write = counted(tcp.TCP.read), counted(tcp.TCP.write)


def messages() -> int:
    """Run on the scheduler: return the count."""
    from distributed.comm import tcp

    return int(tcp.messages)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=3000)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, started(Path(folder), given.threads) as (file, processes), \
            cluster(str(file)) as found:
        assert len(list(map_cases(math.sqrt, [1.0] * 100, cluster=found, label=None))) == 100  # warm
        found.client.run_on_scheduler(count_messages)
        processes["this machine"] = psutil.Process()
        before = {name: cpu(process) for name, process in processes.items()}
        held = processes["scheduler"].memory_info().rss
        began = time.perf_counter()
        ended = len(list(map_cases(math.sqrt, range(given.cases), cluster=found, label="cases that do nothing")))
        seconds = time.perf_counter() - began
        assert ended == given.cases
        print(f"{given.cases / seconds:.0f} cases a second at most\n| process | CPU ms a case | MB |\n|---|---|---|")
        for name, process in processes.items():
            print(f"| {name} | {1000 * (cpu(process) - before[name]) / given.cases:.2f} | "
                  f"{process.memory_info().rss / 1e6:.0f} |")
        grown = (processes["scheduler"].memory_info().rss - held) / given.cases
        print(f"{found.client.run_on_scheduler(messages) / given.cases:.1f} messages a case; the scheduler grew by "
              f"{grown:.0f} bytes a case.")


if __name__ == "__main__":
    main()
