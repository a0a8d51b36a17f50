"""What every route has at hand: the engine's house, and who asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from engine import files
from engine.config import Settings
from engine.errors import InvalidRequest, NotAllowed, NotFound
from engine.house import House
from engine.service.metrics import Metrics
from engine.service.security import Caller, Doorman
from engine.service.shapes import Person, number
from engine.types import Generation, GenerationRequest, Limit, Origin, PictureRecord, to_base36


@dataclass(frozen=True)
class Desk:
    settings: Settings
    home: House
    doorman: Doorman
    metrics: Metrics

    async def submit(
        self,
        caller: Caller,
        request: GenerationRequest,
        *,
        key: str | None,
        parent_id: int | None = None,
        person: Person | None = None,
    ) -> tuple[Generation, bool]:
        """Queues a job; a `key` that this caller used before returns that job, and False.

        Raises NotAllowed, InvalidRequest (the key was used for another request) and what `Dispatcher.submit` does.
        """
        if person is not None and not caller.trusted:
            raise NotAllowed("Only a trusted key may ask on behalf of somebody (`keys add --trusted`).")
        ledger_key = None if key is None else caller.ledger_key(key)
        if ledger_key is not None and (seen := await self.home.ledger.find(ledger_key)) is not None:
            asked = request if request.seed >= 0 else request.model_copy(update={"seed": seen.request.seed})
            if seen.request != asked:
                raise InvalidRequest("Idempotency-Key", key, "another key for another request")
            return seen, False
        origin = Origin(person.person, person.guild) if person else Origin(caller.person_id)
        dispatcher = self.home.dispatcher
        return await dispatcher.submit(
            request, origin, key=ledger_key, parent_id=parent_id, limits=self._limits(caller)
        ), True

    def _limits(self, caller: Caller) -> Sequence[Limit]:
        """Whoever is trusted has bounded its people by itself."""
        bounds = self.settings.limits.bounds()
        return [bound for bound in bounds if bound.scope == "all"] if caller.trusted else bounds

    async def visible(self, caller: Caller, id: str) -> Generation:
        """Raises NotFound where there is none of that id, and just so where it is somebody else's."""
        generation = await self.home.ledger.get(number(id))
        if not caller.may_see(generation):
            raise NotFound("generation", to_base36(generation.id))
        return generation

    def read(self, picture: PictureRecord) -> bytes:
        """A picture's file; blocks. Raises NotFound where it was deleted."""
        try:
            return files.picture_path(self.home.ledger.data_dir, picture.path).read_bytes()
        except FileNotFoundError:
            raise NotFound("picture", f"{to_base36(picture.generation_id)}-{picture.position}") from None


def desk(request: Request) -> Desk:
    found: Desk = request.app.state.desk
    return found


AtDesk = Annotated[Desk, Depends(desk)]

bearer = HTTPBearer(auto_error=False, description="An API key of `python -m engine keys add`.")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]


def caller(desk: AtDesk, credentials: Credentials) -> Caller:
    return desk.doorman.caller(credentials.credentials if credentials else None)


def trusted(caller: Annotated[Caller, Depends(caller)]) -> Caller:
    if not caller.trusted:
        raise NotAllowed("Only a trusted key may do this (`keys add --trusted`).")
    return caller


Asking = Annotated[Caller, Depends(caller)]
Trusted = Annotated[Caller, Depends(trusted)]

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=200,
        pattern=r"^[!-~]+$",
        description="The same key again gives the same job: nothing is painted twice when a request is repeated.",
    ),
]
