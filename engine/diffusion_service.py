"""DiffusionService: the engine as plain calls, for scripts, notebooks and consoles.

    from engine import DiffusionService

    with DiffusionService(output_dir="pictures") as service:
        result = service.generate_image("a red apple on a white table", seed=7)
        result["images"][0].show()

No event loop is needed, and one that runs already is not disturbed: everything asynchronous happens in a thread of the
service's own. Models are loaded when they are first asked for, and stay. Pictures and history are kept in the output
folder as any Easel keeps them.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypedDict, TypeVar

from PIL import Image

from engine import files, house
from engine.config import EngineConfig, Settings, StorageConfig
from engine.errors import EaselError
from engine.house import House
from engine.images import read_metadata
from engine.ledger import HistoryFilter
from engine.types import Generation, GenerationRequest, Origin, Status

PYTHON = Origin(person_id="python")

T = TypeVar("T")


class Result(TypedDict):
    """`success` is False where nothing was painted; `message` says why. The lists go together, one item a picture."""

    success: bool
    message: str
    images: list[Image.Image]
    paths: list[str]
    seeds: list[int]
    metadata: list[dict[str, Any]]


class Entry(TypedDict):
    """One generation of the history."""

    id: str
    created_at: str
    prompt: str
    negative_prompt: str
    model: str
    num_inference_steps: int
    guidance_scale: float
    width: int
    height: int
    sampler: str
    seeds: list[int]
    paths: list[str]


class DiffusionService:
    """Opened when it is first asked for something; closed by `close`, by `with`, or with the program."""

    def __init__(
        self,
        output_dir: str | Path = "outputs",
        *,
        model: str | None = None,
        engine: EngineConfig | None = None,
        settings: Settings | None = None,
    ) -> None:
        """`model` is painted with until another is loaded; `settings` are those of a config.toml (`load_settings`)."""
        settings = settings or Settings()
        storage = StorageConfig.model_validate(settings.storage.model_dump() | {"data_dir": Path(output_dir)})
        self._settings = settings.model_copy(update={"storage": storage, "engine": engine or settings.engine})
        self._catalog = self._settings.catalog()
        self._model = model or self._settings.default_model
        self._opening = threading.Lock()
        self._running: _Running | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def current_model(self) -> str:
        """What paints next."""
        return self._model

    def load_model(self, key: str) -> tuple[bool, str]:
        """Downloads the model where that is needed, loads it, and paints with it from now on: (success, message)."""
        try:
            self._catalog.get(key)
            self._do(_load(self._house, key))
        except EaselError as error:
            return False, str(error)
        self._model = key
        return True, f"{key} is loaded."

    def unload_model(self) -> tuple[bool, str]:
        """Frees what the current model holds; it is loaded again when it is needed: (success, message)."""
        try:
            self._do(self._house.engine.unload(self._model))
        except EaselError as error:
            return False, str(error)
        return True, f"{self._model} is unloaded."

    def generate_image(
        self,
        prompt: str,
        negative_prompt: str | None = None,
        num_inference_steps: int | None = None,
        guidance_scale: float | None = None,
        width: int | None = None,
        height: int | None = None,
        seed: int = -1,
        num_images: int = 1,
        *,
        model: str | None = None,
        sampler: str | None = None,
    ) -> Result:
        """Paints 1 to 4 pictures and waits for them. What is None takes the model's default; -1 is a random seed.

        Nothing is raised for what can go wrong with a request: `success` and `message` tell.
        """
        try:
            request = self._catalog.request(
                model or self._model,
                prompt,
                negative_prompt=negative_prompt,
                num_inference_steps=num_inference_steps,
                guidance_scale=guidance_scale,
                width=width,
                height=height,
                seed=seed,
                num_images=num_images,
                sampler=sampler,
            )
            done = self._do(_paint(self._house, request))
        except EaselError as error:
            return _failed(str(error))
        if done.status is not Status.STORED:
            return _failed(done.error_text or f"The job ended as {done.status}.")
        paths = self._paths(done)
        images = [_opened(path) for path in paths]
        count = len(images)
        return Result(
            success=True,
            message=f"{count} picture{'s' if count > 1 else ''} in {done.seconds_running or 0:.1f} s.",
            images=images,
            paths=[str(path) for path in paths],
            seeds=[picture.seed for picture in done.pictures],
            metadata=[read_metadata(path) for path in paths],
        )

    def get_history(self, limit: int = 100, *, search: str | None = None) -> list[Entry]:
        """What was painted into the output folder, newest first. Deleted pictures are left out of `paths`."""
        found = self._do(self._house.ledger.history(HistoryFilter(search=search), limit=limit))
        return [self._entry(each) for each in found]

    def close(self) -> None:
        """Ends the engine. Whoever asks for something afterwards opens it again."""
        with self._opening:
            running, self._running = self._running, None
        if running is not None:
            running.close()

    def _entry(self, generation: Generation) -> Entry:
        request = generation.request
        return Entry(
            id=generation.short_id,
            created_at=generation.created_at.isoformat(),
            prompt=request.prompt,
            negative_prompt=request.negative_prompt,
            model=request.model,
            num_inference_steps=request.num_inference_steps,
            guidance_scale=request.guidance_scale,
            width=request.width,
            height=request.height,
            sampler=request.sampler.value,
            seeds=[picture.seed for picture in generation.pictures],
            paths=[str(path) for path in self._paths(generation)],
        )

    def _paths(self, generation: Generation) -> list[Path]:
        folder = self._settings.storage.data_dir
        return [files.picture_path(folder, each.path) for each in generation.pictures if each.deleted_at is None]

    @property
    def _house(self) -> House:
        """Raises EaselError where the output folder is in use, or cannot be written."""
        with self._opening:
            if self._running is None:
                self._running = _Running(self._settings)
            return self._running.house

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs it in the service's thread, and waits. Ctrl-C cancels it there too."""
        running = self._running
        assert running is not None, "the house is asked for first"
        return running.do(work)


class _Running:
    """The thread with the event loop, and the house in it."""

    def __init__(self, settings: Settings) -> None:
        opened: Future[House] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live(settings, opened)), name="easel")
        self._thread.start()
        self.house = opened.result()
        # Its connections have threads that Python waits for at its end, before any atexit function is called: who
        # closes them must not be one of those functions, but a thread that sees the main one end.
        threading.Thread(target=self._close_with_program, name="easel's end").start()

    async def _live(self, settings: Settings, opened: Future[House]) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        try:
            async with house.opened(settings, drain_s=0) as home:
                opened.set_result(home)
                await self._stop.wait()
        except BaseException as error:  # whatever it is: who opens must not wait for ever
            if opened.done():
                raise
            opened.set_exception(error)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        doing = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return doing.result()
        except BaseException:
            doing.cancel()
            raise

    def close(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()

    def _close_with_program(self) -> None:
        main = threading.main_thread()
        while self._thread.is_alive():
            main.join(1.0)
            if not main.is_alive():
                self.close()


async def _load(home: House, key: str) -> None:
    async for _ in home.engine.load(key):
        pass  # whoever wants to see the progress has the asynchronous engine


async def _paint(home: House, request: GenerationRequest) -> Generation:
    job = await home.dispatcher.submit(request, PYTHON)
    try:
        async for update in home.dispatcher.watch(job.id):
            if update.generation is not None:
                return update.generation
    except asyncio.CancelledError:  # Ctrl-C while waiting: nothing stays queued for the next start
        await home.dispatcher.cancel(job.id)
        raise
    return await home.ledger.get(job.id)


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        image.load()
        return image.copy()


def _failed(message: str) -> Result:
    return Result(success=False, message=message, images=[], paths=[], seeds=[], metadata=[])
