/** What a hostile review found, one law a test. */
import { describe, expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { AsyncLocalStorage } from "node:async_hooks"
import * as Join from "../../src/combinators/Join.ts"
import * as Race from "../../src/combinators/Race.ts"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import * as Checkpoint from "../../src/fibers/Checkpoint.ts"
import { CurrentNode } from "../../src/fibers/internal/currentNode.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Stragglers from "../../src/fibers/Stragglers.ts"
import * as Task from "../../src/fibers/Task.ts"
import { Tasks } from "../../src/fibers/Tasks.ts"
import { leakChecked } from "../support/leaks.ts"

const ann = { reason: CancelReason.request({ by: "ann" }) }

describe("reviewed", () => {
  it.effect("a throw while fibers are told does not stop what comes after (K13)", () =>
    leakChecked(
      Effect.gen(function* () {
        const nursery = yield* Nursery.make("top")
        const task = yield* nursery.spawn(
          "task",
          Effect.withFiber((fiber) => {
            fiber.addObserver(() => {
              throw new Error("observer")
            })
            return Effect.never
          })
        )
        yield* Effect.yieldNow
        yield* Effect.exit(Task.cancel(task, ann))
        expect((yield* Race.firstSuccess({ a: Effect.yieldNow })).winner).toBe("a")
      }).pipe(Effect.scoped)
    )
  )

  it.effect("giveUp also ends the wait for a task that has failed and whose scope does not close (K12, K37)", () =>
    leakChecked(
      Effect.gen(function* () {
        const stuck = yield* Deferred.make<void>()
        const failing = Effect.andThen(
          Effect.addFinalizer(() => Deferred.await(stuck)),
          Effect.fail("x")
        )
        const tasks = yield* Tasks
        const task = yield* tasks.start("a", failing)
        yield* TestClock.adjust(1)
        const drain = yield* Effect.forkChild(tasks.drain({ giveUp: 100 }))
        yield* TestClock.adjust(100)
        expect(yield* Fiber.join(drain)).toMatchObject({ failed: [], cancelled: [], abandoned: ["a"] })
        expect((yield* Task.await(task))._tag).toBe("Failed")
        expect(yield* Stragglers.list).toHaveLength(1)
        yield* Deferred.succeed(stuck, undefined)
        yield* TestClock.adjust(1)
        expect(yield* Stragglers.list).toEqual([])
      }).pipe(Effect.provide(Tasks.layer()))
    )
  )

  it.effect("a value that was there is salvaged when a cancel gives up on its finalizers (K12, K26)", () =>
    leakChecked(
      Effect.gen(function* () {
        const stuck = yield* Deferred.make<void>()
        const nursery = yield* Nursery.make("top")
        const task = yield* nursery.spawn(
          "task",
          Effect.as(
            Effect.addFinalizer(() => Deferred.await(stuck)),
            42
          )
        )
        yield* TestClock.adjust(1)
        const cancel = yield* Effect.forkChild(Task.cancel(task, { ...ann, giveUp: 100 }))
        yield* TestClock.adjust(100)
        expect(yield* Fiber.join(cancel)).toMatchObject({ _tag: "Cancelled", how: "abandoned" })
        expect((yield* Task.await(task)).salvaged).toEqual([{ scope: "task", value: 42 }])
        yield* Deferred.succeed(stuck, undefined)
      }).pipe(Effect.scoped)
    )
  )

  it.effect("a body that catches its failed commit and goes on can be cancelled again (K9)", () =>
    leakChecked(
      Effect.gen(function* () {
        const nursery = yield* Nursery.make("top")
        const commit = Task.commit(Effect.andThen(Effect.sleep(10), Effect.fail("full")), { within: 100 })
        const before = yield* nursery.spawn("before", Effect.andThen(Effect.ignore(commit), Effect.never))
        const during = yield* nursery.spawn("during", Effect.andThen(Effect.ignore(commit), Effect.never))
        yield* TestClock.adjust(5)
        const waiting = yield* Effect.forkChild(Task.cancel(during, ann))
        yield* TestClock.adjust(10)
        expect(yield* Fiber.join(waiting)).toMatchObject({ _tag: "Cancelled" })
        expect(yield* Task.cancel(before, ann)).toMatchObject({ _tag: "Cancelled" })
      }).pipe(Effect.scoped)
    )
  )

  it.effect("a Tasks layer that a task happens to build is not that task's (K37)", () =>
    leakChecked(
      Effect.gen(function* () {
        const nursery = yield* Nursery.make("top")
        const scope = yield* Scope.make()
        const built = yield* Deferred.make<Tasks["Service"]>()
        const builder = yield* nursery.spawn(
          "ann's",
          Effect.andThen(
            Effect.flatMap(Layer.buildWithScope(Tasks.layer(), scope), (context) =>
              Effect.flatMap(Effect.provideContext(Tasks, context), (tasks) => Deferred.succeed(built, tasks))
            ),
            Effect.never
          )
        )
        const tasks = yield* Deferred.await(built)
        const bob = yield* tasks.start("bob", Effect.never)
        yield* TestClock.adjust(1)
        yield* Task.cancel(builder, ann)
        expect(Option.getOrThrow(yield* tasks.info("bob")).state).toBe("running")
        expect(yield* Task.poll(bob)).toEqual(Option.none())
        yield* Scope.close(scope, Exit.void)
      }).pipe(Effect.scoped)
    )
  )

  it.effect("joins nested 2,000 deep in nursery children are cancelled, every finalizer runs (K6)", () =>
    leakChecked(
      Effect.gen(function* () {
        let ended = 0
        const reached = yield* Deferred.make<void>()
        const deep = (depth: number): Effect.Effect<unknown> =>
          depth === 0
            ? Effect.andThen(Deferred.succeed(reached, undefined), Effect.never)
            : Effect.ensuring(
                Effect.ignore(
                  Nursery.run("n", (nursery) =>
                    nursery.spawn(
                      "c",
                      Effect.suspend(() => Join.settled([deep(depth - 1)]))
                    )
                  )
                ),
                Effect.sync(() => {
                  ended++
                })
              )
        const tasks = yield* Tasks
        yield* tasks.start("root", deep(2000))
        yield* Deferred.await(reached)
        expect(yield* tasks.cancel("root", ann)).toMatchObject({ _tag: "Cancelled" })
        expect(ended).toBe(2000)
      }).pipe(Effect.provide(Tasks.layer()))
    )
  )

  it.live("tasks started in one tick keep the async context of their starter (real time)", () =>
    Effect.gen(function* () {
      const storage = new AsyncLocalStorage<string>()
      const tasks = yield* Tasks
      const context = yield* Effect.context<never>()
      const seen = yield* Effect.promise(() =>
        Promise.all(
          ["ann", "bob", "cid"].map((name) =>
            storage.run(name, () =>
              Effect.runPromiseWith(context)(
                Effect.flatMap(
                  tasks.start(
                    name,
                    Effect.sync(() => storage.getStore())
                  ),
                  Task.join
                )
              )
            )
          )
        )
      )
      expect(seen).toEqual(["ann", "bob", "cid"])
    }).pipe(Effect.provide(Tasks.layer()))
  )

  it.effect("a checkpoint stops a race member in the grace of the race (K14)", () =>
    leakChecked(
      Effect.gen(function* () {
        const loop = Effect.forever(Effect.andThen(Checkpoint.checkpoint, Effect.sleep(1)))
        const fiber = yield* Effect.forkChild(Race.firstSuccess({ quick: Effect.sleep(10), loop }, { grace: 500 }))
        yield* TestClock.adjust(12)
        const { losers } = yield* Fiber.join(fiber)
        expect(losers.loop).toMatchObject({ _tag: "Cancelled", how: "cooperative" })
      })
    )
  )

  it.effect("a cancel hook reads the reason wherever it was registered (K18)", () =>
    leakChecked(
      Effect.gen(function* () {
        const read: Array<string> = []
        const nursery = yield* Nursery.make("top")
        const hook = Task.onCancel(() =>
          Effect.map(CancelReason.current, (reason) => {
            read.push(Option.match(reason, { onNone: () => "nothing", onSome: ({ source }) => source }))
          })
        )
        const task = yield* nursery.spawn(
          "task",
          Effect.andThen(Effect.ignore(Nursery.run("inner", () => hook)), Effect.never)
        )
        yield* TestClock.adjust(1)
        yield* Task.cancel(task, ann)
        expect(read).toEqual(["request"])
      }).pipe(Effect.scoped)
    )
  )

  it.effect("children of a nursery that failed before the caller was cancelled are told on its task (K16)", () =>
    leakChecked(
      Effect.gen(function* () {
        const nursery = yield* Nursery.make("top")
        const body = Nursery.run("n", (n: Nursery.Nursery<string>) =>
          Effect.andThen(
            Effect.andThen(
              n.spawn("bad", Effect.fail("boom")),
              n.spawn(
                "slow",
                Effect.onExit(Effect.never, () => Effect.sleep(50))
              )
            ),
            Effect.never
          )
        )
        const task = yield* nursery.spawn("task", Effect.ignore(body))
        yield* TestClock.adjust(10)
        const cancel = yield* Effect.forkChild(Task.cancel(task, ann))
        yield* TestClock.adjust(50)
        yield* Fiber.join(cancel)
        expect((yield* Task.await(task)).cleanupFailures.map(({ scope }) => scope)).toEqual(["bad"])
      }).pipe(Effect.scoped)
    )
  )

  it.effect("giveUp of a race holds also when its caller is interrupted natively (K25, K34)", () =>
    leakChecked(
      Effect.gen(function* () {
        const slow = Effect.onExit(Effect.never, () => Effect.sleep(500))
        const fiber = yield* Effect.forkChild(Effect.timeoutOption(Race.firstSuccess({ slow }, { giveUp: 100 }), 50))
        yield* TestClock.adjust(150)
        expect(yield* Fiber.join(fiber)).toEqual(Option.none())
        expect(yield* Stragglers.list).toHaveLength(1)
        yield* TestClock.adjust(400)
        expect(yield* Stragglers.list).toEqual([])
      })
    )
  )

  it.effect("races in one long-lived scope leave nothing in it (K45)", () =>
    leakChecked(
      Effect.scoped(
        Effect.gen(function* () {
          const scope = yield* Effect.scope
          for (let round = 0; round < 100; round++) yield* Race.firstSuccess([Effect.yieldNow, Effect.never])
          expect(scope.state._tag).toBe("Empty")
          expect((yield* CurrentNode).live).toBe(0)
        })
      )
    )
  )
})
