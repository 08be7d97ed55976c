import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { settle } from "../../../support/settle.ts"
import { completed, failed, tabled } from "../tabled.ts"

describe("wait", () => {
  it.effect("for all stays with one left; for any wakes with the first, however it ended (S4-20, S4-21)", () =>
    tabled((played) =>
      Effect.gen(function* () {
        const [a, b] = [yield* played.add(), yield* played.add()]
        const all = yield* Effect.forkChild(played.tasks.wait("ann", [a, b], "all"))
        const any = yield* Effect.forkChild(played.tasks.wait("ann", [a, b], "any"))
        yield* settle
        const jobs = yield* played.claim(2)
        yield* settle
        expect([all.pollUnsafe(), any.pollUnsafe()]).toEqual([undefined, undefined])
        yield* played.report(jobs[1]!, failed)
        expect((yield* Fiber.join(any)).map(({ status }) => status)).toEqual(["running", "failed"])
        expect(all.pollUnsafe()).toBeUndefined()
        yield* played.report(jobs[0]!, completed)
        expect((yield* Fiber.join(all)).map(({ status }) => status)).toEqual(["completed", "failed"])
      })
    )
  )

  it.effect(
    "ends in the step of the cancel: before, while and after somebody suspends (S4-15, S4-19, S4-53, S4x-22)",
    () =>
      tabled((played) =>
        Effect.gen(function* () {
          const before = yield* played.add()
          yield* played.tasks.cancelTask("ann", before)
          expect(yield* played.tasks.wait("ann", [before], "all")).toMatchObject([{ status: "cancelled" }])

          const during = yield* played.add()
          const waiting = yield* Effect.forkChild(played.tasks.wait("ann", [during], "all"))
          yield* settle
          expect(waiting.pollUnsafe()).toBeUndefined()
          yield* played.tasks.cancelTask("ann", during)
          // Without a turn in between: it is woken by the transition itself.
          expect(waiting.pollUnsafe()).toMatchObject({ _tag: "Success" })
          expect(yield* played.tasks.wait("ann", [during], "any")).toMatchObject([{ status: "cancelled" }])
        })
      )
  )

  it.effect("for nothing answers at once; one who leaves is not waited for", () =>
    tabled((played) =>
      Effect.gen(function* () {
        expect(yield* played.tasks.wait("ann", [], "all")).toEqual([])
        expect(yield* played.tasks.wait("ann", [], "any")).toEqual([])
        const id = yield* played.add()
        const waiting = yield* Effect.forkChild(played.tasks.wait("ann", [id, id], "all"))
        yield* TestClock.adjust(10)
        yield* Fiber.interrupt(waiting)
        yield* played.tasks.cancelTask("ann", id)
        expect(yield* played.status(id)).toBe("cancelled")
      })
    )
  )
})
