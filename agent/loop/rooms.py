"""The rooms of a session: where it is, what each room's adapter is, where each turn was asked.

The only writer of `Room`s and of what the student holds.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from adapters.jobs.store import HOME, AdapterStore, Version
from agent.learning.task import home_label, label
from agent.recording.rooms import Rooms, warm_up_end
from agent.turns.answerers import Answerers, Room
from agent.turns.others import other_rooms
from agent.whereabouts.whereabouts import Move
from core.errors import RoomwiseError
from core.events import Activated, Failed, RoomEntered
from core.ports import Say
from models.lora import Adapter, base_of, read_adapter


class RoomKeeper:
    """`here` is the room one is in. Runs on the session's thread."""

    def __init__(
        self, answerers: Answerers, here: Room, store: AdapterStore, past: Rooms, warm_up: int, say: Say
    ) -> None:
        self.here = here
        self._answerers, self._store, self._say = answerers, store, say
        self._warm_up = warm_up
        self._base = base_of(answerers.student.name)
        self._rooms = {here.name: here}
        self._asked_in = dict(past.asked)
        self._stays = dict(past.asked)
        """What each turn's warm-up is counted by: the room it was asked in."""
        self._counted_by = ""
        self._activated = ("", "")

    def room_of(self, turn: int) -> str:
        """The room that a turn was asked in."""
        return self._asked_in.get(turn, self.here.name)

    def asked(self, turn: int) -> None:
        """This turn is asked here."""
        self._asked_in[turn], self._stays[turn] = self.here.name, self._stay

    def asked_here(self, last: int) -> int:
        """How many questions up to the turn `last` were of this room's warm-up or came after it."""
        return sum(stay == self._stay for turn, stay in self._stays.items() if turn <= last)

    def in_warm_up(self, turn: int) -> bool:
        """Whether the turn is of the warm-up of the room it was asked in."""
        return turn <= warm_up_end(self._stays, turn, self._stays.get(turn, self._stay), self._warm_up)

    @property
    def _stay(self) -> str:
        return self._counted_by or self.here.name

    def count_anew(self, stay: str) -> None:
        """Count the warm-up by this name and not by the room, for who compares with rooms not told apart."""
        self._counted_by = stay

    def recount(self, stays: Mapping[int, str]) -> None:
        """Count turns that are past by these names, likewise."""
        self._stays |= stays

    def enter(self, move: Move) -> None:
        """Be in another room from now on: its pairs, its adapter, its own warm-up."""
        before = self.here
        if move.moved:
            self._answerers.memory.move(before.name, move.room)
            for asked in (self._asked_in, self._stays):
                asked |= {turn: move.room for turn, room in asked.items() if room == before.name}
        takeover = replace(before.takeover, audits=[])
        self.here = self._rooms.setdefault(move.room, Room(move.room, takeover=takeover))
        told = {"new": move.new, "reason": move.reason, "moved": move.moved, "kind": move.kind}
        self._say(RoomEntered, room=move.room, before=before.name, **told)
        self.report_problems(move.room)
        self.activate()

    def report_problems(self, *rooms: str) -> None:
        """Say which versions of these rooms' adapters cannot be used."""
        for room in rooms:
            for problem in self._store.problems(room):
                self._say(Failed, what="adapter", error=problem)

    def choose(self, number: int | None) -> None:
        """Let this version of the room's adapter answer; None: what answered before the current one.

        Raises InputError, WeightsError, StorageError.
        """
        if number is None:
            self._store.rollback(self.here.name)
        else:
            self._store.promote(self.here.name, number)
        self.activate()

    def activate(self) -> None:
        """Let the room's current adapter answer, home where that is not to, and without either the student
        as it was loaded.
        """
        slot, here = self._answerers.slot, self.here
        home = self._put(self._store.current(HOME), slot.rest_on)
        room = self._put(self._store.current(here.name), slot.activate)
        here.taught = frozenset(room.about.get("pairs", ())) if room else frozenset()
        here.adapter = label(room.number) if room else ""
        self._answerers.home = home_label(home.number) if home else ""
        name = here.adapter or self._answerers.home
        # Rooms number their adapters alike: another room's is another one, whatever its name.
        known = (here.name if here.adapter else "", name)
        if known != self._activated:
            self._activated = known
            self._say(Activated, adapter=name)

    def hear_others(self) -> None:
        """Use what was learnt last of what all rooms say."""
        self._answerers.others = other_rooms(self._answerers.memory)

    def _put(self, version: Version | None, place: Callable[[Adapter | None], None]) -> Version | None:
        """The version, if it could be put in its place; else nothing is there."""
        try:
            place(read_adapter(version.folder, self._base) if version else None)
        except RoomwiseError as error:
            place(None)
            self._say(Failed, what="adapter", error=str(error))
            return None
        return version
