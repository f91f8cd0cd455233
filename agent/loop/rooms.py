"""The rooms of a session; the only writer of `Room`s and of the student's adapter."""

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
    """`here` is the current room. Runs on the session's thread."""

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
        """The name each turn's warm-up is counted under: the room it was asked in."""
        self._counted_by = ""
        self._activated = ("", "")

    def room_of(self, turn: int) -> str:
        return self._asked_in.get(turn, self.here.name)

    def asked(self, turn: int) -> None:
        self._asked_in[turn], self._stays[turn] = self.here.name, self._stay

    def asked_here(self, last: int) -> int:
        """How many questions up to the turn `last` were asked here."""
        return sum(stay == self._stay for turn, stay in self._stays.items() if turn <= last)

    def in_warm_up(self, turn: int) -> bool:
        """Whether the turn is in its room's warm-up."""
        return turn <= warm_up_end(self._stays, turn, self._stays.get(turn, self._stay), self._warm_up)

    @property
    def _stay(self) -> str:
        return self._counted_by or self.here.name

    def count_anew(self, stay: str) -> None:
        """Count the warm-up under this name instead of the room's, to compare with rooms not told apart."""
        self._counted_by = stay

    def recount(self, stays: Mapping[int, str]) -> None:
        """Count past turns under these names, likewise."""
        self._stays |= stays

    def enter(self, move: Move) -> None:
        """Be in another room: its pairs, its adapter, its own warm-up."""
        previous = self.here
        if move.moved:
            self._answerers.memory.move(previous.name, move.room)
            for rooms in (self._asked_in, self._stays):
                rooms |= {turn: move.room for turn, room in rooms.items() if room == previous.name}
        takeover = replace(previous.takeover, audits=[])
        self.here = self._rooms.setdefault(move.room, Room(move.room, takeover=takeover))
        details = {"new": move.new, "reason": move.reason, "moved": move.moved, "kind": move.kind}
        self._say(RoomEntered, room=move.room, before=previous.name, **details)
        self.report_problems(move.room)
        self.activate()

    def report_problems(self, *rooms: str) -> None:
        """Emit which versions of these rooms' adapters cannot be used."""
        for room in rooms:
            for problem in self._store.problems(room):
                self._say(Failed, what="adapter", error=problem)

    def choose(self, number: int | None) -> None:
        """Activate this version of the room's adapter; None: the one before the current. Raises InputError,
        WeightsError, StorageError.
        """
        if number is None:
            self._store.rollback(self.here.name)
        else:
            self._store.promote(self.here.name, number)
        self.activate()

    def activate(self) -> None:
        """Let the room's current adapter answer, else home, else the student as it was loaded."""
        slot, here = self._answerers.slot, self.here
        home = self._put(self._store.current(HOME), slot.rest_on)
        room = self._put(self._store.current(here.name), slot.activate)
        here.taught = frozenset(room.about.get("pairs", ())) if room else frozenset()
        here.adapter = label(room.number) if room else ""
        self._answerers.home = home_label(home.number) if home else ""
        name = here.adapter or self._answerers.home
        # Version numbers repeat between rooms, so the room's name belongs to it.
        active = (here.name if here.adapter else "", name)
        if active != self._activated:
            self._activated = active
            self._say(Activated, adapter=name)

    def hear_others(self) -> None:
        self._answerers.others = other_rooms(self._answerers.memory)

    def _put(self, version: Version | None, place: Callable[[Adapter | None], None]) -> Version | None:
        """The version, if its adapter could be loaded; else None, with none in place."""
        try:
            place(read_adapter(version.folder, self._base) if version else None)
        except RoomwiseError as error:
            place(None)
            self._say(Failed, what="adapter", error=str(error))
            return None
        return version
