import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import { ScopeCancelled } from "../../src/fibers/ScopeCancelled.ts"
import * as Task from "../../src/fibers/Task.ts"
import * as TaskTree from "../../src/fibers/TaskTree.ts"
import { Journal, textOf } from "../support/journal.ts"
import { leakChecked } from "../support/leaks.ts"
import { settle } from "../support/settle.ts"

const failuresOf = (exit: Exit.Exit<unknown, unknown>): ReadonlyArray<unknown> =>
  exit._tag === "Failure" ? exit.cause.reasons.filter(Cause.isFailReason).map((reason) => reason.error) : []

const sleeper = (journal: Journal, name: string, cleanup?: Effect.Effect<unknown>): Effect.Effect<never> =>
  journal.watch(name, Effect.never, cleanup)

/** The body as a task below a nursery of its own, running. */
const inTask = <A, E>(body: Effect.Effect<A, E, Scope.Scope>) =>
  Effect.gen(function* () {
    const top = yield* Nursery.make<unknown>("top")
    const task = yield* top.spawn("task", body)
    yield* settle
    return task
  })

const scopesOf = (outcome: { readonly cleanupFailures: ReadonlyArray<{ readonly scope: string }> }) =>
  outcome.cleanupFailures.map(({ scope }) => scope)

describe("Nursery", () => {
  describe("structure", () => {
    it.effect("run returns only when each child has ended and its finalizers ran (K1)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const fiber = yield* Effect.forkChild(
            Effect.tap(
              Nursery.run("n", (nursery: Nursery.Nursery) =>
                Effect.gen(function* () {
                  yield* nursery.spawn("slow", journal.watch("slow", Effect.sleep(100), Effect.sleep(50)))
                  yield* nursery.spawn("quick", journal.watch("quick", Effect.sleep(10)))
                  return "body"
                })
              ),
              () => journal.note("returned")
            )
          )
          yield* TestClock.adjust(1000)
          expect(yield* Fiber.join(fiber)).toBe("body")
          expect(journal.lines).toEqual(["10 quick: done", "100 slow: done", "150 slow: cleaned up", "150 returned"])
        })
      )
    )

    it.effect("a body that returned does not cancel its children: they are joined without bound (K2)", () =>
      leakChecked(
        Effect.gen(function* () {
          const task = yield* Deferred.make<Task.Task<string>>()
          const fiber = yield* Effect.forkChild(
            Nursery.run("n", (nursery: Nursery.Nursery) =>
              Effect.flatMap(nursery.spawn("child", Effect.as(Effect.sleep("1 day"), "late")), (child) =>
                Deferred.succeed(task, child)
              )
            )
          )
          yield* TestClock.adjust("1 day")
          yield* Fiber.join(fiber)
          expect((yield* Task.await(yield* Deferred.await(task)))._tag).toBe("Completed")
        })
      )
    )

    it.effect("a grandchild spawned after the body returned is waited for too (K1, K2)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const fiber = yield* Effect.forkChild(
            Nursery.run("n", (nursery: Nursery.Nursery) =>
              nursery.spawn(
                "child",
                Effect.andThen(Effect.sleep(10), nursery.spawn("late", journal.watch("late", Effect.sleep(10))))
              )
            )
          )
          yield* TestClock.adjust(20)
          yield* Fiber.join(fiber)
          expect(journal.lines).toEqual(["20 late: done"])
        })
      )
    )

    it.effect("background children are cancelled with scope-closed when body and foreground children ended (K2)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const fiber = yield* Effect.forkChild(
            Nursery.run("n", (nursery: Nursery.Nursery) =>
              Effect.gen(function* () {
                yield* nursery.spawn("b1", sleeper(journal, "b1", Effect.sleep(30)), { background: true })
                yield* nursery.spawn("b2", sleeper(journal, "b2", Effect.sleep(30)), { background: true })
                yield* nursery.spawn("front", journal.watch("front", Effect.sleep(100)))
              })
            )
          )
          yield* TestClock.adjust(1000)
          yield* Fiber.join(fiber)
          expect(journal.lines).toEqual([
            "100 front: done",
            "100 b1: scope-closed by n of b1",
            "100 b2: scope-closed by n of b2",
            "130 b1: cleaned up",
            "130 b2: cleaned up"
          ])
        })
      )
    )

    it.effect("a background child that ends by itself does not end the nursery (K2)", () =>
      leakChecked(
        Effect.gen(function* () {
          const fiber = yield* Effect.forkChild(
            Nursery.run("n", (nursery: Nursery.Nursery) =>
              Effect.andThen(nursery.spawn("b", Effect.sleep(10), { background: true }), Effect.as(Effect.sleep(50), 1))
            )
          )
          yield* TestClock.adjust(49)
          expect(fiber.pollUnsafe()).toBeUndefined()
          yield* TestClock.adjust(1)
          expect(yield* Fiber.join(fiber)).toBe(1)
        })
      )
    )

    it.effect("what a background child spawns while the scope closes never runs (K2, K5)", () =>
      leakChecked(
        Effect.gen(function* () {
          let ran = false
          let late: Task.Task<void> | undefined
          yield* Nursery.run("n", (nursery: Nursery.Nursery) =>
            Effect.andThen(
              nursery.spawn(
                "b",
                Effect.onExit(Effect.never, () =>
                  Effect.map(
                    nursery.spawn(
                      "late",
                      Effect.sync(() => {
                        ran = true
                      })
                    ),
                    (task) => {
                      late = task
                    }
                  )
                ),
                { background: true }
              ),
              Effect.yieldNow
            )
          )
          expect(ran).toBe(false)
          expect((yield* Task.await(late!))._tag).toBe("Cancelled")
        })
      )
    )

    it.effect("a failed body cancels its children with body-failed, awaits them, then the failure leaves (K2)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const fiber = yield* Effect.forkChild(
            Effect.exit(
              Nursery.run("n", (nursery: Nursery.Nursery) =>
                Effect.gen(function* () {
                  yield* nursery.spawn("c", sleeper(journal, "c", Effect.sleep(50)))
                  yield* Effect.sleep(10)
                  return yield* Effect.fail("boom")
                })
              ).pipe(Effect.onExit(() => journal.note("left")))
            )
          )
          yield* TestClock.adjust(1000)
          expect(failuresOf(yield* Fiber.join(fiber))).toEqual(["boom"])
          expect(journal.lines).toEqual(["10 c: body-failed by n of n", "60 c: cleaned up", "60 left"])
        })
      )
    )

    it.effect("a body that dies cancels its children and leaves as a defect (K2)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const exit = yield* Effect.exit(
            Nursery.run("n", (nursery: Nursery.Nursery) =>
              Effect.gen(function* () {
                yield* nursery.spawn("c", sleeper(journal, "c"))
                yield* Effect.yieldNow
                return yield* Effect.die("defect")
              })
            )
          )
          expect(exit).toEqual(Exit.die("defect"))
          expect(journal.lines).toEqual(["0 c: body-failed by n of n"])
        })
      )
    )

    it.effect("an empty nursery returns at once (K1)", () =>
      leakChecked(
        Effect.gen(function* () {
          expect(yield* Nursery.run("n", () => Effect.succeed(1))).toBe(1)
          expect(yield* Nursery.supervise("n", () => Effect.succeed(1))).toEqual({ value: 1, failures: [] })
        })
      )
    )

    it.effect("children inherit the services of whoever spawns them (K27)", () => {
      const Name = Context.Reference<string>("test/Name", { defaultValue: () => "nobody" })
      return leakChecked(
        Effect.gen(function* () {
          const names: Array<string> = []
          const read = Effect.flatMap(Name, (name) => Effect.sync(() => names.push(name)))
          yield* Nursery.run("n", (nursery: Nursery.Nursery) =>
            Effect.gen(function* () {
              yield* nursery.spawn("a", read)
              yield* Effect.provideService(nursery.spawn("b", read), Name, "inner")
            })
          ).pipe(Effect.provideService(Name, "outer"))
          expect(names).toEqual(["outer", "inner"])
        })
      )
    })

    it.effect("each child has a scope of its own, closed before the child ends and never the starter's (K27)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const outer = yield* Effect.scope
          let scopes: Array<Scope.Scope> = [outer]
          const child = (name: string) =>
            Effect.gen(function* () {
              scopes.push(yield* Effect.scope)
              yield* Effect.addFinalizer(() => Effect.andThen(Effect.sleep(20), journal.note(`${name} closed`)))
              yield* Effect.sleep(10)
            })
          const fiber = yield* Effect.forkChild(
            Nursery.run("n", (nursery: Nursery.Nursery) =>
              Effect.gen(function* () {
                const a = yield* nursery.spawn("a", child("a"))
                scopes.push(yield* Effect.scope)
                yield* Task.await(a)
                yield* journal.note("a ended")
              })
            )
          )
          yield* TestClock.adjust(100)
          yield* Fiber.join(fiber)
          expect(new Set(scopes).size).toBe(3)
          expect(journal.lines).toEqual(["30 a closed", "30 a ended"])
        })
      )
    )
  })

  describe("fail-fast", () => {
    it.effect("the first failure names the reason with which body and siblings are cancelled (K3)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const fiber = yield* Effect.forkChild(
            Effect.exit(
              Nursery.run("n", (nursery: Nursery.Nursery<string>) =>
                Effect.gen(function* () {
                  yield* nursery.spawn("x", sleeper(journal, "x"))
                  yield* nursery.spawn("y", Effect.andThen(Effect.sleep(10), Effect.fail("y failed")))
                  yield* nursery.spawn("z", sleeper(journal, "z", Effect.sleep(5)))
                  yield* sleeper(journal, "body")
                })
              )
            )
          )
          yield* TestClock.adjust(100)
          expect(failuresOf(yield* Fiber.join(fiber))).toEqual(["y failed"])
          expect(journal.lines.toSorted()).toEqual([
            "10 body: sibling-failed by y of n",
            "10 x: sibling-failed by y of n",
            "10 z: sibling-failed by y of n",
            "15 z: cleaned up"
          ])
        })
      )
    )

    it.effect("every failure that lands within one turn is kept, in order, and later ones are not (K3)", () =>
      leakChecked(
        Effect.gen(function* () {
          const gate = yield* Deferred.make<void>()
          const failing = (name: string) => Effect.andThen(Deferred.await(gate), Effect.fail(name))
          const fiber = yield* Effect.forkChild(
            Effect.exit(
              Nursery.run("n", (nursery: Nursery.Nursery<string>) =>
                Effect.gen(function* () {
                  yield* nursery.spawn("a", failing("a"))
                  yield* nursery.spawn("b", failing("b"))
                  yield* nursery.spawn("c", failing("c"))
                  yield* nursery.spawn(
                    "later",
                    Effect.onInterrupt(Effect.never, () => Effect.sleep(10)).pipe(
                      Effect.onExit(() => Effect.die("later"))
                    )
                  )
                  yield* Effect.never
                })
              )
            )
          )
          yield* TestClock.adjust(0)
          yield* Deferred.succeed(gate, undefined)
          yield* TestClock.adjust(10)
          const exit = yield* Fiber.join(fiber)
          expect(failuresOf(exit)).toEqual(["a", "b", "c"])
          expect(Exit.isFailure(exit) && Cause.hasDies(exit.cause)).toBe(false)
        })
      )
    )

    it.effect(
      "a failure that comes after that turn stands with the clean-up failures of the enclosing task (K3, K16)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const nursery = yield* Nursery.make("outer")
            const task = yield* nursery.spawn(
              "task",
              Effect.exit(
                Nursery.run("n", (nursery: Nursery.Nursery<string>) =>
                  Effect.gen(function* () {
                    yield* nursery.spawn("a", Effect.fail("first"))
                    yield* nursery.spawn(
                      "b",
                      Effect.uninterruptible(Effect.andThen(Effect.sleep(10), Effect.fail("second")))
                    )
                    yield* Effect.never
                  })
                )
              )
            )
            yield* settle
            yield* TestClock.adjust(10)
            const outcome = yield* Task.await(task)
            expect(outcome._tag === "Completed" && failuresOf(outcome.value)).toEqual(["first"])
          })
        )
    )

    it.effect("a child's defect fails the nursery as a defect (K3)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const exit = yield* Effect.exit(
            Nursery.run("n", (nursery: Nursery.Nursery) =>
              Effect.gen(function* () {
                yield* nursery.spawn("x", sleeper(journal, "x"))
                yield* nursery.spawn("bad", Effect.die("defect"))
                yield* Effect.never
              })
            )
          )
          expect(exit).toEqual(Exit.die("defect"))
          expect(journal.lines).toEqual(["0 x: sibling-failed by bad of n"])
        })
      )
    )

    it.effect("a cancelled child is not a failure (K3)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const value = yield* Nursery.run("n", (nursery: Nursery.Nursery) =>
            Effect.gen(function* () {
              const child = yield* nursery.spawn("child", sleeper(journal, "child"))
              yield* nursery.spawn("self", Effect.interrupt)
              yield* Effect.yieldNow
              const result = yield* Task.cancel(child, { reason: CancelReason.request({ by: "ann" }) })
              expect(result._tag).toBe("Cancelled")
              return "fine"
            })
          )
          expect(value).toBe("fine")
          expect(journal.lines).toEqual(["0 child: request by ann of child"])
        })
      )
    )

    it.effect(
      "a failure of a finalizer in a losing sibling never turns the typed failure into a defect (K3, K16)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const exit = yield* Effect.exit(
              Nursery.run("n", (nursery: Nursery.Nursery<string>) =>
                Effect.gen(function* () {
                  yield* nursery.spawn(
                    "messy",
                    Effect.onInterrupt(Effect.never, () => Effect.die("clean-up"))
                  )
                  yield* Effect.yieldNow
                  yield* nursery.spawn("bad", Effect.fail("typed"))
                  yield* Effect.never
                })
              )
            )
            expect(exit).toEqual(Exit.fail("typed"))
          })
        )
    )

    it.effect("a failing child whose own scope finalizer dies fails the nursery with the typed error alone (K16)", () =>
      leakChecked(
        Effect.gen(function* () {
          let task: Task.Task<never, string> | undefined
          const exit = yield* Effect.exit(
            Nursery.run("n", (nursery: Nursery.Nursery<string>) =>
              Effect.gen(function* () {
                task = yield* nursery.spawn(
                  "bad",
                  Effect.andThen(
                    Effect.addFinalizer(() => Effect.die("clean-up")),
                    Effect.fail("typed")
                  )
                )
                yield* Effect.never
              })
            )
          )
          expect(exit).toEqual(Exit.fail("typed"))
          const outcome = yield* Task.await(task!)
          expect(outcome._tag).toBe("Failed")
          expect(outcome.cleanupFailures.map(({ scope }) => scope)).toEqual(["bad"])
        })
      )
    )

    it.effect(
      "several failures are kept apart: a defect and a typed failure of one turn both stand in the cause (K3, S1x-39)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const exit = yield* Effect.exit(
              Nursery.run("n", (nursery: Nursery.Nursery<string>) =>
                Effect.gen(function* () {
                  yield* nursery.spawn("a", Effect.fail("typed"))
                  yield* nursery.spawn("b", Effect.die("defect"))
                  yield* Effect.never
                })
              )
            )
            expect(failuresOf(exit)).toEqual(["typed"])
            expect(Exit.isFailure(exit) && Cause.hasDies(exit.cause)).toBe(true)
          })
        )
    )

    it.effect("a body that interrupts itself leaves the nursery interrupted, not failed (K3, S1-08)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const fiber = yield* Effect.forkChild(
            Nursery.run("n", (nursery: Nursery.Nursery) =>
              Effect.andThen(
                Effect.andThen(nursery.spawn("c", sleeper(journal, "c")), Effect.yieldNow),
                Effect.interrupt
              )
            )
          )
          const exit = yield* Fiber.await(fiber)
          expect(journal.lines).toEqual(["0 c: body-failed by n of n"])
          expect(failuresOf(exit)).toEqual([])
          expect(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)).toBe(true)
        })
      )
    )

    it.effect("a failure that the body handles inside cancels nobody (K3)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const fiber = yield* Effect.forkChild(
            Nursery.run("n", (nursery: Nursery.Nursery) =>
              Effect.gen(function* () {
                yield* nursery.spawn("c", journal.watch("c", Effect.sleep(10)))
                yield* Effect.ignore(Effect.fail("handled"))
              })
            )
          )
          yield* TestClock.adjust(10)
          yield* Fiber.join(fiber)
          expect(journal.lines).toEqual(["10 c: done"])
        })
      )
    )
  })

  describe("supervise", () => {
    it.effect("siblings of a failed child live on, and the failures are returned in order (K3)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const fiber = yield* Effect.forkChild(
            Nursery.supervise("n", (nursery: Nursery.Nursery<string>) =>
              Effect.gen(function* () {
                yield* nursery.spawn("b", Effect.andThen(Effect.sleep(20), Effect.fail("b")))
                yield* nursery.spawn("a", Effect.andThen(Effect.sleep(10), Effect.fail("a")))
                yield* nursery.spawn("d", Effect.die("defect"))
                yield* nursery.spawn("ok", journal.watch("ok", Effect.sleep(30)))
                return 7
              })
            )
          )
          yield* TestClock.adjust(30)
          const { value, failures } = yield* Fiber.join(fiber)
          expect(value).toBe(7)
          expect(failures.map(({ name }) => name)).toEqual(["d", "a", "b"])
          expect(failures[1]!.cause).toEqual(Cause.fail("a"))
          expect(journal.lines).toEqual(["30 ok: done"])
        })
      )
    )

    it.effect("a supervised body that fails cancels the children with body-failed (K2, K3)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const exit = yield* Effect.exit(
            Nursery.supervise("n", (nursery: Nursery.Nursery) =>
              Effect.gen(function* () {
                yield* nursery.spawn("c", sleeper(journal, "c"))
                yield* Effect.yieldNow
                return yield* Effect.fail("body")
              })
            )
          )
          expect(exit).toEqual(Exit.fail("body"))
          expect(journal.lines).toEqual(["0 c: body-failed by n of n"])
        })
      )
    )
  })

  describe("cancel", () => {
    it.effect("a cancelled nursery fails with ScopeCancelled and its caller lives (K3, K11)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const exit = yield* Effect.exit(
            Nursery.run("n", (nursery: Nursery.Nursery) =>
              Effect.gen(function* () {
                yield* nursery.spawn("c", sleeper(journal, "c"))
                yield* Effect.yieldNow
                yield* nursery.cancel({ reason: CancelReason.request({ by: "ann", message: "enough" }) })
                return yield* Effect.never
              })
            )
          )
          yield* journal.note("caller lives")
          expect(journal.lines).toEqual(["0 c: request by ann of n", "0 caller lives"])
          const [error] = failuresOf(exit) as [ScopeCancelled]
          expect(error).toBeInstanceOf(ScopeCancelled)
          expect(error.scope).toBe("n")
          expect(textOf(error.reason)).toBe("request by ann of n")
          expect(error.message).toContain("enough")
          expect(Option.isNone(yield* CancelReason.current)).toBe(true)
        })
      )
    )

    it.effect(
      "a cancel of a nursery from inside answers Requested and from outside waits for all children (K3, K13)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const handle = yield* Deferred.make<Nursery.Nursery>()
            const fiber = yield* Effect.forkChild(
              Effect.exit(
                Nursery.run("n", (nursery: Nursery.Nursery) =>
                  Effect.gen(function* () {
                    yield* nursery.spawn("c", sleeper(journal, "c", Effect.sleep(50)))
                    yield* nursery.spawn("d", sleeper(journal, "d", Effect.sleep(70)))
                    yield* Deferred.succeed(handle, nursery)
                    return yield* Effect.never
                  })
                )
              )
            )
            const nursery = yield* Deferred.await(handle)
            yield* Effect.yieldNow
            const cancelling = yield* Effect.forkChild(
              Effect.tap(nursery.cancel({ reason: CancelReason.request() }), () => journal.note("answered"))
            )
            yield* TestClock.adjust(100)
            const result = yield* Fiber.join(cancelling)
            expect(result).toMatchObject({ _tag: "Cancelled", id: "n", how: "interrupted" })
            expect(journal.lines.slice(-2)).toEqual(["70 d: cleaned up", "70 answered"])
            // Told at once, then awaited: never one after another (K4).
            expect(journal.lines.slice(0, 3).toSorted()).toEqual([
              "0 c: request of n",
              "0 d: request of n",
              "50 c: cleaned up"
            ])
            expect(failuresOf(yield* Fiber.join(fiber))[0]).toBeInstanceOf(ScopeCancelled)
          })
        )
    )

    it.effect(
      "a second cancel of a cancelled nursery answers AlreadyCancelled with the first reason, also after its end (K8)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            let handle: Nursery.Nursery | undefined
            yield* Effect.exit(
              Nursery.run("n", (nursery: Nursery.Nursery) => {
                handle = nursery
                return Effect.andThen(nursery.cancel({ reason: CancelReason.request({ by: "ann" }) }), Effect.never)
              })
            )
            const result = yield* handle!.cancel({ reason: CancelReason.request({ by: "bob" }) })
            expect(result._tag).toBe("AlreadyCancelled")
            expect(result._tag === "AlreadyCancelled" && result.reason.by).toBe("ann")
          })
        )
    )

    it.effect(
      "a cancel of a nursery that failed answers AlreadyFailed, of one that returned AlreadyCompleted (K8)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const handles: Array<Nursery.Nursery> = []
            const keep = <A, E>(effect: Effect.Effect<A, E>) =>
              Effect.exit(
                Nursery.run("n", (nursery: Nursery.Nursery) => {
                  handles.push(nursery)
                  return effect
                })
              )
            yield* keep(Effect.succeed(1))
            yield* keep(Effect.fail(1))
            expect((yield* handles[0]!.cancel())._tag).toBe("AlreadyCompleted")
            expect((yield* handles[1]!.cancel())._tag).toBe("AlreadyFailed")
          })
        )
    )

    it.effect("a cancel of a nursery reaches neither the parent nor a sibling nursery (K11)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const fiber = yield* Effect.forkChild(
            Nursery.run("parent", (parent: Nursery.Nursery) =>
              Effect.gen(function* () {
                yield* parent.spawn("sibling", journal.watch("sibling", Effect.sleep(20)))
                yield* parent.spawn(
                  "child",
                  Effect.exit(
                    Nursery.run("inner", (inner: Nursery.Nursery) =>
                      Effect.gen(function* () {
                        yield* inner.spawn("leaf", sleeper(journal, "leaf"))
                        yield* Effect.sleep(10)
                        yield* inner.cancel({ reason: CancelReason.request() })
                        yield* Effect.never
                      })
                    )
                  ).pipe(Effect.andThen(journal.note("child lives")))
                )
              })
            )
          )
          yield* settle
          yield* TestClock.adjust(20)
          yield* Fiber.join(fiber)
          expect(journal.lines).toEqual(["10 leaf: request of inner", "10 child lives", "20 sibling: done"])
        })
      )
    )

    it.effect("all children are told before any is awaited, leaves first (K4, K6)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const scope = yield* Nursery.make<unknown>("top")
          const task = yield* scope.spawn(
            "task",
            journal.watch(
              "task",
              Nursery.run("n", (nursery: Nursery.Nursery) =>
                Effect.gen(function* () {
                  for (const name of ["a", "b", "c"]) {
                    yield* nursery.spawn(name, sleeper(journal, name, Effect.sleep(100)))
                  }
                  yield* sleeper(journal, "body")
                })
              )
            )
          )
          yield* TestClock.adjust(10)
          const fiber = yield* Effect.forkChild(Task.cancel(task, { reason: CancelReason.request() }))
          yield* TestClock.adjust(100)
          expect(yield* Fiber.join(fiber)).toMatchObject({ _tag: "Cancelled" })
          expect(journal.lines.slice(0, 4).toSorted()).toEqual([
            "10 a: request of task",
            "10 b: request of task",
            "10 body: request of task",
            "10 c: request of task"
          ])
          expect(journal.lines.slice(4, 7).toSorted()).toEqual([
            "110 a: cleaned up",
            "110 b: cleaned up",
            "110 c: cleaned up"
          ])
          expect(journal.lines.slice(7)).toEqual(["110 task: request of task"])
        })
      )
    )

    it.effect("a nursery that loses a native race is cancelled, awaited, and leaves nothing (K1, K18)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const fiber = yield* Effect.forkChild(
            Effect.race(
              Effect.as(Effect.sleep(10), "won"),
              Nursery.run("n", (nursery: Nursery.Nursery) =>
                Effect.andThen(nursery.spawn("c", sleeper(journal, "c", Effect.sleep(30))), Effect.never)
              )
            )
          )
          yield* TestClock.adjust(40)
          expect(yield* Fiber.join(fiber)).toBe("won")
          expect(journal.lines).toEqual(["10 c: interrupt of n", "40 c: cleaned up"])
        })
      )
    )

    it.effect("the value of a body that had returned is salvaged when the caller is cancelled (K26)", () =>
      leakChecked(
        Effect.gen(function* () {
          const scope = yield* Nursery.make<unknown>("top")
          const task = yield* scope.spawn(
            "task",
            Nursery.run("n", (nursery: Nursery.Nursery) =>
              Effect.as(
                nursery.spawn(
                  "c",
                  Effect.onExit(Effect.never, () => Effect.sleep(10))
                ),
                42
              )
            )
          )
          yield* TestClock.adjust(5)
          const fiber = yield* Effect.forkChild(Task.cancel(task))
          yield* TestClock.adjust(10)
          yield* Fiber.join(fiber)
          expect((yield* Task.await(task)).salvaged).toEqual([{ scope: "n", value: 42 }])
        })
      )
    )

    it.effect("it is salvaged also when the last child ends within the step of the cancel (K26)", () =>
      leakChecked(
        Effect.gen(function* () {
          const scope = yield* Nursery.make<unknown>("top")
          const task = yield* scope.spawn(
            "task",
            Nursery.run("n", (nursery: Nursery.Nursery) => Effect.as(nursery.spawn("c", Effect.never), 42))
          )
          yield* TestClock.adjust(5)
          expect((yield* Task.cancel(task))._tag).toBe("Cancelled")
          expect((yield* Task.await(task)).salvaged).toEqual([{ scope: "n", value: 42 }])
        })
      )
    )

    it.effect("starting a child in a closed nursery gives an already cancelled task (K5)", () =>
      leakChecked(
        Effect.gen(function* () {
          let handle: Nursery.Nursery | undefined
          let ran = false
          yield* Nursery.run("n", (nursery: Nursery.Nursery) => {
            handle = nursery
            return Effect.void
          })
          const task = yield* handle!.spawn(
            "late",
            Effect.sync(() => {
              ran = true
            })
          )
          const outcome = yield* Task.await(task)
          expect(outcome._tag === "Cancelled" && textOf(outcome.reason)).toBe("scope-closed by n of n")
          yield* Effect.yieldNow
          expect(ran).toBe(false)
        })
      )
    )

    it.effect("starting a child in an interrupted nursery never runs its body and shows the reason (K5)", () =>
      leakChecked(
        Effect.gen(function* () {
          let ran = false
          let late: Task.Task<void> | undefined
          yield* Effect.exit(
            Nursery.run("n", (nursery: Nursery.Nursery) =>
              Effect.onExit(
                Effect.andThen(nursery.cancel({ reason: CancelReason.request({ by: "ann" }) }), Effect.never),
                () =>
                  Effect.map(
                    nursery.spawn(
                      "late",
                      Effect.sync(() => {
                        ran = true
                      })
                    ),
                    (task) => {
                      late = task
                    }
                  )
              )
            )
          )
          const outcome = yield* Task.await(late!)
          expect(outcome._tag === "Cancelled" && textOf(outcome.reason)).toBe("request by ann of n")
          expect(ran).toBe(false)
        })
      )
    )

    it.effect("a child spawned in the turn of the cancel never runs (K5, K10)", () =>
      leakChecked(
        Effect.gen(function* () {
          let ran = false
          yield* Effect.exit(
            Nursery.run("n", (nursery: Nursery.Nursery) =>
              Effect.gen(function* () {
                yield* nursery.spawn(
                  "c",
                  Effect.sync(() => {
                    ran = true
                  })
                )
                yield* nursery.cancel()
                yield* Effect.never
              })
            )
          )
          expect(ran).toBe(false)
        })
      )
    )

    it.effect("during grace the scope is only requested: children start, born with the flag up (K5, K12)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const top = yield* Nursery.make<unknown>("top")
          const task = yield* top.spawn(
            "task",
            Nursery.run("n", (nursery: Nursery.Nursery) =>
              Effect.gen(function* () {
                yield* Effect.sleep(20)
                yield* nursery.spawn(
                  "late",
                  Effect.gen(function* () {
                    const flag = yield* Task.requested
                    yield* journal.note(`flag ${Option.isSome(flag) ? textOf(flag.value) : "down"}`)
                    yield* journal.note(`asked ${textOf(yield* Task.awaitRequest)}`)
                    yield* Effect.sleep(20)
                  })
                )
              })
            )
          )
          yield* TestClock.adjust(10)
          const fiber = yield* Effect.forkChild(
            Task.cancel(task, { reason: CancelReason.request({ by: "ann" }), grace: 100 })
          )
          yield* TestClock.adjust(100)
          expect(yield* Fiber.join(fiber)).toEqual({ _tag: "AlreadyCompleted", id: "task", duringGrace: true })
          expect(journal.lines).toEqual(["20 flag request by ann of task", "20 asked request by ann of task"])
        })
      )
    )
  })

  describe("make", () => {
    it.effect(
      "lives as long as the scope, which then cancels its children with scope-closed and awaits them (K3)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const scope = yield* Scope.make()
            const nursery = yield* Scope.provide(Nursery.make("owned"), scope)
            yield* nursery.spawn("c", sleeper(journal, "c", Effect.sleep(30)))
            yield* TestClock.adjust(10)
            const fiber = yield* Effect.forkChild(Effect.andThen(Scope.close(scope, Exit.void), journal.note("closed")))
            yield* TestClock.adjust(30)
            yield* Fiber.join(fiber)
            expect(journal.lines).toEqual(["10 c: scope-closed by owned of owned", "40 c: cleaned up", "40 closed"])
            const late = yield* nursery.spawn("late", journal.note("never"))
            expect((yield* Task.await(late))._tag).toBe("Cancelled")
            expect(journal.lines).toHaveLength(3)
          })
        )
    )

    it.effect("a child's failure leaves its siblings alone (K3)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const nursery = yield* Nursery.make<string>("owned")
          const bad = yield* nursery.spawn("bad", Effect.fail("bad"))
          const good = yield* nursery.spawn("good", journal.watch("good", Effect.sleep(10)))
          expect((yield* Task.await(bad))._tag).toBe("Failed")
          yield* TestClock.adjust(10)
          expect((yield* Task.await(good))._tag).toBe("Completed")
          expect(journal.lines).toEqual(["10 good: done"])
        })
      )
    )

    it.effect(
      "its cancel ends it without waiting for the scope to close (K3, K13)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const nursery = yield* Nursery.make("owned")
            yield* nursery.spawn("c", sleeper(journal, "c", Effect.sleep(20)))
            yield* TestClock.adjust(10)
            const fiber = yield* Effect.forkChild(nursery.cancel({ reason: CancelReason.request({ by: "ann" }) }))
            yield* TestClock.adjust(20)
            expect(fiber.pollUnsafe(), "the cancel of an owned nursery hangs").toBeDefined()
            expect(yield* Fiber.join(fiber)).toMatchObject({ _tag: "Cancelled", id: "owned" })
            expect(journal.lines).toEqual(["10 c: request by ann of owned", "30 c: cleaned up"])
          })
        ),
      2000
    )
  })

  describe("spawnReady", () => {
    it.effect("returns once the child said ready, with its value; the child lives on (K7)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const fiber = yield* Effect.forkChild(
            Nursery.run("n", (nursery: Nursery.Nursery) =>
              Effect.gen(function* () {
                const port = yield* nursery.spawnReady("server", (ready: (port: number) => Effect.Effect<void>) =>
                  journal.watch(
                    "server",
                    Effect.gen(function* () {
                      yield* Effect.sleep(10)
                      yield* ready(8080)
                      yield* ready(9090)
                      yield* Effect.sleep(10)
                    })
                  )
                )
                yield* journal.note(`ready ${port}`)
              })
            )
          )
          yield* TestClock.adjust(20)
          yield* Fiber.join(fiber)
          expect(journal.lines).toEqual(["10 ready 8080", "20 server: done"])
        })
      )
    )

    it.effect("until ready its failure goes to the caller and not to fail-fast (K7)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const fiber = yield* Effect.forkChild(
            Nursery.run("n", (nursery: Nursery.Nursery<string>) =>
              Effect.gen(function* () {
                yield* nursery.spawn("sibling", journal.watch("sibling", Effect.sleep(30)))
                const exit = yield* Effect.exit(
                  nursery.spawnReady("bad", () => Effect.andThen(Effect.sleep(10), Effect.fail("bad")))
                )
                expect(exit).toEqual(Exit.fail("bad"))
                const dead = yield* Effect.exit(nursery.spawnReady("dead", () => Effect.die("dead")))
                expect(dead).toEqual(Exit.die("dead"))
                return "fine"
              })
            )
          )
          yield* TestClock.adjust(30)
          expect(yield* Fiber.join(fiber)).toBe("fine")
          expect(journal.lines).toEqual(["30 sibling: done"])
        })
      )
    )

    it.effect("after ready its failure is a failure of the nursery (K7)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const exit = yield* Effect.exit(
            Nursery.run("n", (nursery: Nursery.Nursery<string>) =>
              Effect.gen(function* () {
                yield* nursery.spawnReady("bad", (ready: (value: void) => Effect.Effect<void>) =>
                  Effect.andThen(ready(undefined), Effect.fail("bad"))
                )
                yield* sleeper(journal, "body")
              })
            )
          )
          expect(exit).toEqual(Exit.fail("bad"))
        })
      )
    )

    it.effect("a child that ends before it is ready is NeverReady with its outcome (K7)", () =>
      leakChecked(
        Effect.gen(function* () {
          yield* Nursery.run("n", (nursery: Nursery.Nursery) =>
            Effect.gen(function* () {
              const early = yield* Effect.flip(nursery.spawnReady("early", () => Effect.succeed(1)))
              expect(early).toBeInstanceOf(Nursery.NeverReady)
              expect(early.task).toBe("early")
              expect(early.outcome).toMatchObject({ _tag: "Completed", value: 1 })
              const self = yield* Effect.flip(nursery.spawnReady("self", () => Effect.interrupt))
              expect(self.outcome._tag).toBe("Cancelled")
            })
          )
        })
      )
    )

    it.effect("a caller cancelled by the nursery's own task cancels and awaits the child, with that reason (K7)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const top = yield* Nursery.make<unknown>("top")
          const task = yield* top.spawn(
            "task",
            Nursery.run("n", (nursery: Nursery.Nursery) =>
              journal.watch(
                "caller",
                nursery.spawnReady("child", () => sleeper(journal, "child", Effect.sleep(20)))
              )
            )
          )
          yield* TestClock.adjust(10)
          const fiber = yield* Effect.forkChild(Task.cancel(task, { reason: CancelReason.request({ by: "ann" }) }))
          yield* TestClock.adjust(20)
          yield* Fiber.join(fiber)
          expect(journal.lines).toEqual([
            "10 child: request by ann of task",
            "30 child: cleaned up",
            "30 caller: request by ann of task"
          ])
        })
      )
    )

    it.effect("a caller that gives up waiting cancels and awaits the child, and the nursery lives on (K7)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const fiber = yield* Effect.forkChild(
            Nursery.run("n", (nursery: Nursery.Nursery) =>
              Effect.gen(function* () {
                yield* Effect.timeoutOption(
                  nursery.spawnReady("child", () => sleeper(journal, "child", Effect.sleep(20))),
                  10
                )
                yield* journal.note("timed out")
                yield* Effect.sleep(10)
                return "fine"
              })
            )
          )
          yield* TestClock.adjust(50)
          expect(yield* Fiber.join(fiber)).toBe("fine")
          expect(journal.lines).toEqual(["10 child: scope-closed of child", "30 child: cleaned up", "30 timed out"])
        })
      )
    )

    it.effect("a caller interrupted after ready leaves the child alone (K7)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const fiber = yield* Effect.forkChild(
            Nursery.run("n", (nursery: Nursery.Nursery) =>
              Effect.gen(function* () {
                yield* Effect.timeoutOption(
                  Effect.andThen(
                    nursery.spawnReady("child", (ready: (value: void) => Effect.Effect<void>) =>
                      journal.watch("child", Effect.andThen(ready(undefined), Effect.sleep(30)))
                    ),
                    Effect.never
                  ),
                  10
                )
              })
            )
          )
          yield* TestClock.adjust(50)
          yield* Fiber.join(fiber)
          expect(journal.lines).toEqual(["30 child: done"])
        })
      )
    )

    it.effect("in a closed nursery it is NeverReady and its body never runs (K5, K7)", () =>
      leakChecked(
        Effect.gen(function* () {
          let handle: Nursery.Nursery | undefined
          let ran = false
          yield* Nursery.run("n", (nursery: Nursery.Nursery) => {
            handle = nursery
            return Effect.void
          })
          const error = yield* Effect.flip(
            handle!.spawnReady("late", () =>
              Effect.sync(() => {
                ran = true
              })
            )
          )
          expect(error.outcome).toMatchObject({ _tag: "Cancelled", reason: { source: "scope-closed" } })
          expect(ran).toBe(false)
        })
      )
    )

    it.effect("a ready that comes while the nursery is cancelled does not keep the child alive (K7)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const exit = yield* Effect.forkChild(
            Effect.exit(
              Nursery.run("n", (nursery: Nursery.Nursery<string>) =>
                Effect.gen(function* () {
                  yield* nursery.spawn("bad", Effect.andThen(Effect.sleep(10), Effect.fail("bad")))
                  yield* nursery.spawnReady("child", (ready: (value: void) => Effect.Effect<void>) =>
                    Effect.andThen(
                      Effect.uninterruptible(Effect.andThen(Effect.sleep(20), ready(undefined))),
                      sleeper(journal, "child")
                    )
                  )
                })
              )
            )
          )
          yield* TestClock.adjust(100)
          expect(yield* Fiber.join(exit)).toEqual(Exit.fail("bad"))
          expect(journal.lines.every((line) => line.startsWith("20"))).toBe(true)
        })
      )
    )

    it.effect("a background child may be awaited for ready and is cancelled at the end (K2, K7)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const value = yield* Nursery.run("n", (nursery: Nursery.Nursery) =>
            nursery.spawnReady(
              "feed",
              (ready: (value: string) => Effect.Effect<void>) =>
                journal.watch("feed", Effect.andThen(ready("up"), Effect.never)),
              { background: true }
            )
          )
          expect(value).toBe("up")
          expect(journal.lines).toEqual(["0 feed: scope-closed by n of feed"])
        })
      )
    )
  })

  describe("at the edge", () => {
    const ann = { reason: CancelReason.request({ by: "ann" }) }

    it.effect("a failure that is decided only after the cancel is one of clean-up (K3, K16)", () =>
      leakChecked(
        Effect.gen(function* () {
          const closing = Effect.addFinalizer(() => Effect.sleep(20))
          const task = yield* inTask(
            Effect.exit(
              Nursery.run("n", (nursery: Nursery.Nursery<string>) =>
                Effect.gen(function* () {
                  yield* nursery.spawn("a", Effect.andThen(Effect.sleep(10), Effect.fail("first")))
                  yield* nursery.spawn(
                    "b",
                    Effect.andThen(Effect.andThen(closing, Effect.sleep(5)), Effect.fail("second"))
                  )
                  yield* Effect.never
                })
              )
            )
          )
          yield* TestClock.adjust(30)
          const outcome = yield* Task.await(task)
          expect(outcome._tag === "Completed" && failuresOf(outcome.value)).toEqual(["first"])
          expect(scopesOf(outcome)).toEqual(["b"])
        })
      )
    )

    it.effect("a failure that left the nursery is not one of clean-up besides (K3, K16)", () =>
      leakChecked(
        Effect.gen(function* () {
          const task = yield* inTask(
            Nursery.run("n", (nursery: Nursery.Nursery<string>) =>
              Effect.andThen(nursery.spawn("a", Effect.fail("no")), Effect.never)
            )
          )
          expect(yield* Task.await(task)).toMatchObject({ _tag: "Failed", cleanupFailures: [] })
        })
      )
    )

    it.effect("a failure in the very turn in which the owner is cancelled is one of clean-up (K16)", () =>
      leakChecked(
        Effect.gen(function* () {
          const child = yield* Deferred.make<Task.Task<never, string>>()
          const task = yield* inTask(
            Nursery.run("n", (nursery: Nursery.Nursery<string>) =>
              Effect.flatMap(nursery.spawn("a", Effect.andThen(Effect.sleep(10), Effect.fail("no"))), (spawned) =>
                Effect.andThen(Deferred.succeed(child, spawned), Effect.never)
              )
            )
          )
          const failing = yield* Deferred.await(child)
          yield* Effect.forkChild(Effect.andThen(Task.await(failing), Task.cancel(task, ann)))
          yield* TestClock.adjust(10)
          const outcome = yield* Task.await(task)
          expect([outcome._tag, scopesOf(outcome)]).toEqual(["Cancelled", ["a"]])
        })
      )
    )

    it.effect("supervise keeps the failures of children with those of clean-up when its body fails (K3, K16)", () =>
      leakChecked(
        Effect.gen(function* () {
          const task = yield* inTask(
            Nursery.supervise("n", (nursery: Nursery.Nursery<string>) =>
              Effect.andThen(
                Effect.andThen(nursery.spawn("a", Effect.fail("child")), Effect.sleep(10)),
                Effect.fail("body")
              )
            )
          )
          yield* TestClock.adjust(10)
          const outcome = yield* Task.await(task)
          expect(outcome._tag === "Failed" && Cause.squash(outcome.cause)).toBe("body")
          expect(scopesOf(outcome)).toEqual(["a"])
        })
      )
    )

    it.effect("what the body returned is salvaged when the nursery is cancelled after it (K12, K26)", () =>
      leakChecked(
        Effect.gen(function* () {
          const handle = yield* Deferred.make<Nursery.Nursery>()
          const task = yield* inTask(
            Effect.flip(
              Nursery.run("n", (nursery: Nursery.Nursery) =>
                Effect.as(
                  Effect.andThen(nursery.spawn("child", Effect.never), Deferred.succeed(handle, nursery)),
                  "value"
                )
              )
            )
          )
          yield* (yield* Deferred.await(handle)).cancel(ann)
          const outcome = yield* Task.await(task)
          expect(outcome._tag === "Completed" && outcome.value).toBeInstanceOf(ScopeCancelled)
          expect(outcome.salvaged).toEqual([{ scope: "n", value: "value" }])
        })
      )
    )

    it.effect("a nursery in clean-up runs its children, though the task around it was cancelled (K15)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const cleanUp = Nursery.run("n", (nursery: Nursery.Nursery) =>
            nursery.spawn("child", journal.watch("child", Effect.sleep(10)))
          )
          const task = yield* inTask(Effect.onInterrupt(Effect.never, () => cleanUp))
          const asking = yield* Effect.forkChild(Task.cancel(task, ann))
          yield* TestClock.adjust(10)
          expect((yield* Fiber.join(asking))._tag).toBe("Cancelled")
          expect(journal.lines).toEqual(["10 child: done"])
        })
      )
    )

    it.effect("a nursery in clean-up whose time is over tells its children why the task was cancelled (K18)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const cleanUp = Nursery.run("n", (nursery: Nursery.Nursery) =>
            nursery.spawn("child", sleeper(journal, "child"))
          )
          const task = yield* inTask(
            Effect.onInterrupt(Effect.never, () => Effect.timeoutOption(Effect.interruptible(cleanUp), 10))
          )
          yield* Effect.forkChild(Task.cancel(task, ann))
          yield* TestClock.adjust(10)
          expect(journal.lines).toEqual(["10 child: request by ann of task"])
        })
      )
    )

    it.effect("a nursery of a scope hears of a cancel only when the scope closes, and then why (K3, K11, K18)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* inTask(
            Effect.gen(function* () {
              const nursery = yield* Nursery.make("n")
              yield* nursery.spawn("child", sleeper(journal, "child"))
              yield* Effect.onInterrupt(Effect.never, () => Effect.sleep(20))
            })
          )
          const asking = yield* Effect.forkChild(Task.cancel(task, ann))
          yield* TestClock.adjust(10)
          const { tree } = yield* TaskTree.snapshot
          const states = JSON.stringify(tree, (key, value) => (key === "reason" ? undefined : (value as unknown)))
          expect(states).toContain('"kind":"nursery","name":"n","state":"running"')
          expect(states).toContain('"kind":"task","name":"child","state":"running"')
          yield* TestClock.adjust(10)
          yield* Fiber.join(asking)
          expect(journal.lines).toEqual(["20 child: request by ann of task"])
        })
      )
    )

    it.effect("a nursery of a scope that was cancelled and has ended takes no child (K5)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const nursery = yield* Nursery.make("n")
          yield* nursery.spawn("child", Effect.never)
          yield* settle
          yield* nursery.cancel(ann)
          const late = yield* nursery.spawn("late", journal.note("late"))
          expect(Option.isSome(yield* Task.poll(late))).toBe(true)
          yield* settle
          expect(journal.lines).toEqual([])
          const outcome = yield* Task.await(late)
          expect(outcome._tag === "Cancelled" && textOf(outcome.reason)).toBe("request by ann of n")
        })
      )
    )

    it.effect("an empty nursery of a scope that is cancelled with grace has ended when that is over (K12, K13)", () =>
      leakChecked(
        Effect.gen(function* () {
          const nursery = yield* Nursery.make("n")
          const asking = yield* Effect.forkChild(nursery.cancel({ ...ann, grace: 100 }))
          yield* TestClock.adjust(100)
          expect(asking.pollUnsafe()).toBeDefined()
        })
      )
    )

    it.effect("at the end of the grace all children are told before anybody who waits for one goes on (K4, K12)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const nursery = yield* Nursery.make("n")
          yield* nursery.spawn("one", sleeper(journal, "one"))
          const two = yield* nursery.spawn("two", sleeper(journal, "two"))
          yield* Effect.forkChild(Effect.andThen(Task.await(two), journal.note("two has ended")))
          yield* settle
          yield* Effect.forkChild(nursery.cancel({ ...ann, grace: 100 }))
          yield* TestClock.adjust(100)
          expect(journal.lines).toEqual([
            "100 two: request by ann of n",
            "100 one: request by ann of n",
            "100 two has ended"
          ])
        })
      )
    )

    it.effect("2,000 nurseries, each in the body of the one before, start and end (K6)", () => {
      const nested = (depth: number): Effect.Effect<number> =>
        depth === 0
          ? Effect.succeed(0)
          : (Effect.map(
              Nursery.run("n", () => Effect.suspend(() => nested(depth - 1))),
              (below) => below + 1
            ) as Effect.Effect<number>)
      return leakChecked(Effect.map(nested(2000), (depth) => expect(depth).toBe(2000)))
    })
  })
})
