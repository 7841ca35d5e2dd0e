"""Batches on a cluster of a head and two workers, of which processes and machines die.

`test_ray.py` runs these in a process of their own: Ray ends its process without a word when it
loses what it is connected to, and would take other tests along.
"""

import os
import signal
import time
from dataclasses import replace

import numpy as np
import psutil
import pytest

from core.batch.on_ray import import_ray
from core.batch.run import run_batch
from core.batch.spec import Engine
from core.errors import AssayError
from tests.core.batch.conftest import COUNT, assert_each_once, rows_in

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray warns of its own settings
MEBI = 2**20


class LocalCluster:
    """A head that runs nothing and two machines with a processor each, all on this machine."""

    def __init__(self):
        # By default nothing is spilled to a disk of which one part in twenty is free.
        os.environ["RAY_local_fs_capacity_threshold"] = "1"  # noqa: SIM112 Ray spells it so
        import_ray()
        from ray.cluster_utils import Cluster

        head = {"num_cpus": 0, "object_store_memory": 80 * MEBI, "include_dashboard": False}
        self.cluster = Cluster(initialize_head=True, head_node_args=head)
        self.workers = [self.add() for _ in range(2)]

    def add(self):
        return self.cluster.add_node(num_cpus=1, object_store_memory=80 * MEBI)

    @property
    def address(self):
        return self.cluster.address

    def kill_actor(self):
        """Kill one process that judges, as a lack of memory would."""
        (actor, *_) = self.actors()
        os.kill(actor.pid, signal.SIGKILL)

    def actors(self):
        raylets = [node.all_processes["raylet"][0].process.pid for node in self.workers]
        below = [one for pid in raylets for one in psutil.Process(pid).children(recursive=True)]
        return [one for one in below if "MapWorker" in " ".join(one.cmdline())]

    def kill_machine(self):
        """Kill all processes of one machine."""
        self.cluster.remove_node(self.workers.pop(), allow_graceful=False)

    def repair(self):
        while len(self.workers) < 2:
            self.workers.append(self.add())


@pytest.fixture(scope="module")
def started():
    one = LocalCluster()
    yield one
    one.cluster.shutdown()


@pytest.fixture
def cluster(started):
    started.repair()
    return started


@pytest.fixture
def on_ray(spec, cluster):
    return replace(spec, engine=Engine.RAY, address=cluster.address, workers=2, part_size=2)


def test_nothing_of_it_listens_beyond_this_machine(cluster):
    own = psutil.Process().children(recursive=True)
    of_ray = [one for one in own if "ray" in " ".join(one.cmdline()[:2])]
    ports = [
        (one.name(), port.laddr.ip.removeprefix("::ffff:"))
        for one in of_ray
        for port in one.net_connections("inet")
        if port.status == psutil.CONN_LISTEN
    ]
    assert {name for name, _ in ports} >= {"gcs_server", "raylet"}
    assert {ip for _, ip in ports} == {"127.0.0.1"}
    assert os.environ["RAY_AUTH_MODE"] == "token"


class Once:
    """Does something when the first part is there; a callback for progress."""

    def __init__(self, work):
        self.work, self.done = work, []

    def __call__(self, step, done, total):
        if step == "Assessing" and not self.done:
            self.work()
            self.done.append(step)


def test_no_row_is_lost_when_objects_are_spilled_and_an_actor_dies(
    on_ray, cluster, expected, tiny_product, capfd
):
    import ray

    ballast = []

    def spill_and_kill():
        ballast.extend(ray.put(np.zeros(20 * MEBI, np.uint8)) for _ in range(8))
        assert all(ray.get(one).nbytes == 20 * MEBI for one in ballast)  # twice what it holds
        cluster.kill_actor()  # what its successor is made of was spilled with them

    at_first = Once(spill_and_kill)
    found = run_batch(on_ray, tiny_product.settings, at_first)
    assert at_first.done
    assert (found.pictures, found.earlier, found.unread) == (COUNT, 0, 3)
    assert_each_once(on_ray.out, expected)
    assert capfd.readouterr() == ("", "")


def test_a_machine_that_dies_takes_no_row_along(on_ray, cluster, expected, tiny_product):
    at_first = Once(cluster.kill_machine)
    found = run_batch(on_ray, tiny_product.settings, at_first)
    assert at_first.done
    assert found.pictures == COUNT
    assert_each_once(on_ray.out, expected)


@pytest.fixture
def unhurried(monkeypatch):
    """The thread that deals out work takes longer to end than the two seconds that Ray gives it."""
    from ray.data._internal.execution.streaming_executor import StreamingExecutor

    run, ended = StreamingExecutor.run, []

    def run_and_linger(self):
        run(self)
        time.sleep(4)
        ended.append(ray_is_up())

    monkeypatch.setattr(StreamingExecutor, "run", run_and_linger)
    return ended


def ray_is_up():
    import ray

    return ray.is_initialized()


def test_what_fails_on_another_machine_is_reported_in_its_own_words(
    on_ray, tiny_product, unhurried
):
    def take_away(step, done, total):
        if step == "Listing" and total:
            (on_ray.out / "_run").write_text("another run")

    with pytest.raises(AssayError, match="Another run writes to"):
        run_batch(on_ray, tiny_product.settings, take_away)
    assert rows_in(on_ray.out) == []
    assert unhurried == [True], "Ray was shut down under a thread that still uses it"
    assert not ray_is_up()
