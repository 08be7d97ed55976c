/** No value is lost between a group and its owner, wherever Effect lets the owner yield (K26). */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Scheduler from "effect/Scheduler"
import * as Nursery from "../../../src/fibers/Nursery.ts"
import * as Shield from "../../../src/fibers/Shield.ts"
import * as Task from "../../../src/fibers/Task.ts"
import { leakChecked } from "../../support/leaks.ts"

const groups = {
  nursery: (work: Effect.Effect<string>) => Effect.orDie(Nursery.run("group", () => work)),
  shield: (work: Effect.Effect<string>) => Shield.run("group", work)
}

describe("own", () => {
  it.effect.each(["nursery", "shield"] as const)(
    "a value that a %s has at once is returned or salvaged, at whatever operation its owner yields (K26)",
    (kind) =>
      leakChecked(
        Effect.gen(function* () {
          const nursery = yield* Nursery.make("top")
          const lost: Array<number> = []
          for (let operations = 10; operations < 100; operations++) {
            let worked = false
            let returned = false
            const work = Effect.sync(() => {
              worked = true
              return "value"
            })
            // So many operations come before the group that the budget ends somewhere in it.
            const before = Effect.forEach(Array.from({ length: 20 }), () => Effect.void, { discard: true })
            const owner = Effect.andThen(
              before,
              Effect.map(groups[kind](work), () => {
                returned = true
              })
            )
            const task = yield* nursery.spawn(
              "task",
              Effect.provideService(Effect.andThen(owner, Effect.never), Scheduler.MaxOpsBeforeYield, operations)
            )
            // Two turns: it starts in the first, and yields.
            yield* Effect.yieldNow
            yield* Task.requestCancel(task)
            const { salvaged } = yield* Task.await(task)
            if (worked && !returned && salvaged.length !== 1) lost.push(operations)
          }
          expect(lost).toEqual([])
        }).pipe(Effect.scoped)
      )
  )
})
