"""The sockets that are listened on."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from hutch.web.server import listen
from rolerabbit.platform.listener import bound
from rolerabbit.serve import listening


@pytest.mark.parametrize("make", [listen, bound, listening])
def test_no_answer_waits_for_the_other_side_to_have_got_its_first_piece(make: Callable[[int], socket.socket]) -> None:
    """An answer goes out in two writes. Without TCP_NODELAY the second waits for a delayed acknowledgement, 40 ms."""
    with make(0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
