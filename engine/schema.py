"""The tables, as numbered migrations: `PRAGMA user_version` says how many a file has been through.

Migrations that were released never change; a new one is added at the end. Times are UTC in microseconds since 1970.
Discord's tables are here too, since a job and its delivery are written in one transaction.
"""

from __future__ import annotations

import sqlite3

from engine import search
from engine.errors import LedgerTooNew

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE generations (
        id INTEGER PRIMARY KEY,
        interaction_id TEXT UNIQUE,          -- Discord's, or the client's idempotency key
        status TEXT NOT NULL,
        attempt INTEGER NOT NULL DEFAULT 0,  -- how often it was leased
        owner_boot TEXT,                     -- the boot that holds the lease, while running
        retry_at INTEGER,                    -- not to be leased before
        prompt TEXT NOT NULL,
        negative_prompt TEXT NOT NULL,
        model TEXT NOT NULL,
        num_inference_steps INTEGER NOT NULL,
        guidance_scale REAL NOT NULL,
        width INTEGER NOT NULL,
        height INTEGER NOT NULL,
        sampler TEXT NOT NULL,
        seed INTEGER NOT NULL,
        num_images INTEGER NOT NULL,
        extra TEXT NOT NULL DEFAULT '{}',    -- JSON, for options to come
        parent_id INTEGER,
        person_id TEXT NOT NULL,
        guild_id TEXT,
        channel_id TEXT,
        private INTEGER NOT NULL DEFAULT 0,
        created_at INTEGER NOT NULL,
        started_at INTEGER,
        finished_at INTEGER,
        seconds_running REAL,
        error_code TEXT,
        error_text TEXT,
        easel_version TEXT NOT NULL
    );
    CREATE INDEX generations_open ON generations (status, id) WHERE finished_at IS NULL;
    CREATE INDEX generations_newest ON generations (id) WHERE status = 'stored';
    CREATE INDEX generations_of_person ON generations (person_id, id) WHERE status = 'stored';
    CREATE INDEX generations_of_guild ON generations (guild_id, id) WHERE status = 'stored';
    CREATE INDEX generations_of_model ON generations (model, id) WHERE status = 'stored';
    CREATE INDEX generations_of_person_model ON generations (person_id, model, id) WHERE status = 'stored';
    CREATE INDEX generations_of_guild_model ON generations (guild_id, model, id) WHERE status = 'stored';
    CREATE INDEX generations_of_guild_person ON generations (guild_id, person_id, id) WHERE status = 'stored';
    CREATE INDEX generations_of_parent ON generations (parent_id) WHERE parent_id IS NOT NULL;

    CREATE TABLE pictures (
        generation_id INTEGER NOT NULL REFERENCES generations (id) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        seed INTEGER NOT NULL,
        path TEXT NOT NULL,                  -- relative to the data folder
        bytes INTEGER NOT NULL,
        sha256 TEXT NOT NULL,
        width INTEGER NOT NULL,
        height INTEGER NOT NULL,
        deleted_at INTEGER,
        PRIMARY KEY (generation_id, position)
    ) WITHOUT ROWID;
    CREATE INDEX pictures_kept ON pictures (generation_id, bytes) WHERE deleted_at IS NULL;

    CREATE TABLE favourites (
        person_id TEXT NOT NULL,
        generation_id INTEGER NOT NULL,
        position INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        PRIMARY KEY (person_id, generation_id, position),
        FOREIGN KEY (generation_id, position) REFERENCES pictures (generation_id, position) ON DELETE CASCADE
    ) WITHOUT ROWID;
    CREATE INDEX favourites_of_picture ON favourites (generation_id, position);

    -- Words and tags of `engine.search`, by the generation's id. Every length of prefix that people type has an index
    -- of its own: without them a common beginning merges the lists of thousands of words.
    CREATE VIRTUAL TABLE prompts USING fts5 (
        tokens, content = '', detail = none, prefix = '2 3 4 5 6 7 8', tokenize = "unicode61 tokenchars '_'"
    );

    CREATE TABLE deliveries (
        generation_id INTEGER PRIMARY KEY REFERENCES generations (id) ON DELETE CASCADE,
        status TEXT NOT NULL DEFAULT 'pending',
        acknowledged_at INTEGER,
        interaction_token TEXT,              -- erased once it expired or is not needed any more
        token_expires_at INTEGER,
        channel_id TEXT,
        message_id TEXT,
        attempt INTEGER NOT NULL DEFAULT 0,
        last_error TEXT
    );
    CREATE INDEX deliveries_pending ON deliveries (generation_id) WHERE status = 'pending';

    CREATE TABLE guild_settings (
        guild_id TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (guild_id, name)
    ) WITHOUT ROWID;
    CREATE TABLE person_settings (
        person_id TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (person_id, name)
    ) WITHOUT ROWID;

    CREATE TABLE limits (
        guild_id TEXT NOT NULL,
        scope TEXT NOT NULL,                 -- person, role, guild (together), each (every person)
        subject TEXT NOT NULL DEFAULT '',    -- the person's or role's id
        kind TEXT NOT NULL,                  -- waiting, images_a_day
        maximum INTEGER NOT NULL,
        PRIMARY KEY (guild_id, scope, subject, kind)
    ) WITHOUT ROWID;
    CREATE TABLE usage (
        scope TEXT NOT NULL,                 -- person, guild, all
        subject TEXT NOT NULL,
        day TEXT NOT NULL,                   -- of the UTC clock, as 2026-11-23
        images INTEGER NOT NULL,
        PRIMARY KEY (scope, subject, day)
    ) WITHOUT ROWID;

    -- What a model took before: the expected time of the next job.
    CREATE TABLE speeds (
        model TEXT PRIMARY KEY,
        seconds_per_row_step REAL NOT NULL
    ) WITHOUT ROWID;
    """,
    """
    -- What a page shows to others leaves private rows out, however many there are.
    CREATE INDEX generations_of_guild_shown ON generations (guild_id, id) WHERE status = 'stored' AND private = 0;
    CREATE INDEX generations_of_guild_person_shown ON generations (guild_id, person_id, id)
        WHERE status = 'stored' AND private = 0;
    -- Who was served lately, read at each start.
    CREATE INDEX generations_started ON generations (started_at) WHERE started_at IS NOT NULL;
    ALTER TABLE deliveries ADD COLUMN locale TEXT;   -- Discord's name of the person's language
    -- What a model took before, now for a row-step of a megapixel; what was learned of other sizes would mislead.
    DROP TABLE speeds;
    CREATE TABLE speeds (model TEXT PRIMARY KEY, seconds_per_work REAL NOT NULL) WITHOUT ROWID;
    -- The tags of what is shown and liked are new.
    INSERT INTO prompts (prompts) VALUES ('delete-all');
    INSERT INTO prompts (rowid, tokens) SELECT id, easel_tokens(prompt, person_id, guild_id, model, private,
        (SELECT group_concat(DISTINCT f.person_id) FROM favourites AS f WHERE f.generation_id = g.id))
        FROM generations AS g;
    """,
)


def check(connection: sqlite3.Connection) -> int:
    """How many migrations a file has been through; LedgerTooNew for a file from the future."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise LedgerTooNew(
            f"The ledger has schema {version}, and this version of Easel knows {len(MIGRATIONS)}. "
            "Update Easel, or restore a backup that this version made."
        )
    return int(version)


def migrate(connection: sqlite3.Connection, to: int | None = None) -> None:
    """Brings a file up to date, one transaction a migration; with `to`, up to that schema only. Raises LedgerTooNew."""
    connection.create_function("easel_tokens", 6, _tokens, deterministic=True)
    for number, script in enumerate(MIGRATIONS[check(connection) : to], check(connection) + 1):
        try:
            connection.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {number}; COMMIT;")
        except sqlite3.Error:
            connection.rollback()
            raise


def _tokens(
    prompt: str, person_id: str, guild_id: str | None, model: str, private: int, favourites_of: str | None
) -> str:
    """For migrations: what the index holds of a row; `favourites_of` are ids with commas between them."""
    return search.tokens(
        prompt,
        person_id=person_id,
        guild_id=guild_id,
        model=model,
        private=bool(private),
        favourites_of=sorted(favourites_of.split(",")) if favourites_of else (),
    )
