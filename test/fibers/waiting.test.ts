/** Waits that nothing ends but the end of what they wait for: nobody waits for ever, and nobody is sent away for nothing (K13). */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Join from "../../src/combinators/Join.ts"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import type { CancelResult } from "../../src/fibers/CancelResult.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Shield from "../../src/fibers/Shield.ts"
import * as Task from "../../src/fibers/Task.ts"
import { leakChecked } from "../support/leaks.ts"

const ann = { reason: CancelReason.request({ by: "ann" }) }

/** Never ends by itself; then cleans up. */
const cleaning = (cleanUp: Effect.Effect<unknown>) => Effect.ensuring(Effect.never, cleanUp)

/** A finalizer that runs where it is added now, on the fiber that closes the scope. */
const atItsEnd = (scope: Scope.Scope, finalizer: Effect.Effect<unknown>) =>
  Scope.provide(
    Effect.addFinalizer(() => finalizer),
    scope
  )

/** Tasks that know each other by name before they are there, and what their cancels were answered. */
const makeCrew = Effect.map(Nursery.make("top"), (nursery) => {
  const tasks = new Map<string, Task.Task<unknown>>()
  const answers: Record<string, CancelResult["_tag"]> = {}
  const member = (name: string) => Effect.sync(() => tasks.get(name)!)
  return {
    answers,
    member,
    start: (name: string, effect: Effect.Effect<unknown, never, Scope.Scope>) =>
      Effect.tap(nursery.spawn(name, effect), (task) => Effect.sync(() => tasks.set(name, task))),
    cancel: (name: string, as: string) =>
      Effect.flatMap(member(name), (task) => Task.cancel(task, ann)).pipe(
        Effect.map(({ _tag }) => {
          answers[as] = _tag
        })
      )
  }
})

describe("waiting", () => {
  const awaits: Record<"awaits" | "joins", (task: Task.Task<unknown>) => Effect.Effect<unknown>> = {
    awaits: Task.await,
    joins: (task: Task.Task<unknown>) => Effect.exit(Join.all([task]))
  }
  it.effect.each(["awaits", "joins"] as const)(
    "clean-up that cancels who %s its task in a shield does not wait for that (K13, K39)",
    (kind) =>
      leakChecked(
        Effect.gen(function* () {
          const crew = yield* makeCrew
          const task = yield* crew.start("task", cleaning(crew.cancel("waiter", "task")))
          yield* crew.start("waiter", Shield.run("shield", Effect.flatMap(crew.member("task"), awaits[kind])))
          yield* TestClock.adjust(1)
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(1)
          expect(crew.answers).toEqual({ task: "Requested" })
        }).pipe(Effect.scoped)
      )
  )

  it.effect("a task that closes a scope with a cancel of that very task in it does not wait for itself (K13)", () =>
    leakChecked(
      Effect.gen(function* () {
        const crew = yield* makeCrew
        const scope = yield* Scope.make()
        yield* atItsEnd(scope, crew.cancel("closer", "scope"))
        const closer = yield* crew.start("closer", Effect.andThen(Effect.sleep(1), Scope.close(scope, Exit.void)))
        yield* TestClock.adjust(1)
        expect(crew.answers).toEqual({ scope: "Requested" })
        expect((yield* Task.await(closer))._tag).toBe("Cancelled")
      }).pipe(Effect.scoped)
    )
  )

  it.effect.each([
    ["first", 1, 2],
    ["last", 2, 1]
  ] as const)(
    "a finalizer from elsewhere waits as the task that runs it does, when it begins %s (K13)",
    ([, mine, other]) =>
      leakChecked(
        Effect.gen(function* () {
          const crew = yield* makeCrew
          const scope = yield* Scope.make()
          yield* atItsEnd(scope, crew.cancel("task", "scope"))
          const task = yield* crew.start(
            "task",
            cleaning(Effect.andThen(Effect.sleep(other), crew.cancel("closer", "task")))
          )
          yield* crew.start("closer", Effect.ensuring(Effect.sleep(mine), Scope.close(scope, Exit.void)))
          yield* Effect.yieldNow
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(5)
          expect(Object.values(crew.answers).toSorted()).toEqual(["AlreadyCancelled", "Requested"])
        }).pipe(Effect.scoped)
      )
  )

  it.effect("clean-up that cancels the task whose own scope waits for it does not wait for that (K13)", () =>
    leakChecked(
      Effect.gen(function* () {
        const crew = yield* makeCrew
        let scope: Scope.Scope | undefined
        const owner = yield* crew.start(
          "owner",
          Effect.flatMap(Effect.scope, (mine) => {
            scope = mine
            return Effect.sleep(2)
          })
        )
        yield* TestClock.adjust(1)
        const pool = yield* Scope.provide(Nursery.make("pool"), scope!)
        yield* pool.spawn("child", cleaning(Effect.andThen(Effect.sleep(1), crew.cancel("owner", "child"))))
        yield* TestClock.adjust(5)
        expect(crew.answers).toEqual({ child: "Requested" })
        yield* Task.await(owner)
      }).pipe(Effect.scoped)
    )
  )

  it.effect("what was given up on holds nobody up, so a cancel of what is around it waits (K12, K13)", () =>
    leakChecked(
      Effect.gen(function* () {
        const crew = yield* makeCrew
        yield* crew.start("asker", cleaning(Effect.andThen(Effect.sleep(10), crew.cancel("owner", "asker"))))
        yield* crew.start(
          "owner",
          Nursery.run("pool", (pool) =>
            Effect.gen(function* () {
              const stubborn = yield* pool.spawn("stubborn", cleaning(crew.cancel("asker", "stubborn")))
              yield* Effect.sleep(1)
              yield* Task.cancel(stubborn, { giveUp: 1 })
              yield* Effect.never
            })
          ).pipe(Effect.orDie, Effect.ensuring(Effect.sleep(1)))
        )
        yield* TestClock.adjust(20)
        expect(crew.answers).toEqual({ asker: "Cancelled", stubborn: "Cancelled" })
      }).pipe(Effect.scoped)
    )
  )
})
