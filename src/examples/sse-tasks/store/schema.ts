/** The table. Later versions append statements that change it: each must do nothing the second time. */
export const schema: ReadonlyArray<string> = [
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
  "CREATE INDEX IF NOT EXISTS tasks_by_status ON tasks (status)"
]
