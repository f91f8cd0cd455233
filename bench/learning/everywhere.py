"""What all rooms visited say to a room's later questions: no student, no adapter, pairs alone.

A question is answered from the pairs of other rooms, this room's warm-up and the questions asked here so far.
"""

from collections.abc import Collection

from agent.recording.visit import Visit
from agent.turns.answerers import Answerers
from agent.turns.view import EncodedView
from core.frames import read_frame
from memory.elsewhere import guess, learn
from memory.shelf import shelf, votes_of
from memory.table import Line


def everywhere(
    answerers: Answerers, visit: Visit, spared: Collection[str], after: Collection[int]
) -> dict[str, str]:
    """The answers by turn to the turns `after` the warm-up, "" where nothing is known.

    `spared` are pairs that nobody may use. What was not learnt yet about which pairs bear on what is learnt
    here, for this alone. Raises StorageError, ImageError.
    """
    held, embedder = shelf(answerers.memory, spared), answerers.memory.embedder
    if held is None or embedder is None:
        return dict.fromkeys(map(str, after), "")
    votes = votes_of(answerers.memory) or learn(held.table(), seed=0)
    asked, pixels = [], answerers.config.images.max_pixels
    for turn in (visit.turns[number - 1] for number in after):
        frame = read_frame(turn.frame, pixels)
        line = Line(visit.room, turn.question, frame.name)
        asked.append((line, EncodedView(answerers.student, frame.picture).cue(embedder, turn.question)))
    table = held.table(asked)
    said = {}
    for place, number in enumerate(after, start=len(held.lines)):
        found = None if votes is None else guess(votes, table, place)
        said[str(number)] = found.text if found else ""
    return said
