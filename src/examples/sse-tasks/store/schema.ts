/**
 * The table, by the steps that made it what it is. Each is done once in the life of a file, which knows how many it has
 * seen; later versions append theirs.
 */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"

/** All or nothing: a process that is killed meanwhile leaves the file as it was. */
export const migrate = (sql: SqlClient.SqlClient): Effect.Effect<void, SqlError> =>
  Effect.gen(function* () {
    const [file] = yield* sql.unsafe<{ user_version: number }>("PRAGMA user_version")
    const done = file!.user_version
    if (done >= steps.length) return
    for (const step of steps.slice(done)) yield* sql.unsafe(step)
    yield* sql.unsafe(`PRAGMA user_version = ${steps.length}`)
  }).pipe(sql.withTransaction)

const steps: ReadonlyArray<string> = [
  // The first two also in files that were made before any counted.
  `CREATE TABLE IF NOT EXISTS tasks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    app TEXT NOT NULL,
    model TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled', 'timeout')),
    params TEXT NOT NULL,
    max_run_seconds REAL,
    attempts INTEGER NOT NULL DEFAULT 0,
    continue_flag INTEGER NOT NULL DEFAULT 0,
    owner TEXT,
    created_at TEXT NOT NULL,
    started_at TEXT,
    completed_at TEXT,
    failed_at TEXT,
    cancelled_at TEXT,
    cancellation_reason TEXT,
    cancelled_by TEXT,
    final_value TEXT,
    error TEXT,
    last_event INTEGER
  ) STRICT`,
  "CREATE INDEX IF NOT EXISTS tasks_by_status ON tasks (status)",
  "ALTER TABLE tasks ADD COLUMN cancellation_details TEXT"
]
