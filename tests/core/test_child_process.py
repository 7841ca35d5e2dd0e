"""A real child, and every way in which it can stop answering."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.child_process import CRASHES, ChannelClosed, ChildEnded, ChildProcess, LineTooLong

CHILD = """
import os, subprocess, sys, time
from core.child_process import end_after, take_channel

channel = take_channel()
print("a library prints this")
for line in channel.lines():
    word, _, rest = line.decode().partition(" ")
    if word == "echo":
        channel.send(rest.encode() + b"\\n")
    elif word == "slowly":
        channel.send(b"first half, ")
        time.sleep(float(rest))
        channel.send(b"second half\\n")
    elif word == "exit":
        os._exit(int(rest))
    elif word == "kill":
        os.kill(os.getpid(), int(rest))
    elif word == "close":
        channel.answers.close()
        time.sleep(60)
    elif word == "flood":
        channel.send(b"x" * 2_000_000)
    elif word == "alarm":
        end_after(0.1)
        time.sleep(60)
    elif word == "no-alarm":
        end_after(0.1)
        end_after(0)
        time.sleep(0.3)
        channel.send(b"alive\\n")
    elif word == "start":
        one = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        channel.send(f"{one.pid}\\n".encode())
    elif word == "variable":
        channel.send(os.environ.get(rest, "none").encode() + b"\\n")
"""


@pytest.fixture
def child(tmp_path, monkeypatch):
    (tmp_path / "a_child.py").write_text(CHILD)
    monkeypatch.syspath_prepend(str(tmp_path))
    environment = {"A_NAME": "a value", "PATH": os.environ["PATH"]}
    started = ChildProcess("a_child", environment=environment, stderr=subprocess.DEVNULL)
    yield started
    started.kill()


def test_lines_are_answered_in_order_and_what_the_child_prints_is_none(child):
    child.send(b"echo one\necho two\n")
    child.send(b"echo three\n")

    assert [child.receive(30) for _ in range(3)] == [b"one", b"two", b"three"]


def test_the_child_has_the_environment_that_it_was_given_and_no_other(child, monkeypatch):
    child.send(b"variable A_NAME\nvariable HOME\n")

    assert [child.receive(30), child.receive(30)] == [b"a value", b"none"]


def test_half_a_line_is_kept_until_the_rest_has_come(child):
    child.send(b"slowly 0.5\n")
    answer = None
    while answer is None:
        answer = child.receive(0.02)

    assert answer == b"first half, second half"


@pytest.mark.parametrize(
    ("order", "code", "how"),
    [
        (b"exit 3\n", 3, "exit code 3"),
        (b"kill 11\n", -11, "SIGSEGV"),
        (b"alarm\n", -14, "SIGALRM"),
    ],
)
def test_a_child_that_ends_says_how(child, order, code, how):
    child.send(order)
    before = CRASHES.total
    with pytest.raises(ChildEnded, match=f"^{how}$") as caught:
        child.receive(30)

    assert caught.value.code == code
    assert child.exit_code() == code
    child.send(b"echo\n")  # nobody reads it, which is no error of the one that writes
    assert CRASHES.total - before == (code < 0)


def test_an_alarm_that_is_taken_back_ends_nothing(child):
    child.send(b"no-alarm\n")
    assert child.receive(30) == b"alive"


def test_a_child_that_closes_its_channel_is_lost_though_it_runs(child):
    child.send(b"close\n")
    with pytest.raises(ChannelClosed):
        child.receive(30)
    assert child.exit_code() is None


def test_a_line_without_end_is_not_kept(child):
    child.send(b"flood\n")
    with pytest.raises(LineTooLong, match="1048576 bytes"):
        child.receive(30)


@pytest.mark.parametrize("ends_first", [False, True])
def test_what_the_child_has_started_ends_with_it(child, ends_first):
    child.send(b"start\n")
    grandchild = int(child.receive(30))
    if ends_first:
        child.send(b"exit 0\n")
        with pytest.raises(ChildEnded):
            child.receive(30)

    child.kill()
    child.kill()

    assert is_gone(grandchild)


def test_a_child_whose_parent_is_gone_ends(tmp_path):
    (tmp_path / "a_child.py").write_text(CHILD)
    program = (
        f"import os, sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from core.child_process import ChildProcess\n"
        "child = ChildProcess('a_child', environment=os.environ, stderr=2)\n"
        "child.send(b'echo ready\\n'); child.receive(30)\n"
        "print(child.pid, flush=True); os._exit(0)\n"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert is_gone(int(answer.stdout))


def is_gone(pid):
    """Wait until a process is gone or a zombie that nobody of ours must reap."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False
