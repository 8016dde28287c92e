"""The public stream of Bluesky, by Jetstream (v1 or v2): no account is needed.

A thread reads the socket and does nothing else, so that pings are always answered; a bounded queue stands between it
and whoever reads the posts. After a lost connection it goes on at another host, a few seconds before the last event that
is safe: networks repeat themselves, and the same post again changes nothing.
"""

import queue
import random
import sys
import threading
import time
from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple
from urllib.parse import urlencode

from msgspec import Meta
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from goldstream.errors import SettingsError, SourceError
from goldstream.records import Post, to_columns
from goldstream.settings import Positive, Section
from goldstream.sources.base import Arrival, Reject
from goldstream.sources.bluesky_dictionary import LARGEST_FRAME, Dictionary, fetch_dictionary, read_dictionary
from goldstream.sources.bluesky_events import COLLECTION, Event, Terminal, read_event

V1_HOSTS = tuple(f"wss://jetstream{number}.us-{coast}.bsky.network" for number in (1, 2) for coast in ("east", "west"))
V2_HOSTS = ("wss://jetstream.us-east.bsky.network", "wss://jetstream.us-west.bsky.network")
V2_PATH = "/xrpc/network.bsky.jetstream.subscribeEvents"

REWIND_US = 5_000_000  #: how far before the last safe event a new connection begins
GAP_US = 60_000_000  #: a first event this much later than the cursor means that the host no longer had the rest
QUEUED = 20_000  #: events
BATCH = 2_000
IDLE_S = 0.5
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 60.0


class BlueskySettings(Section, frozen=True, kw_only=True):
    """The `[[sources]]` section with `type = "bluesky"`."""

    type: str = "bluesky"
    name: Annotated[str, Meta(min_length=1)] = "bluesky"
    protocol: Literal["v1", "v2"] = "v1"  #: the older one is spoken by more hosts
    hosts: tuple[str, ...] = ()  #: `wss://…`; without any, the public ones
    languages: tuple[str, ...] = ()  #: only posts that declare one of these; all without
    silence_s: Annotated[float, Meta(gt=0)] = 60.0  #: a connection that says nothing for this long is given up
    dictionary: str | None = None  #: v1's zstd dictionary file, to receive less than half the bytes; v2 fetches its own
    max_message_bytes: Positive = 1 << 20


class Bluesky:
    """Every public post, edit and deletion. The cursor is `HOST PLACE TIME`: a time (v1) or a number of that host (v2)."""

    Settings = BlueskySettings

    def __init__(self, settings: BlueskySettings) -> None:
        self.settings = settings
        self._hosts = settings.hosts or (V1_HOSTS if settings.protocol == "v1" else V2_HOSTS)
        self._closed = threading.Event()
        self._events: queue.Queue[tuple[str, bytes]] = queue.Queue(QUEUED)
        self._safe = Safe()
        self._by_time = False  # the host no longer has our number
        self._languages = frozenset(language.lower() for language in settings.languages)
        self._socket: ClientConnection | None = None
        self._thread: threading.Thread | None = None
        if settings.protocol == "v2" and settings.dictionary is not None:
            raise SettingsError(
                f"{settings.name}: `dictionary` is for v1; v2 fetches its dictionary from the host: leave it out"
            )
        self._of_file = read_dictionary(settings.dictionary) if settings.dictionary is not None else None
        self._of_host: dict[str, Dictionary | None] = {}  # v2: None when the host gave none, and sends plain JSON

    @property
    def name(self) -> str:
        """What this source is called in the store."""
        return self.settings.name

    def read(self, cursor: str | None) -> Iterator[Arrival]:
        """Yield what comes after `cursor`, for ever; an empty batch at least every half second."""
        host, place, time_us = self._safe = _parse(cursor)
        self._thread = threading.Thread(target=self._receive, name=self.name, daemon=True)
        self._thread.start()
        while not self._closed.is_set():
            posts: list[Post] = []
            rejects: list[Reject] = []
            deadline = time.monotonic() + IDLE_S
            while len(posts) < BATCH and (left := deadline - time.monotonic()) > 0:
                try:
                    host, frame = self._events.get(timeout=left)
                except queue.Empty:
                    break
                event = self._read(frame, rejects)
                if event is not None and event.place > 0:
                    place = event.place if self.settings.protocol == "v2" else max(place, event.place)
                    time_us = max(time_us, event.time_us)
                if event is not None and event.post is not None and self._wanted(event.post):
                    posts.append(event.post)
            self._safe = Safe(host, place, time_us)
            yield Arrival(to_columns(posts), f"{host} {place} {time_us}" if place > 0 else cursor, tuple(rejects))

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        self._closed.set()
        if self._socket is not None:
            self._socket.close()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _read(self, frame: bytes, rejects: list[Reject]) -> Event | None:
        try:
            return read_event(frame)
        except (ValueError, RecursionError) as error:
            rejects.append(Reject(str(error), frame[: 64 << 10], self.name))
            return None
        except Terminal as error:
            _say(f"{self.name}: the host ended the stream: {error}")
            return None

    def _wanted(self, post: Post) -> bool:
        if not self._languages or post.kind != "create":  # what is edited or deleted may have been let in before
            return True
        return post.lang is not None and post.lang.partition("-")[0].lower() in self._languages

    # The socket's thread -----------------------------------------------------------------------------------------

    def _receive(self) -> None:
        """Connect, pass frames on, connect again: for ever, at one host after the other."""
        wait_s, number = FIRST_WAIT_S, self._hosts.index(self._safe.host) if self._safe.host in self._hosts else 0
        while not self._closed.is_set():
            host = self._hosts[number % len(self._hosts)]
            started = time.monotonic()
            try:
                self._listen(host, self._safe)
            except Exception as error:  # whatever it is, a thread that ends would be a silence nobody hears
                if isinstance(error, InvalidStatus) and error.response.status_code == 400:
                    number -= self._learn(host, bytes(error.response.body or b""))
                _say(f"{self.name}: {host}: {error or type(error).__name__}; connecting again in about {wait_s:.1f} s")
            if time.monotonic() - started > self.settings.silence_s:
                wait_s = FIRST_WAIT_S
            self._closed.wait(wait_s * random.uniform(0.5, 1.5))
            wait_s, number = min(2 * wait_s, LONGEST_WAIT_S), number + 1

    def _listen(self, host: str, safe: "Safe") -> None:
        """Pass on the frames of one connection, which begins a little before `safe`, until it ends."""
        first, dictionary = True, self._dictionary(host)
        url = self._url(host, safe, dictionary)
        protocols = [Subprotocol("xrpc.v1.json")] if self.settings.protocol == "v2" else None
        with connect(
            url, subprotocols=protocols, max_size=LARGEST_FRAME, compression=None, open_timeout=15, close_timeout=1
        ) as socket:
            self._socket = socket
            while not self._closed.is_set():
                frame = self._frame(socket, dictionary)
                if first:
                    self._notice_gap(frame, safe)
                    first = self._by_time = False
                while not self._closed.is_set():
                    try:
                        self._events.put((host, frame), timeout=IDLE_S)
                        break
                    except queue.Full:
                        continue  # the reader is slower than the network: the socket waits

    def _frame(self, socket: ClientConnection, dictionary: Dictionary | None) -> bytes:
        try:
            message = socket.recv(timeout=self.settings.silence_s)
        except TimeoutError:
            raise TimeoutError(f"it said nothing for {self.settings.silence_s:g} s") from None
        if isinstance(message, str):
            return message.encode()
        return message if dictionary is None else dictionary.decompress(message)

    def _learn(self, host: str, refusal: bytes) -> bool:
        """Do otherwise what a host refused (v2), and say whether the same host is worth another try."""
        if b"UnknownZstdDictionary" in refusal:  # it has a newer one
            return self._of_host.pop(host, None) is not None
        self._by_time = True  # `CursorTooOld`
        return False

    def _dictionary(self, host: str) -> Dictionary | None:
        if self.settings.protocol == "v1":
            return self._of_file
        if host not in self._of_host:
            self._of_host[host] = fetch_dictionary(host)
        return self._of_host[host]

    def _url(self, host: str, safe: "Safe", dictionary: Dictionary | None) -> str:
        size = self.settings.max_message_bytes
        if self.settings.protocol == "v1":
            query = [("wantedCollections", COLLECTION), ("maxMessageSizeBytes", str(size))]
            query += [("cursor", str(safe.time_us - REWIND_US))] * (safe.time_us > 0)
            query += [("compress", "true")] * (dictionary is not None)
            return f"{host}/subscribe?{urlencode(query)}"
        query = [
            ("collections", COLLECTION),
            ("kinds", "commit"),
            ("kinds", "account"),
            ("maxMessageSizeBytes", str(size)),
        ]
        if dictionary is not None:
            query.append(("zstdDictionary", str(dictionary.id)))
        if safe.place > 0 and host == safe.host and not self._by_time:
            query.append(("cursor", str(safe.place)))
        elif safe.time_us > 0:  # the numbers of another host mean nothing here, but times do
            query.append(("cursor", str(safe.time_us - REWIND_US)))
        return f"{host}{V2_PATH}?{urlencode(query)}"

    def _notice_gap(self, frame: bytes, safe: "Safe") -> None:
        try:
            event = read_event(frame)
        except (ValueError, RecursionError, Terminal):
            return
        if safe.time_us and event.time_us - safe.time_us > GAP_US:
            minutes = (event.time_us - safe.time_us) / 60_000_000
            _say(
                f"{self.name}: the host's memory begins {minutes:,.0f} minutes after the cursor; posts of that time are missing"
            )


class Safe(NamedTuple):
    """The newest event that has been handed on."""

    host: str = ""
    place: int = 0
    time_us: int = 0


def _parse(cursor: str | None) -> Safe:
    try:
        host, place, time_us = (cursor or " 0 0").split(" ")
        return Safe(host, int(place), int(time_us))
    except ValueError:
        raise SourceError(f"the stored cursor {cursor!r} is not one of a bluesky source") from None


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
