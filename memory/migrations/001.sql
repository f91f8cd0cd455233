-- AUTOINCREMENT: the number of a deleted pair must never come back with another one's vectors.
CREATE TABLE pairs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE CHECK (length(id) = 32),
    room TEXT NOT NULL,
    question TEXT NOT NULL,
    answer TEXT NOT NULL,
    frame TEXT NOT NULL CHECK (length(frame) = 64),
    source TEXT NOT NULL CHECK (source IN ('expert', 'person')),
    expert TEXT NOT NULL,
    created TEXT NOT NULL,
    signal TEXT CHECK (length(signal) = 64)
);

CREATE INDEX pairs_room ON pairs (room);

CREATE INDEX pairs_frame ON pairs (frame);

CREATE INDEX pairs_signal ON pairs (signal);

CREATE TABLE history (
    pair TEXT NOT NULL REFERENCES pairs (id) ON DELETE CASCADE,
    answer TEXT NOT NULL,
    source TEXT NOT NULL CHECK (source IN ('expert', 'person')),
    replaced TEXT NOT NULL
);

CREATE INDEX history_pair ON history (pair);
