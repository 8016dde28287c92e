"""The parts of a running project: what each process of `goldstream up` does until it is asked to stop.

Every part may be killed at any moment: what it has finished is in the store, and it goes on from there.
"""

import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from typing import TYPE_CHECKING, Any

from goldstream import running
from goldstream.errors import LogUnreachable
from goldstream.run.project import Project
from goldstream.settings import Settings

if TYPE_CHECKING:
    from goldstream.sources.base import Source

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0  #: between two tries of a source that fails

Say = Callable[[str], None]


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def ingest(project: Project, stop: threading.Event) -> None:
    """Sources → log. A source that fails says so and is tried again; the others do not wait for it.

    Raises `LogUnreachable` once no broker has taken posts for `log.give-up-s`: that is for the supervisor to handle.
    """
    with ThreadPoolExecutor(max_workers=max(1, len(project.settings.sources))) as threads:
        pumps = [threads.submit(_keep_pumping, project, number, stop) for number in range(len(project.settings.sources))]
        try:
            for pump in as_completed(pumps):
                pump.result()
        except LogUnreachable:
            stop.set()  # the others can't go on either
            raise


def learn(project: Project, stop: threading.Event) -> str | None:
    """Log → dataset; and when that is full and there is no champion yet, go on as the part that makes one."""
    from goldstream.run.learn import collect_until_it_can_learn

    return "first-champion" if collect_until_it_can_learn(project, stop, _say) else None


def classify(project: Project, stop: threading.Event) -> None:
    """Log → predictions, kept posts and links, with whichever model is champion; beside it a shadow, while one is tried."""
    from goldstream.run.shadows import keep_shadows

    shadows = threading.Thread(target=keep_shadows, args=(project, stop), name="shadows")
    shadows.start()
    try:
        classify_log(project, stop, until_end=False, say=_say)
    finally:
        stop.set()
        shadows.join()


def shadow(project: Project, stop: threading.Event) -> None:
    """Log → what the version that is tried as a shadow says of it."""
    from goldstream.run.shadows import shadow_log

    shadow_log(project, stop, until_end=False, say=_say)


def web(project: Project, stop: threading.Event) -> None:
    """The pages."""
    from goldstream.web.server import serve

    serve(project.store, project.settings, stop, folder=project.folder, parts=lambda: running.look(project.data_folder))


def serving(project: Project, stop: threading.Event) -> None:
    """The champion behind REST."""
    from goldstream.run.serving import open_port, serve_as_set

    section = project.settings.serving
    with open_port(section) as listener:
        serve_as_set(project, listener, stop, _say, lambda: None, section.workers)


def first_champion(project: Project, stop: threading.Event) -> str:
    """Dataset → labels → model → champion, once; then go on collecting."""
    from goldstream.run.learn import learn

    with project.store.connect(name="first champion", statement_timeout=0) as conn:
        learn(project, conn, _say)
    return "learn"


#: What a part does until it is asked to stop; it may return the name of the part that its process goes on as.
Part = Callable[[Project, threading.Event], str | None]

#: Every part of `goldstream up`, in the order in which they start.
PARTS: Mapping[str, Part] = {
    "web": web,
    "ingest": ingest,
    "learn": learn,
    "classify": classify,
}

#: Parts that only run when the settings ask for them.
WHEN_ASKED: Mapping[str, Part] = {"serving": serving}

#: What the process of a part may go on as.
STEPS: Mapping[str, Part] = {"first-champion": first_champion}

#: Parts that another part starts while they are needed.
BESIDE: Mapping[str, Part] = {"shadow": shadow}


def chosen(settings: Settings) -> list[str]:
    """Return the parts that `goldstream up` runs, in the order in which they start."""
    return [*PARTS, *(name for name in WHEN_ASKED if settings.serving.in_up)]


def _keep_pumping(project: Project, number: int, stop: threading.Event) -> None:
    """Pump the source of this number until it is through, however often it fails."""
    from goldstream import sources
    from goldstream.stream.pump import pump

    wait_s = FIRST_WAIT_S
    while not stop.is_set():
        source = sources.build(project.settings.sources, project.folder)[number]
        log = project.log()
        try:
            pump(source, log, project.store, max_text_bytes=project.settings.stream.max_text_bytes, stop=stop, say=_say)
            return
        except LogUnreachable:
            raise
        except Exception as error:  # whatever it is: beside sources that live, a thread that ends is a silence nobody hears
            _say(f"{source.name}: {error or type(error).__name__}; it is tried again in {wait_s:.0f} s")
        finally:
            log.close()
        stop.wait(wait_s)
        wait_s = min(2 * wait_s, LONGEST_WAIT_S)


def pump_sources(project: Project, stop: threading.Event, names: Sequence[str], say: Say) -> dict[str, Any]:
    """Pump all sources (or those in `names`) side by side until they are through; return what each brought."""
    from goldstream import sources
    from goldstream.errors import GoldstreamError, SettingsError
    from goldstream.stream.pump import Pumped, pump

    built = sources.build(project.settings.sources, project.folder)
    wanted = [source for source in built if not names or source.name in names]
    if unknown := set(names) - {source.name for source in built}:
        raise SettingsError(f"no source named {', '.join(sorted(unknown))}; there are {', '.join(s.name for s in built)}")
    limit = project.settings.stream.max_text_bytes

    def one(source: "Source") -> Pumped:
        try:
            with closing(project.log()) as log:
                return pump(source, log, project.store, max_text_bytes=limit, stop=stop, say=say)
        except GoldstreamError as error:
            if len(wanted) > 1:  # the others may go on for ever
                say(f"{source.name}: {error}")
            raise

    with ThreadPoolExecutor(max_workers=max(1, len(wanted))) as threads:
        running = {source.name: threads.submit(one, source) for source in wanted}
        return {name: future.result()._asdict() for name, future in running.items()}


def classify_log(project: Project, stop: threading.Event, *, until_end: bool, say: Say) -> dict[str, Any]:
    """Classify what stands on the log, following the champion; return what was written.

    Raises `RegistryError` when it is to come to an end and there is no champion, for which it would wait for ever.
    """
    from goldstream.errors import RegistryError
    from goldstream.stream.champion import Champion
    from goldstream.stream.local import classify as loop

    settings = project.settings
    if until_end and project.registry().alias("champion") is None:
        raise RegistryError("there is no champion yet; `goldstream train` makes one, `goldstream models promote` names one")
    cache = project.data_folder / "models"
    with Champion(project.registry(), cache, say=say, part=settings.stream.reader) as champion, closing(project.log()) as log:
        counts = loop(
            log, champion, project.store, settings.stream, settings.project,
            stop=stop, until_end=until_end, say=say,
        )  # fmt: skip
    return counts._asdict()
