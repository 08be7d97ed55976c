/**
 * Effect's `SqlClient` over Node's own SQLite, since no published driver works with Effect 4.1. One connection, one
 * process: the file is locked exclusively, so that a second server on it fails at its start instead of running every
 * task twice.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Reactivity from "effect/reactivity/Reactivity"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as SqlClient from "effect/sql/SqlClient"
import type { Connection } from "effect/sql/SqlConnection"
import { classifySqliteError, SqlError } from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"
import * as Stream from "effect/Stream"
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite"

/** `filename` may be `:memory:`. */
export const layer = (filename: string): Layer.Layer<SqlClient.SqlClient, SqlError> =>
  Layer.effect(SqlClient.SqlClient, make(filename)).pipe(Layer.provide(Reactivity.layer))

const make = (filename: string): Effect.Effect<SqlClient.SqlClient, SqlError, Scope.Scope | Reactivity.Reactivity> =>
  Effect.gen(function* () {
    const database = yield* Effect.acquireRelease(
      attempt("open", () => new DatabaseSync(filename)),
      (database) => Effect.sync(() => database.close())
    )
    yield* attempt("configure", () => {
      for (const pragma of pragmas) database.exec(`PRAGMA ${pragma}`)
      // The lock of the file is taken by the first write, and by then it would be too late to say so.
      database.exec("BEGIN IMMEDIATE; COMMIT")
    })
    const connection = connect(database)
    return yield* SqlClient.make({
      ...SqlClient.makeSqliteAcquirers({
        connection: Effect.succeed(connection),
        semaphore: yield* Semaphore.make(1),
        isTransaction: () => database.isTransaction
      }),
      compiler: Statement.makeCompilerSqlite(),
      driver: "node:sqlite",
      beginTransaction: "BEGIN IMMEDIATE",
      prepareTransactionControls: true,
      releaseSavepoint: (name) => `RELEASE SAVEPOINT ${name}`,
      spanAttributes: [["db.system.name", "sqlite"]]
    })
  })

// In WAL mode, NORMAL survives a killed process; only a machine that loses power may lose the last writes.
const pragmas = ["busy_timeout = 0", "locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = NORMAL"]

/** What SQLite said, as Effect's drivers tell it: Node's errors have the number under a name of their own. */
const attempt = <A>(operation: string, run: () => A): Effect.Effect<A, SqlError> =>
  Effect.try({
    try: run,
    catch: (cause) => {
      const errno = cause instanceof Error && "errcode" in cause ? cause.errcode : undefined
      const why = cause instanceof Error ? cause.message : String(cause)
      const known = cause instanceof Error ? Object.assign(cause, { errno }) : cause
      return new SqlError({
        reason: classifySqliteError(known, { message: `Failed to ${operation}: ${why}`, operation })
      })
    }
  })

const connect = (database: DatabaseSync): Connection => {
  const prepared = new Map<string, StatementSync>()
  const prepare = (sql: string): StatementSync => {
    const known = prepared.get(sql)
    if (known !== undefined) return known
    const statement = database.prepare(sql)
    if (prepared.size >= 256) prepared.delete(prepared.keys().next().value!)
    prepared.set(sql, statement)
    return statement
  }
  const run = (
    sql: string,
    parameters: ReadonlyArray<unknown>,
    mode: { readonly arrays?: boolean; readonly once?: boolean; readonly raw?: boolean } = {}
  ): Effect.Effect<any, SqlError> =>
    Effect.withFiber((fiber) =>
      attempt("execute", () => {
        const statement = mode.once === true ? database.prepare(sql) : prepare(sql)
        statement.setReadBigInts(Context.get(fiber.context, SqlClient.SafeIntegers))
        statement.setReturnArrays(mode.arrays === true)
        const values = parameters.map(bound)
        if (statement.columns().length > 0) return statement.all(...values)
        const changes = statement.run(...values)
        return mode.raw === true ? changes : []
      })
    )
  return {
    execute: (sql, parameters, transform) => mapped(run(sql, parameters), transform),
    executeRaw: (sql, parameters) => run(sql, parameters, { raw: true }),
    executeValues: (sql, parameters) => run(sql, parameters, { arrays: true }),
    executeValuesUnprepared: (sql, parameters) => run(sql, parameters, { arrays: true, once: true }),
    executeUnprepared: (sql, parameters, transform) => mapped(run(sql, parameters, { once: true }), transform),
    executeStream: (sql, parameters, transform) => Stream.fromIterableEffect(mapped(run(sql, parameters), transform))
  }
}

const mapped = (
  rows: Effect.Effect<any, SqlError>,
  transform: ((rows: any) => any) | undefined
): Effect.Effect<any, SqlError> => (transform === undefined ? rows : Effect.map(rows, transform))

const bound = (value: unknown): SQLInputValue => {
  if (value === undefined) return null
  if (typeof value === "boolean") return value ? 1 : 0
  return value instanceof Date ? value.toISOString() : (value as SQLInputValue)
}
