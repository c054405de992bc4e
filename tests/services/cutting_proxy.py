"""A relay on the loopback interface that breaks the connection between a program and a database at a chosen place."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

#: How the order to commit begins, as MySQL's protocol has it.
COMMIT = b"\x03COMMIT"


@dataclass
class CuttingProxy:
    """What passes by, and when to break it.

    Attributes
    ----------
    cut_after
        Is told each packet on its way to the server. Where it says yes, the server gets the packet and does what it
        says, and the connection is broken instead of handing the answer back.
    cuts
        How often that was done.
    """

    port: int
    cut_after: Callable[[bytes], bool] = lambda _packet: False
    cuts: int = 0

    def relay(self, client: socket.socket, server: socket.socket) -> None:
        """Pass everything on, both ways."""
        cut = threading.Event()

        def outward() -> None:
            with suppress(OSError):
                while data := client.recv(1 << 16):
                    if self.cut_after(data):
                        cut.set()
                    server.sendall(data)
            _close(client, server)

        def homeward() -> None:
            with suppress(OSError):
                while data := server.recv(1 << 16):
                    if cut.is_set():
                        self.cuts += 1
                        break
                    client.sendall(data)
            _close(client, server)

        for way in (outward, homeward):
            threading.Thread(target=way, daemon=True).start()


def _close(*ends: socket.socket) -> None:
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextmanager
def cutting_proxy(server_port: int) -> Iterator[CuttingProxy]:
    """Relay connections to a server on this machine; yield the relay."""
    listener = socket.create_server(("127.0.0.1", 0))
    proxy = CuttingProxy(listener.getsockname()[1])
    ends: list[socket.socket] = []

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", server_port))
                ends.extend((client, server))
                proxy.relay(client, server)

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield proxy
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join()
        _close(*ends)
        for end in ends:
            end.close()
