import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { describe, expectTypeOf, it } from "vitest"
import type { RestartLimitReached } from "../../src/fibers/RestartLimitReached.ts"
import * as Supervisor from "../../src/fibers/Supervisor.ts"
import type { TaskCancelled } from "../../src/fibers/TaskCancelled.ts"
import type { TaskOutcome } from "../../src/fibers/TaskOutcome.ts"

class Database extends Context.Service<Database, { readonly rows: number }>()("Database") {}
class Alarm extends Context.Service<Alarm, (text: string) => Effect.Effect<void>>()("Alarm") {}
class Down {
  readonly _tag = "Down"
}
class Busy {
  readonly _tag = "Busy"
}

declare const count: Effect.Effect<number, Down, Database | Scope.Scope>
declare const text: Effect.Effect<string, Busy>
declare const flag: Effect.Effect<boolean>
declare const alarm: Effect.Effect<void, never, Alarm>

const all = () =>
  Supervisor.all("family", {
    count,
    text: Supervisor.child(text),
    loop: Supervisor.child(flag, { restart: "permanent" })
  })

describe("Supervisor types", () => {
  it("run keeps value, failure and services, and takes the scope away", () => {
    expectTypeOf(Supervisor.run("count", count)).toEqualTypeOf<
      Effect.Effect<number, Down | RestartLimitReached | TaskCancelled, Database>
    >()
    expectTypeOf(Supervisor.run("count", count, { onRestart: () => alarm })).toEqualTypeOf<
      Effect.Effect<number, Down | RestartLimitReached | TaskCancelled, Database | Alarm>
    >()
  })

  it("a permanent child never returns", () => {
    expectTypeOf(Supervisor.run("flag", flag, { restart: "permanent" })).toEqualTypeOf<
      Effect.Effect<never, RestartLimitReached | TaskCancelled>
    >()
  })

  it("hooks see the failure of the child", () => {
    Supervisor.run("count", count, {
      backoff: Schedule.exponential(10),
      shouldRestart: (cause) => {
        expectTypeOf(cause).toEqualTypeOf<Cause.Cause<Down>>()
        return true
      },
      onRestart: ({ cause }) => {
        expectTypeOf(cause).toEqualTypeOf<Cause.Cause<Down>>()
        return alarm
      }
    })
  })

  it("all answers an outcome for each child, in the shape of the input", () => {
    expectTypeOf<ReturnType<typeof all>>().toEqualTypeOf<
      Effect.Effect<
        {
          readonly count: TaskOutcome<number, Down>
          readonly text: TaskOutcome<string, Busy>
          readonly loop: TaskOutcome<never, never>
        },
        Down | Busy | RestartLimitReached,
        Database
      >
    >()
    expectTypeOf(Supervisor.all("none", {})).toEqualTypeOf<Effect.Effect<{}, RestartLimitReached>>()
  })
})
