/**
 * The records of tasks, which survive a restart. Every change names the state that it starts from and happens in one
 * statement, so that a record which somebody else changed or deleted meanwhile is left as it is, and the caller is told.
 */
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { Json } from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type * as TaskKey from "../TaskKey.ts"
import { columnsOf, progressOf, type Row, recordOf } from "./rows.ts"
import { migrate } from "./schema.ts"
import type { Status, TaskEnd, TaskRecord } from "./TaskRecord.ts"

/** The database said no. */
export class StoreFailed extends Data.TaggedError("StoreFailed")<{
  readonly operation: string
  readonly cause: SqlError
}> {
  override get message(): string {
    return `The store could not ${this.operation}: ${this.cause.message}`
  }
}

export interface Draft {
  readonly app: string
  readonly model: string
  readonly params: Json
  readonly maxRunSeconds?: number | undefined
  readonly owner?: string | undefined
}

export interface Filter {
  readonly app?: string | undefined
  readonly model?: string | undefined
  readonly status?: Status | undefined
  /** Asked of every record, newest first, until there are as many as `limit`. */
  readonly only?: ((record: TaskRecord) => boolean) | undefined
  /** The newest so many. Default: 1,000. */
  readonly limit?: number | undefined
}

type Stored<A> = Effect.Effect<A, StoreFailed>

export class TaskStore extends Context.Service<
  TaskStore,
  {
    readonly create: (draft: Draft) => Stored<TaskRecord>
    readonly get: (key: TaskKey.TaskKey) => Stored<Option.Option<TaskRecord>>
    /** Newest first. */
    readonly list: (filter?: Filter) => Stored<ReadonlyArray<TaskRecord>>
    /** The number of the record that is created next. */
    readonly next: Stored<number>
    readonly count: Stored<Readonly<Partial<Record<Status, number>>>>
    /** Takes a pending record for a new attempt: it is running from now on. None if it is not pending. */
    readonly claim: (key: TaskKey.TaskKey) => Stored<Option.Option<TaskRecord>>
    /** The same for a record that failed, was cancelled or timed out, as it was looked at. None if it was changed since. */
    readonly reclaim: (ended: TaskRecord) => Stored<Option.Option<TaskRecord>>
    /** Gives back a claim whose attempt could not begin: the record is as it was before. */
    readonly unclaim: (before: TaskRecord) => Stored<void>
    /** Writes how an attempt ended; false if the record is no longer that of this running attempt. */
    readonly end: (key: TaskKey.TaskKey, attempt: number, end: TaskEnd) => Stored<boolean>
    /** Of an attempt that has ended. */
    readonly setLastEvent: (key: TaskKey.TaskKey, attempt: number, event: number) => Stored<void>
    /** Lets a `ContinueTask` go on; false if it has ended, or there is no such record. */
    readonly letContinue: (key: TaskKey.TaskKey) => Stored<boolean>
    /** False if there was none. */
    readonly remove: (key: TaskKey.TaskKey) => Stored<boolean>
    /** At the start of the server: what still reads as running was cut off by the end of the one before. */
    readonly recover: Stored<ReadonlyArray<TaskRecord>>
  }
>()("rescind/examples/sse-tasks/TaskStore") {
  static readonly layer: Layer.Layer<TaskStore, StoreFailed, SqlClient.SqlClient> = Layer.effect(
    TaskStore,
    Effect.suspend(() => make)
  )
}

const now: Effect.Effect<string> = Effect.map(DateTime.now, DateTime.formatIso)

const stored =
  (operation: string) =>
  <A>(effect: Effect.Effect<A, SqlError>): Stored<A> =>
    Effect.mapError(effect, (cause) => new StoreFailed({ operation, cause }))

/** One row that somebody else wrote does not hide the others. */
const readable = (row: Row): Effect.Effect<Option.Option<TaskRecord>> =>
  Effect.try({ try: () => recordOf(row), catch: String }).pipe(
    Effect.asSome,
    Effect.catch((why) =>
      Effect.as(
        Effect.logWarning(`The record ${String(row["id"])} is not one of this service, and is left out: ${why}`),
        Option.none()
      )
    )
  )

const records = (rows: ReadonlyArray<Row>): Effect.Effect<ReadonlyArray<TaskRecord>> =>
  Effect.map(Effect.forEach(rows, readable), Arr.getSomes)

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* stored("prepare its table")(migrate(sql))

  const is = ({ app, id, model }: TaskKey.TaskKey) => sql`app = ${app} AND model = ${model} AND id = ${id}`
  const first = Effect.map((rows: ReadonlyArray<Row>) => Option.map(Option.fromUndefinedOr(rows[0]), recordOf))
  const any = Effect.map((rows: ReadonlyArray<unknown>) => rows.length > 0)

  return TaskStore.of({
    create: ({ app, maxRunSeconds, model, owner, params }) =>
      Effect.flatMap(now, (created_at) => {
        const columns = {
          app,
          model,
          status: "pending",
          params: JSON.stringify(params),
          max_run_seconds: maxRunSeconds ?? null,
          owner: owner ?? null,
          created_at
        }
        return sql<Row>`INSERT INTO tasks ${sql.insert(columns)} RETURNING *`.pipe(
          Effect.map((rows) => recordOf(rows[0]!)),
          stored("create a record")
        )
      }),
    get: (key) => sql<Row>`SELECT * FROM tasks WHERE ${is(key)}`.pipe(first, stored("read a record")),
    list: Effect.fnUntraced(function* ({ app, limit = 1000, model, only = () => true, status }: Filter = {}) {
      const wanted = Object.entries({ app, model, status }).filter(([, value]) => value !== undefined)
      const where = sql.and([sql`1 = 1`, ...wanted.map(([column, value]) => sql`${sql(column)} = ${value}`)])
      const page = (before: unknown) =>
        sql<Row>`SELECT * FROM tasks WHERE ${where} AND id < ${before} ORDER BY id DESC LIMIT ${limit}`.pipe(
          stored("list records")
        )
      const listed: Array<TaskRecord> = []
      let rows = yield* page(Number.MAX_SAFE_INTEGER)
      while (rows.length > 0) {
        for (const record of yield* records(rows)) if (only(record)) listed.push(record)
        if (rows.length < limit || listed.length >= limit) break
        // Of a long table many pages may be another's, and others want to run meanwhile.
        yield* Effect.yieldNow
        rows = yield* page(rows.at(-1)!["id"])
      }
      return listed.slice(0, limit)
    }),
    next: sql<{ seq: number }>`SELECT seq FROM sqlite_sequence WHERE name = 'tasks'`.pipe(
      Effect.map((rows) => (rows[0]?.seq ?? 0) + 1),
      stored("look for the next number")
    ),
    count: sql<{ status: Status; n: number }>`SELECT status, count(*) AS n FROM tasks GROUP BY status`.pipe(
      Effect.map((rows) => Object.fromEntries(rows.map(({ n, status }) => [status, n]))),
      stored("count records")
    ),
    claim: (key) =>
      Effect.flatMap(now, (started_at) =>
        sql<Row>`UPDATE tasks SET status = 'running', attempts = attempts + 1, started_at = ${started_at}
          WHERE ${is(key)} AND status = 'pending' RETURNING *`.pipe(first, stored("start a record"))
      ),
    reclaim: (ended) =>
      Effect.flatMap(now, (started_at) =>
        sql<Row>`UPDATE tasks SET status = 'running', attempts = attempts + 1, started_at = ${started_at},
            failed_at = NULL, cancelled_at = NULL, cancellation_reason = NULL, cancelled_by = NULL,
            cancellation_details = NULL, error = NULL, last_event = NULL
          WHERE ${is(ended)} AND status IN ('failed', 'cancelled', 'timeout') AND attempts = ${ended.attempts}
          RETURNING *`.pipe(first, stored("start a record again"))
      ),
    unclaim: (before) =>
      sql`UPDATE tasks SET ${sql.update(progressOf(before))}
        WHERE ${is(before)} AND status = 'running' AND attempts = ${before.attempts + 1}`.pipe(
        Effect.asVoid,
        stored("give back a record")
      ),
    end: (key, attempt, end) =>
      sql`UPDATE tasks SET ${sql.update(columnsOf(end))}
        WHERE ${is(key)} AND status = 'running' AND attempts = ${attempt} RETURNING id`.pipe(
        any,
        stored("save how a task ended")
      ),
    setLastEvent: (key, attempt, event) =>
      sql`UPDATE tasks SET last_event = ${event} WHERE ${is(key)} AND attempts = ${attempt}`.pipe(
        Effect.asVoid,
        stored("save the number of the last event")
      ),
    letContinue: (key) =>
      sql`UPDATE tasks SET continue_flag = 1 WHERE ${is(key)} AND status IN ('pending', 'running') RETURNING id`.pipe(
        any,
        stored("let a task continue")
      ),
    remove: (key) => sql`DELETE FROM tasks WHERE ${is(key)} RETURNING id`.pipe(any, stored("delete a record")),
    recover: Effect.flatMap(now, (failed_at) =>
      sql<Row>`UPDATE tasks SET ${sql.update(columnsOf({ status: "failed", failed_at, error: lost }))}
        WHERE status = 'running' RETURNING *`.pipe(Effect.flatMap(records), stored("look for tasks that were cut off"))
    )
  })
})

const lost = { message: "The server stopped while the task ran", error_type: "ServerStopped" }
