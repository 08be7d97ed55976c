/** What the model found in Rescind, each as the small program that it shrank to. */
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Deadline from "../../src/combinators/Deadline.ts"
import * as Latest from "../../src/combinators/Latest.ts"
import * as Race from "../../src/combinators/Race.ts"
import { RaceFailed } from "../../src/combinators/RaceFailed.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Shield from "../../src/fibers/Shield.ts"
import * as Task from "../../src/fibers/Task.ts"
import { ann, during, failing, started } from "../combinators/telling.ts"
import { Journal } from "../support/journal.ts"
import { leakChecked } from "../support/leaks.ts"

const quiet = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.provideService(effect, Logger.CurrentLoggers, new Set())

const raceFailedOf = (exit: Exit.Exit<unknown, unknown>): RaceFailed<unknown, unknown> => {
  const error = exit._tag === "Failure" ? Cause.squash(exit.cause) : undefined
  if (!(error instanceof RaceFailed)) throw new Error(`not a RaceFailed: ${String(error)}`)
  return error
}

/** A finalizer that takes ten milliseconds. */
const slowlyReleased = (journal: Journal): Effect.Effect<void, never, Scope.Scope> =>
  Effect.addFinalizer(() =>
    journal.note("releases").pipe(Effect.andThen(Effect.sleep(10)), Effect.andThen(journal.note("released")))
  )

describe("found by the model", () => {
  it.effect("the body of a supervised nursery that fails after a child did cancels the others all the same (K2)", () =>
    leakChecked(
      Effect.gen(function* () {
        const journal = new Journal()
        const nursery = Nursery.supervise("n", (nursery: Nursery.Nursery<string>) =>
          Effect.gen(function* () {
            yield* nursery.spawn("first", Effect.fail("first"))
            yield* nursery.spawn("other", journal.watch("other", Effect.never))
            yield* Effect.sleep(1)
            return yield* Effect.fail("body")
          })
        )
        const exit = yield* quiet(during(100, Effect.exit(nursery)))
        expect(exit).toEqual(Exit.fail("body"))
        expect(journal.lines).toEqual(["1 other: body-failed by n of n"])
      })
    )
  )

  it.effect("a body's own failure is not also a clean-up failure of the task around its supervised nursery (K16)", () =>
    leakChecked(
      Effect.gen(function* () {
        const nursery = Nursery.supervise("n", (nursery: Nursery.Nursery<string>) =>
          Effect.gen(function* () {
            yield* nursery.spawn("child", Effect.fail("child"))
            yield* Effect.sleep(1)
            return yield* Effect.fail("body")
          })
        )
        const task = yield* quiet(started(nursery))
        yield* TestClock.adjust(1)
        const outcome = yield* Task.await(task)
        expect(outcome.cleanupFailures.map(({ scope }) => scope)).toEqual(["child"])
      })
    )
  )

  it.effect("a failed quorum keeps a value that came while its member was told to stop (K24)", () =>
    leakChecked(
      Effect.gen(function* () {
        const race = Race.quorum({ a: Effect.as(Effect.sleep(5), "late"), b: failing(1, "no") }, 2, { grace: 10 })
        const failed = raceFailedOf(yield* during(100, Effect.exit(race)))
        expect(failed.succeeded).toEqual([{ member: "a", value: "late" }])
        expect(failed.failures.map(({ member }) => member)).toEqual(["b"])
      })
    )
  )

  it.effect("a release that dies does not turn the failure of a quorum into a defect (K16)", () =>
    leakChecked(
      Effect.gen(function* () {
        const held = Effect.addFinalizer(() => Effect.die("broken"))
        const race = Effect.catchTag(Race.quorum({ a: held, b: failing(1, "no") }, 2), "RaceFailed", () =>
          Effect.succeed("caught")
        )
        const task = yield* quiet(started(Effect.scoped(race)))
        yield* TestClock.adjust(1)
        const outcome = yield* Task.await(task)
        expect(outcome._tag === "Completed" && outcome.value).toBe("caught")
        expect(outcome.cleanupFailures).toEqual([{ scope: "a", cause: Cause.die("broken") }])
      })
    )
  )

  it.effect("work of a shield that interrupts itself does not end the grace around it (K12, K39)", () =>
    leakChecked(
      Effect.gen(function* () {
        const shielded = Shield.run("s", Effect.andThen(Effect.sleep(5), Effect.interrupt))
        const task = yield* started(Effect.andThen(Effect.exit(shielded), Effect.as(Effect.sleep(5), "done")))
        const cancelling = yield* Effect.forkChild(Task.cancel(task, { ...ann, grace: 100 }))
        yield* TestClock.adjust(100)
        yield* Fiber.join(cancelling)
        const outcome = yield* Task.await(task)
        expect(outcome._tag === "Completed" && outcome.value).toBe("done")
      })
    )
  )

  it.effect("a request in its grace does not start the budget of a shield in what a scope owns (K12, K39)", () =>
    leakChecked(
      Effect.gen(function* () {
        const body = Effect.scoped(
          Effect.gen(function* () {
            const latest = yield* Latest.make<string>()
            yield* Effect.sleep(5)
            return yield* latest.run("key", Shield.run("s", Effect.as(Effect.sleep(5), "saved"), { budget: 1 }))
          })
        )
        const task = yield* started(body)
        const cancelling = yield* Effect.forkChild(Task.cancel(task, { ...ann, grace: 100 }))
        yield* TestClock.adjust(100)
        yield* Fiber.join(cancelling)
        const outcome = yield* Task.await(task)
        expect(outcome._tag === "Completed" && outcome.value).toBe("saved")
      })
    )
  )

  it.effect("what a deadline gave up on keeps its resources until it really ends (K1, K15, K34)", () =>
    leakChecked(
      Effect.gen(function* () {
        const journal = new Journal()
        const stubborn = Effect.andThen(
          slowlyReleased(journal),
          Effect.uninterruptible(Effect.andThen(Effect.sleep(50), journal.note("used")))
        )
        const task = yield* started(Deadline.run(stubborn, "1 hour", { giveUp: 20 }))
        const cancelling = yield* Effect.forkChild(Task.cancel(task, ann))
        yield* TestClock.adjust(100)
        yield* Fiber.join(cancelling)
        expect(journal.lines).toEqual(["50 used", "50 releases", "60 released"])
      })
    )
  )

  it.effect(
    "what a failed quorum holds is released, and failures of that kept, though its caller is cancelled (K15, K16)",
    () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const held = Effect.andThen(
            Effect.addFinalizer(() => Effect.die("broken")),
            slowlyReleased(journal)
          )
          const task = yield* quiet(started(Race.quorum({ a: held, b: failing(1, "no") }, 2)))
          yield* TestClock.adjust(5)
          const cancelling = yield* Effect.forkChild(Task.cancel(task, ann))
          yield* TestClock.adjust(20)
          yield* Fiber.join(cancelling)
          expect(journal.lines).toEqual(["1 releases", "11 released"])
          const { cleanupFailures } = yield* Task.await(task)
          expect(cleanupFailures).toContainEqual({ scope: "a", cause: Cause.die("broken") })
        })
      )
  )

  it.effect(
    "a race that is won in the very step in which its owner is cancelled does not overwrite the reason (K8, K18)",
    () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const inner = Nursery.run("n", (nursery: Nursery.Nursery) =>
            Effect.gen(function* () {
              const child = yield* nursery.spawn("child", Effect.never)
              yield* Effect.sleep(1)
              // Its wait ends when the child is told, a moment before this race is.
              const asks = Effect.asVoid(Task.cancel(child, { grace: 1000 }))
              yield* Race.firstSuccess({ waits: journal.watch("waits", Effect.never), asks }, { name: "inner" })
            })
          )
          yield* during(100, Race.firstSuccess({ first: Effect.sleep(10), inner }))
          expect(journal.lines).toEqual(["10 waits: lost-race by first of race"])
        })
      )
  )
})
