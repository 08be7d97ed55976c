import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import * as Checkpoint from "../../src/fibers/Checkpoint.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Task from "../../src/fibers/Task.ts"
import { Journal } from "../support/journal.ts"
import { leakChecked } from "../support/leaks.ts"
import { settle } from "../support/settle.ts"

const ann = { reason: CancelReason.request({ by: "ann" }) }

/** Never suspends but for the checkpoint. */
const loop = Effect.gen(function* () {
  for (;;) {
    yield* Effect.void
    yield* Checkpoint.checkpoint
  }
})

describe("Checkpoint", () => {
  for (const [where, body] of Object.entries({
    "on the task's own fiber": (effect: Effect.Effect<never>) => effect,
    "inside Effect.all": (effect: Effect.Effect<never>) => Effect.all([effect, Effect.never], { concurrency: 2 }),
    "inside Effect.race, which would swallow a plain interrupt": (effect: Effect.Effect<never>) =>
      Effect.race(effect, Effect.never),
    "in the body of a nursery": (effect: Effect.Effect<never>) => Nursery.run("n", () => effect)
  })) {
    it.effect(`makes a synchronous loop stoppable in its grace, ${where}: cooperative (K14, S3x-18)`, () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const nursery = yield* Nursery.make<unknown>("top")
          const task = yield* nursery.spawn("task", journal.watch("task", body(loop)))
          yield* settle
          const fiber = yield* Effect.forkChild(Task.cancel(task, { ...ann, grace: 1000 }))
          yield* settle
          expect(fiber.pollUnsafe(), "still loops").toBeDefined()
          expect(yield* Fiber.join(fiber)).toMatchObject({
            _tag: "Cancelled",
            how: "cooperative",
            reason: { by: "ann" }
          })
          expect(journal.lines).toEqual(["0 task: request by ann of task"])
        })
      )
    )
  }

  it.effect("a child's checkpoint stops the child that was asked through its ancestor (K14)", () =>
    leakChecked(
      Effect.gen(function* () {
        const nursery = yield* Nursery.make<unknown>("top")
        let child: Task.Task<unknown> | undefined
        const task = yield* nursery.spawn(
          "task",
          Nursery.run("n", (inner: Nursery.Nursery<unknown>) =>
            Effect.map(inner.spawn("child", loop), (spawned) => {
              child = spawned
            })
          )
        )
        yield* settle
        const fiber = yield* Effect.forkChild(Task.cancel(task, { ...ann, grace: 1000 }))
        yield* settle
        expect((yield* Fiber.join(fiber))._tag).toBe("AlreadyCompleted")
        expect(yield* Task.await(child!)).toMatchObject({ _tag: "Cancelled", how: "cooperative" })
      })
    )
  )

  it.effect("without a request it only lets others run, also outside of any task (K14)", () =>
    leakChecked(
      Effect.gen(function* () {
        yield* Checkpoint.checkpoint
        const nursery = yield* Nursery.make<unknown>("top")
        const task = yield* nursery.spawn("task", Effect.as(Checkpoint.checkpoint, 1))
        expect(yield* Task.join(task)).toBe(1)
      })
    )
  )

  it.effect("without grace the loop is interrupted at the checkpoint (K14)", () =>
    leakChecked(
      Effect.gen(function* () {
        const nursery = yield* Nursery.make<unknown>("top")
        const task = yield* nursery.spawn("task", loop)
        yield* settle
        expect(yield* Task.cancel(task, ann)).toMatchObject({ _tag: "Cancelled", how: "interrupted" })
        yield* TestClock.adjust(1)
      })
    )
  )
})
