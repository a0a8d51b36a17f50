"""RemoteEngine: an engine that is an image service elsewhere (`python -m engine serve`), or several of them.

Needs no torch here. A job is queued there under an idempotency key made of its id, so that asking again, after a lost
connection or a restart of this process, finds the same job: nothing is painted twice.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import aiohttp

from engine.errors import EaselError, EngineLost, retold
from engine.types import (
    EngineStatus,
    Event,
    GenerationRequest,
    Loading,
    ModelState,
    Origin,
    Picture,
    Progress,
    Status,
    to_base36,
)
from engine.wire import head_error

log = logging.getLogger(__name__)

LOOK_S = 5.0
"""How often each service is asked how it is; one that did not answer is asked sooner."""
LOOK_AGAIN_S = 1.0
SHORT = aiohttp.ClientTimeout(total=15.0)
"""For answers that are no picture and no stream."""
SILENCE_S = 45.0
"""A stream that says nothing for so long, not even that it is still there, is lost."""
PATIENCE_S = 60.0
"""How long a job waits for its service to come back. Then it is given up here, and tried again later."""
AHEAD = 2
"""Jobs that may wait in a service's own queue besides those it paints, so that it is never idle between two."""

Whose = Callable[[int], Awaitable[Origin]]
"""Who asked for the job of that id, so that the service takes turns between people."""


class _Away(Exception):
    """The service cannot be reached, or cannot take anything now; the message says which."""


@dataclass(slots=True)
class _Service:
    """One service, as it last was."""

    url: str
    away: str | None = "not asked yet"
    """Why it cannot be used; None where it can."""
    slots: int = 0
    device: str = "unknown"
    memory_used: int | None = None
    memory_total: int | None = None
    loaded: frozenset[str] = frozenset()
    mine: set[int] = field(default_factory=set)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it came back."""

    @property
    def free(self) -> int:
        return 0 if self.away else max(0, self.slots + AHEAD - len(self.mine))


class RemoteEngine:
    """`async with RemoteEngine(urls, whose, key=key) as engine`."""

    def __init__(
        self,
        urls: Sequence[str],
        whose: Whose,
        *,
        key: str | None = None,
        patience_s: float = PATIENCE_S,
        look_s: float = LOOK_S,
    ) -> None:
        self._services = [_Service(url.rstrip("/")) for url in urls]
        self._whose, self._key, self._patience_s, self._look_s = whose, key, patience_s, look_s
        self._http: aiohttp.ClientSession | None = None
        self._looking: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> RemoteEngine:
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5.0, sock_read=SILENCE_S)
        connector = aiohttp.TCPConnector(limit=0)  # every job holds a stream
        self._http = aiohttp.ClientSession(headers=headers, timeout=timeout, connector=connector, trust_env=True)
        await asyncio.gather(*(self._look(service) for service in self._services))
        self._looking = [
            asyncio.create_task(self._keep_looking(service), name=f"look at {service.url}")
            for service in self._services
        ]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        looking, self._looking = self._looking, []
        for task in looking:
            task.cancel()
        await asyncio.gather(*looking, return_exceptions=True)
        if self._http is not None:
            await self._http.close()

    # -- the engine's six methods

    async def generate(self, id: int, request: GenerationRequest) -> AsyncGenerator[Event]:
        """Paints there. Closing the iterator cancels the job there too.

        A service that goes away in the middle is waited for; the job goes on where it was, since it is on that
        service's disk. Raises EngineLost when patience ends.
        """
        service = await self._place(id, request.model)
        service.mine.add(id)
        try:
            for again in itertools.count():
                job, new = await self._queue(service, id, request, again)
                over: dict[str, Any] | None = None
                try:
                    async with contextlib.aclosing(self._followed(service, job)) as events:
                        async for event in events:
                            if isinstance(event, dict):
                                over = event
                            else:
                                yield event
                finally:
                    if over is None:
                        await self._cancel(service, job)
                # One that is found cancelled was cancelled from here, when this process was stopped.
                if over is not None and (new or over["status"] != Status.CANCELLED):
                    async with contextlib.aclosing(self._pictures(service, over)) as pictures:
                        async for picture in pictures:
                            yield picture
                    return
        finally:
            service.mine.discard(id)

    async def models(self) -> list[ModelState]:
        """Every model as the service has it that is furthest with it."""
        best: dict[str, ModelState] = {}
        for service in self._usable():
            with contextlib.suppress(_Away):
                for each in (await self._ask(service, "GET", "/api/models"))["data"]:
                    names = ("key", "state", "fraction", "bytes", "detail")
                    state = ModelState(**{name: each[name] for name in names})
                    if state.key not in best or _FURTHEST[state.state] > _FURTHEST[best[state.key].state]:
                        best[state.key] = state
        return list(best.values())

    async def load(self, key: str) -> AsyncGenerator[Event]:
        """Loads the model on every service, one after the other."""
        services = self._usable()
        if not services:
            raise EngineLost(self._why())
        for number, service in enumerate(services):
            try:
                async with contextlib.aclosing(self._stream(service, "POST", f"/api/models/{key}/load")) as events:
                    async for name, data in events:
                        if name == "loading":
                            done = data["fraction"]
                            yield Loading(None if done is None else (number + done) / len(services), data["text"])
                        elif name == "error":
                            raise head_error(data["error"])
            except _Away as error:
                raise EngineLost(f"{service.url}: {error}") from None

    async def unload(self, key: str) -> None:
        for service in self._usable():
            try:
                await self._ask(service, "POST", f"/api/models/{key}/unload")
            except _Away as error:
                raise EngineLost(f"{service.url}: {error}") from None

    async def status(self) -> EngineStatus:
        usable = self._usable()
        used, total = ([getattr(each, f"memory_{what}") for each in usable] for what in ("used", "total"))
        return EngineStatus(
            device=" + ".join(each.device for each in usable) or self._why(),
            free=sum(each.free for each in usable),
            running=tuple(id for each in self._services for id in each.mine),
            memory_used=sum(used) if used and None not in used else None,
            memory_total=sum(total) if total and None not in total else None,
        )

    # -- how the services are

    def _usable(self) -> list[_Service]:
        return [service for service in self._services if service.away is None]

    def _why(self) -> str:
        return "; ".join(f"{each.url}: {each.away}" for each in self._services if each.away)

    async def _keep_looking(self, service: _Service) -> None:
        while True:
            await asyncio.sleep(min(LOOK_AGAIN_S, self._look_s) if service.away else self._look_s)
            await self._look(service)

    async def _look(self, service: _Service) -> None:
        before = service.away
        try:
            await self._ask(service, "GET", "/ready")
            seen = await self._ask(service, "GET", "/api/engine")
            if not seen["trusted"]:
                raise _Away("its key is not a trusted one: make one with `python -m engine keys add NAME --trusted`")
            if len(self._services) > 1:
                models = (await self._ask(service, "GET", "/api/models"))["data"]
                service.loaded = frozenset(each["key"] for each in models if each["state"] == "loaded")
        except (_Away, EaselError) as error:
            service.away = str(error)
            if before != service.away:
                log.warning("the image service at %s cannot be used: %s", service.url, error)
            return
        service.slots, service.device = seen["slots"], seen["device"]
        service.memory_used, service.memory_total = seen["memory_used"], seen["memory_total"]
        if service.away is not None:  # which a job may have found out while this look was under way
            log.info("the image service at %s is there, on %s", service.url, service.device)
        service.away = None
        service.changed.set()

    def _gone(self, service: _Service, why: str) -> None:
        """It did not answer; the next look says when it is back."""
        if service.away is None:
            log.warning("the image service at %s is lost: %s", service.url, why)
        service.away = why
        service.changed.clear()

    async def _back(self, service: _Service, until: float) -> None:
        """Waits for a service that went away. Raises EngineLost."""
        why = service.away
        try:
            async with asyncio.timeout_at(until):
                while service.away is not None:
                    service.changed.clear()
                    await service.changed.wait()
        except TimeoutError:
            raise EngineLost(f"The image service at {service.url} does not come back: {why}.") from None

    # -- one job

    async def _place(self, id: int, model: str) -> _Service:
        """The service that has this job already; else one with room, with the model loaded, with the most room."""
        usable = self._usable()
        if not usable:
            raise EngineLost(f"No image service can be used: {self._why()}.")
        if len(usable) > 1:
            for service in usable:
                with contextlib.suppress(_Away):
                    jobs = (await self._ask(service, "GET", "/api/generations", params={"idempotency_key": _key(id)}))[
                        "data"
                    ]
                    if any(job["status"] in ("queued", "running", "stored") for job in jobs):
                        return service
        return max(usable, key=lambda each: (each.free > 0, model in each.loaded, each.free))

    async def _queue(self, service: _Service, id: int, request: GenerationRequest, again: int) -> tuple[str, bool]:
        """The job's id there, and whether it was not there before."""
        origin = await self._whose(id)
        body = request.model_dump(mode="json")
        body["on_behalf_of"] = {"person": origin.person_id, "guild": origin.guild_id}
        headers = {"Idempotency-Key": _key(id, again)}
        until = self._now() + self._patience_s
        while True:
            try:
                async with self._answer(
                    service, "POST", "/api/generations", json=body, headers=headers, timeout=SHORT
                ) as answer:
                    return str((await answer.json())["id"]), answer.status == 201
            except _Away as error:
                self._gone(service, str(error))
                await self._back(service, until)

    async def _followed(self, service: _Service, job: str) -> AsyncGenerator[Event | dict[str, Any]]:
        """The job's events; at its end, how it is recorded there."""
        until = self._now() + self._patience_s
        while True:
            try:
                async with contextlib.aclosing(
                    self._stream(service, "GET", f"/api/generations/{job}/events")
                ) as events:
                    async for name, data in events:
                        until = self._now() + self._patience_s
                        if name == "loading":
                            yield Loading(data["fraction"], data["text"])
                        elif name == "progress":
                            preview = data["preview"]
                            yield Progress(
                                data["step"], data["of"], None if preview is None else base64.b64decode(preview)
                            )
                        elif name == "done":
                            yield data["generation"]
                            return
                        elif name == "error":
                            raise head_error(data["error"])
                raise _Away("its stream ended early")
            except _Away as error:
                self._gone(service, str(error))
                await self._back(service, until)

    async def _pictures(self, service: _Service, job: dict[str, Any]) -> AsyncGenerator[Picture]:
        """Raises the error that the job ended with there."""
        if job["status"] != Status.STORED:
            error = job["error"] or {"code": "cancelled", "message": "Cancelled."}
            raise retold(error["code"], error["message"])
        until = self._now() + self._patience_s
        for each in job["pictures"]:
            while True:
                try:
                    png = await self._fetch(service, f"/api/images/{each['id']}")
                except _Away as error:
                    self._gone(service, str(error))
                    await self._back(service, until)
                else:
                    break
            yield Picture(each["position"], each["seed"], png, each["width"], each["height"])

    async def _cancel(self, service: _Service, job: str) -> None:
        """As far as it can be reached: a job that is painted for nobody costs time, and nothing else."""
        try:
            await self._ask(service, "POST", f"/api/generations/{job}/cancel")
        except (_Away, EaselError) as error:
            log.warning("job %s at %s could not be cancelled: %s", job, service.url, error)

    # -- HTTP

    @contextlib.asynccontextmanager
    async def _answer(
        self, service: _Service, method: str, path: str, **options: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """A success. Raises _Away, and the service's own errors as they were there."""
        assert self._http is not None, "the engine is not open"
        try:
            async with self._http.request(method, service.url + path, **options) as response:
                if response.status >= 400:
                    raise await _refused(response)
                yield response
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            raise _Away(str(error) or type(error).__name__) from None

    async def _ask(self, service: _Service, method: str, path: str, **options: Any) -> Any:
        async with self._answer(service, method, path, timeout=SHORT, **options) as response:
            return await response.json()

    async def _fetch(self, service: _Service, path: str) -> bytes:
        async with self._answer(service, "GET", path) as response:
            return await response.read()

    async def _stream(self, service: _Service, method: str, path: str) -> AsyncGenerator[tuple[str, dict[str, Any]]]:
        """Server-sent events, as the service writes them: one line for the name, one for the data."""
        async with self._answer(service, method, path, read_bufsize=1 << 20) as response:
            name = ""
            async for line in response.content:
                field, _, value = line.decode().rstrip("\r\n").partition(": ")
                if field == "event":
                    name = value
                elif field == "data":
                    yield name, json.loads(value)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


_FURTHEST = {"missing": 0, "broken": 1, "on disk": 2, "loading": 3, "loaded": 4}


def _key(id: int, again: int = 0) -> str:
    return to_base36(id) if not again else f"{to_base36(id)}.{again}"


async def _refused(response: aiohttp.ClientResponse) -> Exception:
    """What the service says is wrong; _Away where that passes by itself, or is not this job's fault."""
    try:
        error = (await response.json())["error"]
        message = str(error["message"])
    except (aiohttp.ClientError, ValueError, KeyError, TypeError):
        return _Away(f"it answers {response.status} {response.reason}")
    if response.status in (401, 403, 421, 429, 502, 503, 504):
        return _Away(message)
    return head_error(error)
