import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/testing/TestClock"
import { FetchFailed } from "../../../../src/examples/server/fetchFailed.ts"
import * as CountdownTask from "../../../../src/examples/server/tasks/countdownTask.ts"
import { logged } from "../../../../src/examples/server/tasks/logged.ts"
import * as CancelReason from "../../../../src/fibers/CancelReason.ts"
import { Tasks } from "../../../../src/fibers/Tasks.ts"
import type { Implementation } from "../../../../src/http/TaskDefinition.ts"
import { startTask } from "../startTask.ts"

const failed = new FetchFailed({ url: "http://a.test/", kind: "timeout", message: "No complete answer within 30s." })

const ends: ReadonlyArray<readonly [Implementation<never>["run"], string]> = [
  [() => Effect.succeed({ from: 1 }), "completed"],
  [() => Effect.fail(failed), "failed: No complete answer within 30s."],
  [() => Effect.die(new Error("mistake")), "died"],
  [() => Effect.never, "cancelled: Enough (request by ann)"],
  [() => Effect.uninterruptible(Effect.sleep(100)), "stopped at last, after its cancel had given up on it"]
]

describe("logged", () => {
  it.effect.each(ends)("writes the id when a task begins, and how its work ended (S1-06): %s", ([run, ending]) => {
    const lines: Array<unknown> = []
    const logger = Logger.make(({ message }) => lines.push(Array.isArray(message) ? message[0] : message))
    return Effect.gen(function* () {
      yield* startTask(logged({ ...CountdownTask.implementation, run }), {}, "key")
      yield* TestClock.adjust(0)
      const reason = CancelReason.request({ by: "ann", message: "Enough" })
      yield* (yield* Tasks).cancel("key", { reason, giveUp: 0 })
      yield* TestClock.adjust(100)
      expect(lines).toEqual(["countdown key started", `countdown key ${ending}`])
    }).pipe(Effect.provide(Tasks.layer()), Effect.provide(Logger.layer([logger])))
  })
})
