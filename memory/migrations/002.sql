ALTER TABLE pairs ADD COLUMN asker TEXT NOT NULL DEFAULT 'person'
    CHECK (asker IN ('person', 'agent'));
