"""The parts that faults are made of: crowds at a rate, and addresses out of the networks for tests."""

from __future__ import annotations

import ipaddress
import threading
from random import Random

import pytest

from rolerabbit.drills.crowd import Crowd
from rolerabbit.drills.errors import FaultError
from rolerabbit.drills.service import wait_for
from rolerabbit.drills.visitors import V4, V6, a_v4, a_v6_network, within


def test_a_crowd_counts_what_comes_of_it() -> None:
    turns = iter(range(10_000))
    crowd = Crowd(50.0, lambda: "even" if next(turns) % 2 == 0 else "odd", threads=1)
    wait_for(lambda: crowd.total >= 6, 20.0, "six calls")
    crowd.close()
    total = crowd.total
    assert crowd.count("even") + crowd.count("odd") == total
    assert abs(crowd.count("even") - crowd.count("odd")) <= 1
    assert crowd.count("never") == 0


def test_as_many_at_once_as_threads() -> None:
    come, go = threading.Semaphore(0), threading.Event()

    def stay() -> str:
        come.release()
        return str(go.wait(20.0))

    crowd = Crowd(1000.0, stay, threads=3)
    assert all(come.acquire(timeout=20.0) for _ in range(3))
    assert not come.acquire(timeout=0.1)
    go.set()
    crowd.close()
    assert crowd.count("True") >= 3


@pytest.mark.parametrize("seed", range(5))
def test_addresses_are_of_the_networks_for_tests(seed: int) -> None:
    dice = Random(seed)
    assert ipaddress.ip_address(a_v4(dice)) in V4
    network = a_v6_network(dice)
    assert (network.prefixlen, network.subnet_of(V6)) == (64, True)
    assert ipaddress.ip_address(within(network, dice)) in network


def test_the_same_seed_gives_the_same_address() -> None:
    assert a_v4(Random(3)) == a_v4(Random(3))
    assert a_v4(Random(3)) != a_v4(Random(4))


def test_what_does_not_come_is_said() -> None:
    with pytest.raises(FaultError, match=r"after 0\.05 s still not so: the moon is blue"):
        wait_for(lambda: False, 0.05, "the moon is blue")
