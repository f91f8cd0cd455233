-- What rooms look like: a view's vector is worth something beside those of the same encoder alone.
CREATE TABLE views (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    room TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('rgb', 'depth')),
    frame TEXT NOT NULL CHECK (length(frame) = 64),
    encoder TEXT NOT NULL,
    vector BLOB NOT NULL,
    seen TEXT NOT NULL,
    UNIQUE (room, kind, frame)
);

CREATE INDEX views_frame ON views (frame);
