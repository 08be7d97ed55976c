import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as TestClock from "effect/testing/TestClock"
import * as Bridge from "../../src/fibers/Bridge.ts"
import { CancelAbortError } from "../../src/fibers/CancelAbortError.ts"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Stragglers from "../../src/fibers/Stragglers.ts"
import * as Task from "../../src/fibers/Task.ts"
import * as TaskTree from "../../src/fibers/TaskTree.ts"
import { Journal, textOf } from "../support/journal.ts"
import { leakChecked } from "../support/leaks.ts"
import { settle } from "../support/settle.ts"

const byAnn = CancelReason.request({ by: "ann", message: "not needed" })

/** What a test answers by hand, and what it saw of the signal. */
const operation = <A>() => {
  const { promise, reject, resolve } = Promise.withResolvers<A>()
  const operation = {
    calls: 0,
    signal: undefined as AbortSignal | undefined,
    evaluate: (signal: AbortSignal) => {
      operation.calls++
      operation.signal = signal
      return promise
    },
    resolve,
    reject,
    /** "request by ann of call", or what else the signal says. */
    get told(): string {
      if (operation.signal === undefined) return "never called"
      if (!operation.signal.aborted) return "not told"
      const abort: unknown = operation.signal.reason
      return abort instanceof CancelAbortError ? textOf(abort.reason) : String(abort)
    }
  }
  return operation
}

/** Runs the effect as task "call" below a nursery "top", and gives the handle to the test. */
const asTask = <A, E, B, E2>(
  effect: Effect.Effect<A, E>,
  test: (task: Task.Task<A, E>) => Effect.Effect<B, E2>
): Effect.Effect<unknown, unknown> =>
  Nursery.supervise("top", (nursery: Nursery.Nursery<E>) =>
    Effect.gen(function* () {
      const task = yield* nursery.spawn("call", effect)
      yield* settle
      return yield* test(task)
    })
  )

const late = Effect.map(Metric.value(Bridge.lateRejections), ({ count }) => count)

/** Fails if Node reports a rejection that nobody handled. */
const noUnhandled = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    const unhandled: Array<unknown> = []
    const listener = (error: unknown) => unhandled.push(error)
    process.on("unhandledRejection", listener)
    return Effect.ensuring(
      Effect.tap(effect, () =>
        Effect.andThen(
          settle,
          Effect.sync(() => expect(unhandled).toEqual([]))
        )
      ),
      Effect.sync(() => process.off("unhandledRejection", listener))
    )
  })

/** Counts of its own. */
const ownMetrics = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.provideService(effect, Metric.MetricRegistry, new Map())

type Answering = (ok: (value: string | PromiseLike<string>) => void, no: (error: unknown) => void) => void

/** A thenable that answers as the test says; nothing of it may be late. */
const hostile = (then: Answering) =>
  Bridge.fromPromise(
    // oxlint-disable-next-line unicorn/no-thenable -- it stands for a foreign promise
    () => ({ then }) as never,
    { onLate: () => Effect.die("nothing was late") }
  )

describe("Bridge.fromPromise", () => {
  describe("answers", () => {
    it.effect("the value is passed through, and a settled signal never aborts (S3-24, K20)", () =>
      leakChecked(
        Effect.gen(function* () {
          const call = operation<number>()
          const fiber = yield* Effect.forkChild(Bridge.fromPromise(call.evaluate))
          yield* settle
          call.resolve(42)
          expect(yield* Fiber.join(fiber)).toBe(42)
          yield* settle
          expect(call.told).toBe("not told")
          expect(yield* Bridge.fromPromise(() => Promise.resolve("now"))).toBe("now")
        })
      )
    )

    it.effect("a rejection is an UnknownError, or what `catch` makes of it; a `catch` that throws is a defect", () =>
      leakChecked(
        Effect.gen(function* () {
          const no = new Error("no")
          const unknown = yield* Effect.flip(Bridge.fromPromise(() => Promise.reject(no)))
          expect(unknown).toBeInstanceOf(Cause.UnknownError)
          expect(unknown.cause).toBe(no)
          const typed = Bridge.fromPromise(() => Promise.reject(no), { catch: (error) => ["caught", error] as const })
          expect(yield* Effect.flip(typed)).toEqual(["caught", no])
          const broken = Bridge.fromPromise(() => Promise.reject(no), {
            catch: (): string => {
              throw new Error("broken")
            }
          })
          expect(Exit.hasDies(yield* Effect.exit(broken))).toBe(true)
        })
      )
    )

    it.effect("a function that throws before there is a promise is a rejection", () =>
      leakChecked(
        Effect.gen(function* () {
          const thrown = Bridge.fromPromise(
            (): Promise<number> => {
              throw new Error("at once")
            },
            { catch: (error) => (error as Error).message }
          )
          expect(yield* Effect.flip(thrown)).toBe("at once")
          const nothing = Bridge.fromPromise(() => undefined as unknown as Promise<number>)
          expect(yield* Effect.flip(nothing)).toBeInstanceOf(Cause.UnknownError)
        })
      )
    )

    it.effect("a thenable that calls back at once, twice, or both ways counts once", () =>
      leakChecked(
        Effect.gen(function* () {
          expect(
            yield* hostile((ok, no) => {
              ok("first")
              ok("second")
              no("third")
              throw new Error("fourth")
            })
          ).toBe("first")
          const failed = yield* Effect.flip(
            hostile((ok, no) => {
              no("first")
              ok("second")
            })
          )
          expect(failed.cause).toBe("first")
        })
      )
    )

    it.effect("a thenable that answers with another promise is followed to its end, as `await` does", () =>
      leakChecked(
        Effect.gen(function* () {
          expect(yield* hostile((ok) => ok(Promise.resolve("inner")))).toBe("inner")
          // A rejection that nobody hears would fail the whole test run.
          const failed = yield* Effect.flip(hostile((ok) => ok(Promise.reject(new Error("inner")))))
          expect(failed.cause).toEqual(new Error("inner"))
        })
      )
    )
  })

  describe("interrupt", () => {
    it.effect("the signal aborts at the interrupt, with the reason; the cancel waits for the promise (K20, K41)", () =>
      leakChecked(
        Effect.gen(function* () {
          const call = operation<string>()
          yield* asTask(Bridge.fromPromise(call.evaluate), (task) =>
            Effect.gen(function* () {
              const cancel = yield* Effect.forkChild(Task.cancel(task, { reason: byAnn }))
              yield* settle
              expect(call.told).toBe("request by ann of call")
              expect(call.signal!.reason).toMatchObject({ name: "AbortError", message: "not needed" })
              expect(cancel.pollUnsafe()).toBeUndefined()
              yield* TestClock.adjust("70 millis")
              call.resolve("too late")
              expect(yield* Fiber.join(cancel)).toMatchObject({ _tag: "Cancelled", how: "interrupted" })
              expect(yield* Stragglers.list).toEqual([])
            })
          )
        })
      )
    )

    it.effect(
      "within a grace Task.signal aborts at the request, the signal of fromPromise at the interrupt (K12, K20)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const call = operation<string>()
            const journal = new Journal()
            const body = Effect.gen(function* () {
              const signal = yield* Task.signal
              const context = yield* Effect.context<never>()
              const note = (who: string, signal: AbortSignal) =>
                signal.addEventListener("abort", () => Effect.runSyncWith(context)(journal.note(`${who} aborted`)))
              note("Task.signal", signal)
              return yield* Bridge.fromPromise((signal) => {
                note("fromPromise", signal)
                return call.evaluate(signal)
              })
            })
            yield* asTask(Effect.scoped(body), (task) =>
              Effect.gen(function* () {
                const cancel = yield* Effect.forkChild(Task.cancel(task, { reason: byAnn, grace: "1 second" }))
                yield* TestClock.adjust("1 second")
                expect(journal.lines).toEqual(["0 Task.signal aborted", "1000 fromPromise aborted"])
                call.reject(call.signal!.reason)
                expect(yield* Fiber.join(cancel)).toMatchObject({ _tag: "Cancelled" })
              })
            )
          })
        )
    )

    it.effect("each source is told: a timeout of ours, a lost race, a failed sibling, a native interrupt (K19)", () =>
      leakChecked(
        Effect.gen(function* () {
          const call = operation<string>()
          const failing = Nursery.run("group", (nursery: Nursery.Nursery<string>) =>
            Effect.gen(function* () {
              yield* nursery.spawn("bad", Effect.delay(Effect.fail("broken"), 10))
              return yield* Bridge.fromPromise(call.evaluate, { mode: "abandon" })
            })
          )
          const fiber = yield* Effect.forkChild(Effect.exit(failing))
          yield* TestClock.adjust(10)
          expect(Exit.isFailure(yield* Fiber.join(fiber))).toBe(true)
          expect(call.told).toBe("sibling-failed by bad of group")
          const native = operation<string>()
          const lost = yield* Effect.forkChild(
            Effect.timeoutOption(Bridge.fromPromise(native.evaluate, { mode: "abandon" }), 5)
          )
          yield* TestClock.adjust(5)
          expect(yield* Fiber.join(lost)).toEqual(Option.none())
          expect(native.told).toBe("interrupt of root")
          call.resolve("")
          native.resolve("")
          yield* settle
        })
      )
    )

    it.effect("interrupted before the first step, the function is never called (K10)", () =>
      leakChecked(
        Effect.gen(function* () {
          const call = operation<string>()
          const result = yield* Nursery.run("top", (nursery: Nursery.Nursery<Cause.UnknownError>) =>
            Effect.gen(function* () {
              const task = yield* nursery.spawn("call", Bridge.fromPromise(call.evaluate))
              return yield* Task.cancel(task)
            })
          )
          expect(result._tag).toBe("Cancelled")
          expect(call.told).toBe("never called")
        })
      )
    )

    it.effect("a second interrupt changes neither the reason nor the wait (K8)", () =>
      leakChecked(
        Effect.gen(function* () {
          const call = operation<string>()
          yield* asTask(Bridge.fromPromise(call.evaluate), (task) =>
            Effect.gen(function* () {
              const first = yield* Effect.forkChild(Task.cancel(task, { reason: byAnn }))
              yield* settle
              const second = yield* Effect.forkChild(Task.cancel(task, { reason: CancelReason.shutdown() }))
              yield* settle
              expect([first.pollUnsafe(), second.pollUnsafe()]).toEqual([undefined, undefined])
              call.resolve("")
              expect((yield* Fiber.join(first))._tag).toBe("Cancelled")
              expect((yield* Fiber.join(second))._tag).toBe("AlreadyCancelled")
              expect(call.told).toBe("request by ann of call")
            })
          )
        })
      )
    )

    it.effect("a function that cancels its own task is told at once", () =>
      leakChecked(
        Effect.gen(function* () {
          const call = operation<string>()
          const handle = yield* Deferred.make<Task.Task<string, Cause.UnknownError>>()
          const body = Effect.gen(function* () {
            const task = yield* Deferred.await(handle)
            const context = yield* Effect.context<never>()
            return yield* Bridge.fromPromise((signal) => {
              Effect.runForkWith(context)(Task.requestCancel(task, { reason: byAnn }))
              return call.evaluate(signal)
            })
          })
          yield* asTask(body, (task) =>
            Effect.gen(function* () {
              yield* Deferred.succeed(handle, task)
              yield* settle
              expect(call.told).toBe("request by ann of call")
              call.resolve("")
              expect((yield* Task.await(task))._tag).toBe("Cancelled")
            })
          )
        })
      )
    )

    it.effect("in an uninterruptible region the signal stays quiet and the value arrives", () =>
      leakChecked(
        Effect.gen(function* () {
          const call = operation<string>()
          let got: string | undefined
          const body = Effect.uninterruptible(
            Effect.tap(Bridge.fromPromise(call.evaluate), (value) =>
              Effect.sync(() => {
                got = value
              })
            )
          )
          yield* asTask(body, (task) =>
            Effect.gen(function* () {
              yield* Task.requestCancel(task)
              yield* settle
              expect(call.told).toBe("not told")
              call.resolve("saved")
              expect((yield* Task.await(task))._tag).toBe("Cancelled")
              expect(got).toBe("saved")
            })
          )
        })
      )
    )

    it.effect("a cancel that gives up leaves the waiting task as the straggler until the promise settles (K12)", () =>
      leakChecked(
        Effect.gen(function* () {
          const call = operation<string>()
          const closed: Array<string> = []
          const body = Bridge.fromPromise(call.evaluate, { onLate: (value) => Effect.sync(() => closed.push(value)) })
          yield* asTask(body, (task) =>
            Effect.gen(function* () {
              const cancel = yield* Effect.forkChild(Task.cancel(task, { reason: byAnn, giveUp: "2 seconds" }))
              yield* TestClock.adjust("2 seconds")
              expect(yield* Fiber.join(cancel)).toMatchObject({ _tag: "Cancelled", how: "abandoned" })
              expect(yield* Stragglers.list).toMatchObject([{ kind: "task", path: "top/call", askedAt: 0 }])
              call.resolve("connection")
              yield* settle
              expect(closed).toEqual(["connection"])
              expect(yield* Stragglers.list).toEqual([])
            })
          )
        })
      )
    )
  })

  describe("abandon", () => {
    it.effect("cancel returns at once although the operation goes on, and lists it until it settles (S3-23, K41)", () =>
      leakChecked(
        Effect.gen(function* () {
          const call = operation<string>()
          yield* TestClock.adjust(3)
          yield* asTask(Bridge.fromPromise(call.evaluate, { mode: "abandon", name: "dial" }), (task) =>
            Effect.gen(function* () {
              const result = yield* Task.cancel(task, { reason: byAnn })
              expect(result).toMatchObject({ _tag: "Cancelled", how: "interrupted" })
              const [straggler] = yield* Stragglers.list
              expect(straggler).toMatchObject({ kind: "foreign", path: "top/call/dial", name: "dial", askedAt: 3 })
              expect(textOf(straggler!.reason)).toBe("request by ann of call")
              const { stragglers } = yield* TaskTree.snapshot
              expect(stragglers).toMatchObject([{ kind: "foreign", name: "dial", state: "straggling" }])
              call.resolve("ignored")
              yield* settle
              expect(yield* Stragglers.list).toEqual([])
            })
          )
        })
      )
    )

    it.effect("cancel wins over the operation's own timeout of 30 s (S3-25)", () =>
      leakChecked(
        Effect.gen(function* () {
          const call = operation<string>()
          const wrapped = Effect.timeout(Bridge.fromPromise(call.evaluate, { mode: "abandon" }), 30_000)
          yield* asTask(wrapped, (task) =>
            Effect.gen(function* () {
              yield* TestClock.adjust("2 seconds")
              expect(yield* Task.cancel(task, { reason: byAnn })).toMatchObject({ _tag: "Cancelled" })
              expect(call.told).toBe("request by ann of call")
              call.resolve("")
            })
          )
        })
      )
    )

    it.effect(
      "a late rejection is swallowed and counted; one that only answers the abort is not counted (S3-23, K41)",
      () =>
        ownMetrics(
          noUnhandled(
            leakChecked(
              Effect.gen(function* () {
                const cases: ReadonlyArray<readonly [(call: ReturnType<typeof operation>) => unknown, number]> = [
                  [() => new Error("ECONNRESET"), 1],
                  [() => undefined, 1],
                  [(call) => call.signal!.reason, 0],
                  [(call) => new Error("stopped", { cause: call.signal!.reason }), 0],
                  [() => new DOMException("aborted", "AbortError"), 0]
                ]
                for (const mode of ["abandon", "wait"] as const) {
                  for (const [rejection, counted] of cases) {
                    const call = operation<unknown>()
                    const before = yield* late
                    yield* asTask(Bridge.fromPromise(call.evaluate, { mode }), (task) =>
                      Effect.gen(function* () {
                        yield* Task.requestCancel(task)
                        yield* settle
                        call.reject(rejection(call))
                        expect(yield* Task.await(task)).toMatchObject({ _tag: "Cancelled", cleanupFailures: [] })
                        yield* settle
                        expect((yield* late) - before).toBe(counted)
                        expect(yield* Stragglers.list).toEqual([])
                      })
                    )
                  }
                }
              })
            )
          )
        )
    )

    it.effect("a straggler is listed under where it was started, also when that was given up before", () =>
      leakChecked(
        Effect.gen(function* () {
          const call = operation<string>()
          const stubborn = Effect.uninterruptibleMask((restore) =>
            Effect.andThen(
              Effect.sleep(100),
              Effect.exit(restore(Bridge.fromPromise(call.evaluate, { mode: "abandon", name: "dial" })))
            )
          )
          yield* asTask(stubborn, (task) =>
            Effect.gen(function* () {
              yield* Effect.forkChild(Task.cancel(task, { giveUp: 10 }))
              yield* TestClock.adjust(10)
              expect((yield* Stragglers.list).map(({ path }) => path)).toEqual(["top/call"])
              yield* TestClock.adjust(100)
              // Interrupted before it began: nothing foreign ever ran.
              expect(call.calls).toBe(0)
              expect(yield* Stragglers.list).toEqual([])
            })
          )
        })
      )
    )
  })

  describe("onLate", () => {
    it.effect(
      "a connection opened late is closed, although the caller has gone; it is listed until that is done (K41)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const call = operation<string>()
            const journal = new Journal()
            const body = Bridge.fromPromise(call.evaluate, {
              mode: "abandon",
              name: "dial",
              onLate: (connection, reason) =>
                Effect.gen(function* () {
                  const current = Option.getOrThrow(yield* CancelReason.current)
                  yield* journal.note(`closing ${connection}: ${textOf(reason)}, ${current === reason}`)
                  yield* Effect.addFinalizer(() => journal.note("closed"))
                  yield* Effect.sleep(20)
                })
            })
            yield* asTask(body, (task) => Task.cancel(task, { reason: byAnn }))
            // Nursery and task are gone.
            yield* TestClock.adjust(50)
            call.resolve("connection 7")
            yield* settle
            expect((yield* Stragglers.list).map(({ path }) => path)).toEqual(["top/call/dial"])
            yield* TestClock.adjust(20)
            expect(journal.lines).toEqual(["50 closing connection 7: request by ann of call, true", "70 closed"])
            expect(yield* Stragglers.list).toEqual([])
          })
        )
    )

    it.effect("with the waiting form the cancel waits for onLate too (K1, K41)", () =>
      leakChecked(
        Effect.gen(function* () {
          const call = operation<string>()
          const journal = new Journal()
          const body = Bridge.fromPromise(call.evaluate, {
            onLate: (value) => Effect.andThen(Effect.sleep(20), journal.note(`closed ${value}`))
          })
          yield* asTask(body, (task) =>
            Effect.gen(function* () {
              const cancel = yield* Effect.forkChild(Task.cancel(task))
              yield* settle
              call.resolve("connection")
              yield* TestClock.adjust(19)
              expect(cancel.pollUnsafe()).toBeUndefined()
              yield* TestClock.adjust(1)
              yield* Fiber.join(cancel)
              expect(journal.lines).toEqual(["20 closed connection"])
            })
          )
        })
      )
    )

    it.effect("it is not called for a value in time, a rejection, or a second answer", () =>
      leakChecked(
        Effect.gen(function* () {
          const options = { onLate: () => Effect.die("called") }
          expect(yield* Bridge.fromPromise(() => Promise.resolve(1), options)).toBe(1)
          yield* Effect.flip(Bridge.fromPromise(() => Promise.reject(new Error("no")), options))
          const call = operation<string>()
          yield* asTask(Bridge.fromPromise(call.evaluate, { ...options, mode: "abandon" }), (task) =>
            Effect.gen(function* () {
              yield* Task.cancel(task)
              call.reject(call.signal!.reason)
            })
          )
          yield* settle
        })
      )
    )

    for (const mode of ["wait", "abandon"] as const) {
      it.effect(`its failure is logged, kept as a failure of clean-up, and stops nothing (K16, ${mode})`, () =>
        leakChecked(
          Effect.gen(function* () {
            const call = operation<string>()
            const body = Bridge.fromPromise(call.evaluate, { mode, onLate: () => Effect.fail("cannot close") })
            yield* asTask(body, (task) =>
              Effect.gen(function* () {
                yield* Task.requestCancel(task)
                yield* settle
                call.resolve("connection")
                const outcome = yield* Task.await(task)
                yield* settle
                expect(outcome._tag).toBe("Cancelled")
                expect(outcome.cleanupFailures.map(({ scope }) => scope)).toEqual(mode === "wait" ? ["evaluate"] : [])
                expect(yield* Stragglers.list).toEqual([])
              })
            )
          })
        )
      )
    }

    it.effect("it has the services of the caller", () =>
      leakChecked(
        Effect.gen(function* () {
          class Pool extends Context.Service<Pool, { readonly closed: Array<string> }>()("test/Pool") {}
          const closed: Array<string> = []
          const call = operation<string>()
          const body = Bridge.fromPromise(call.evaluate, {
            mode: "abandon",
            onLate: (value) => Effect.flatMap(Pool, (pool) => Effect.sync(() => pool.closed.push(value)))
          })
          yield* asTask(Effect.provideService(body, Pool, { closed }), (task) => Task.cancel(task))
          call.resolve("a")
          yield* settle
          expect(closed).toEqual(["a"])
        })
      )
    )
  })

  describe("Effect's own, beside", () => {
    it.effect("AbortSignal.reason is never set by Effect; ours carries the reason", () =>
      leakChecked(
        Effect.gen(function* () {
          const theirs = operation<string>()
          yield* asTask(Effect.tryPromise(theirs.evaluate), (task) => Task.cancel(task, { reason: byAnn }))
          expect(theirs.signal!.reason).toBeInstanceOf(DOMException)
          expect(theirs.told).toBe("AbortError: This operation was aborted")
          const callback = operation<string>()
          const native = Effect.callback<string>((_resume, signal) => void callback.evaluate(signal))
          yield* asTask(native, (task) => Task.cancel(task, { reason: byAnn }))
          expect(callback.told).toBe("AbortError: This operation was aborted")

          const ours = operation<string>()
          yield* asTask(Bridge.fromPromise(ours.evaluate, { mode: "abandon" }), (task) =>
            Task.cancel(task, { reason: byAnn })
          )
          expect(ours.told).toBe("request by ann of call")
          ours.resolve("")
          yield* settle
        })
      )
    )

    it.effect(
      "Effect.tryPromise does not wait for the promise to settle, and loses a late value; ours waits and hands it on",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const theirs = operation<string>()
            yield* asTask(Effect.tryPromise(theirs.evaluate), (task) =>
              Effect.map(Task.cancel(task), (result) => expect(result._tag).toBe("Cancelled"))
            )
            const ours = operation<string>()
            const closed: Array<string> = []
            const body = Bridge.fromPromise(ours.evaluate, { onLate: (value) => Effect.sync(() => closed.push(value)) })
            yield* asTask(body, (task) =>
              Effect.gen(function* () {
                const cancel = yield* Effect.forkChild(Task.cancel(task))
                yield* settle
                expect(cancel.pollUnsafe()).toBeUndefined()
                ours.resolve("open")
                yield* Fiber.join(cancel)
                expect(closed).toEqual(["open"])
              })
            )
          })
        )
    )

    it.effect("Effect.tryPromise gives no signal to a function without a declared parameter; ours does", () =>
      leakChecked(
        Effect.gen(function* () {
          const given: Array<unknown> = []
          const rest = (...args: ReadonlyArray<AbortSignal>) => {
            given.push(args[0])
            return Promise.resolve()
          }
          yield* Effect.tryPromise(rest)
          yield* Bridge.fromPromise(rest)
          expect(given[0]).toBeUndefined()
          expect(given[1]).toBeInstanceOf(AbortSignal)
        })
      )
    )
  })
})

describe("Bridge.fromCallback", () => {
  it.effect("the first resume counts, at once or later; a second is ignored", () =>
    leakChecked(
      Effect.gen(function* () {
        const options = { onLate: () => Effect.die("called") }
        for (const more of [undefined, options]) {
          expect(
            yield* Bridge.fromCallback<number>((resume) => {
              resume(Effect.succeed(1))
              resume(Effect.succeed(2))
            }, more)
          ).toBe(1)
          expect(
            yield* Bridge.fromCallback<number>((resume) => {
              queueMicrotask(() => resume(Effect.as(Effect.yieldNow, 3)))
              queueMicrotask(() => resume(Effect.succeed(4)))
            }, more)
          ).toBe(3)
        }
        expect(Effect.runSync(Bridge.fromCallback<number>((resume) => resume(Effect.succeed(1))))).toBe(1)
        expect(yield* Effect.flip(Bridge.fromCallback<never, string>((resume) => resume(Effect.fail("no"))))).toBe("no")
      })
    )
  )

  it.effect("on interrupt the signal aborts with the reason, then the clean-up runs, once (K15, K20)", () =>
    leakChecked(
      Effect.gen(function* () {
        const journal = new Journal()
        const body = Effect.contextWith((context: Context.Context<never>) =>
          Bridge.fromCallback<never>((_resume, signal) => {
            signal.addEventListener("abort", () => {
              Effect.runSyncWith(context)(journal.note(`told: ${textOf((signal.reason as CancelAbortError).reason)}`))
            })
            return Effect.andThen(Effect.sleep(30), journal.note("cleaned up"))
          })
        )
        yield* asTask(body, (task) =>
          Effect.gen(function* () {
            const first = yield* Effect.forkChild(Task.cancel(task, { reason: byAnn }))
            const second = yield* Effect.forkChild(Task.cancel(task))
            yield* TestClock.adjust(30)
            yield* Fiber.join(first)
            yield* Fiber.join(second)
          })
        )
        expect(journal.lines).toEqual(["0 told: request by ann of call", "30 cleaned up"])
      })
    )
  )

  it.effect("the clean-up does not run when it has called back", () =>
    leakChecked(
      Effect.gen(function* () {
        const result = Bridge.fromCallback<number>((resume) => {
          queueMicrotask(() => resume(Effect.succeed(1)))
          return Effect.die("cleaned up")
        })
        expect(yield* result).toBe(1)
      })
    )
  )

  it.effect("what is called back after the interrupt goes to onLate, and is listed while that runs", () =>
    leakChecked(
      Effect.gen(function* () {
        let resume: ((effect: Effect.Effect<string, string>) => void) | undefined
        const journal = new Journal()
        const body = Bridge.fromCallback<string, string>(
          (back) => {
            resume = back
          },
          { name: "open", onLate: (value) => Effect.andThen(Effect.sleep(10), journal.note(`closed ${value}`)) }
        )
        yield* asTask(body, (task) => Task.cancel(task))
        expect(yield* Stragglers.list).toEqual([])
        resume!(Effect.as(Effect.yieldNow, "file"))
        resume!(Effect.succeed("again"))
        yield* settle
        expect((yield* Stragglers.list).map(({ path }) => path)).toEqual(["top/call/open"])
        yield* TestClock.adjust(10)
        expect(journal.lines).toEqual(["10 closed file"])
      })
    )
  )

  it.effect("an effect that was handed to resume and is interrupted while it runs is not late; the clean-up runs", () =>
    leakChecked(
      Effect.gen(function* () {
        const journal = new Journal()
        const body = Bridge.fromCallback<string>(
          (resume) => {
            resume(journal.watch("answer", Effect.as(Effect.sleep(100), "value")))
            return journal.note("cleaned up")
          },
          { mode: "wait", onLate: () => journal.note("late") }
        )
        yield* asTask(body, (task) => Task.cancel(task, { reason: byAnn }))
        expect(journal.lines).toEqual(["0 answer: request by ann of call", "0 cleaned up"])
      })
    )
  )

  it.effect("mode wait waits for the call, mode abandon lists it until then", () =>
    leakChecked(
      Effect.gen(function* () {
        for (const mode of ["wait", "abandon"] as const) {
          let resume: ((effect: Effect.Effect<string, Error>) => void) | undefined
          const body = Bridge.fromCallback<string, Error>(
            function read(back) {
              resume = back
            },
            { mode }
          )
          yield* asTask(body, (task) =>
            Effect.gen(function* () {
              const cancel = yield* Effect.forkChild(Task.cancel(task))
              yield* settle
              expect(cancel.pollUnsafe() === undefined).toBe(mode === "wait")
              expect((yield* Stragglers.list).map(({ path }) => path)).toEqual(mode === "wait" ? [] : ["top/call/read"])
              resume!(Effect.fail(new Error("EIO")))
              yield* Fiber.join(cancel)
              expect(yield* Stragglers.list).toEqual([])
            })
          )
        }
      })
    )
  )

  it.effect("a late failure is counted", () =>
    ownMetrics(
      leakChecked(
        Effect.gen(function* () {
          for (const [answer, onLate] of [
            [Effect.fail("EIO"), undefined],
            [Effect.andThen(Effect.yieldNow, Effect.fail("EIO")), () => Effect.void]
          ] as const) {
            let resume: ((effect: Effect.Effect<string, string>) => void) | undefined
            const body = Bridge.fromCallback<string, string>(
              (back) => {
                resume = back
              },
              { onLate }
            )
            yield* asTask(body, (task) => Task.cancel(task))
            resume!(answer)
            yield* settle
          }
          expect(yield* late).toBe(2)
        })
      )
    )
  )
})

/** A driver whose calls block until it is closed: nothing else ends them. */
const driver = (journal: Journal) => {
  const blocked: Array<(error: Error) => void> = []
  return {
    click: () => new Promise<never>((_resolve, reject) => blocked.push(reject)),
    close: (why: string) =>
      Effect.andThen(
        journal.note(`closed: ${why}`),
        Effect.sync(() => {
          for (const reject of blocked) reject(new Error("browser has been closed"))
        })
      )
  }
}

describe("Bridge.stopOnCancel", () => {
  it.effect("closing it ends a call that is blocked on it, which is recorded as a cancel (S3x-07)", () =>
    ownMetrics(
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const body = Bridge.stopOnCancel(
            Effect.sync(() => driver(journal)),
            (browser) => Bridge.fromPromise(() => browser.click()),
            (browser, reason) => browser.close(reason === undefined ? "done" : textOf(reason)),
            { name: "browser" }
          )
          yield* asTask(body, (task) =>
            Effect.gen(function* () {
              yield* TestClock.adjust(100)
              expect(TaskTree.toText(yield* TaskTree.snapshot)).toContain("browser (nursery)")
              const result = yield* Task.cancel(task, { reason: byAnn })
              expect(result).toMatchObject({ _tag: "Cancelled", how: "interrupted" })
              expect(yield* Task.await(task)).toMatchObject({ _tag: "Cancelled", cleanupFailures: [] })
            })
          )
          expect(journal.lines).toEqual(["100 closed: request by ann of call"])
        })
      )
    )
  )

  it.effect("without it such a call holds the cancel for ever: the resource of acquireUseRelease closes too late", () =>
    leakChecked(
      Effect.gen(function* () {
        const journal = new Journal()
        const browser = driver(journal)
        const body = Effect.acquireUseRelease(
          Effect.succeed(browser),
          (browser) => Bridge.fromPromise(() => browser.click()),
          (browser) => browser.close("released")
        )
        yield* asTask(body, (task) =>
          Effect.gen(function* () {
            const cancel = yield* Effect.forkChild(Task.cancel(task))
            yield* TestClock.adjust("1 hour")
            expect(cancel.pollUnsafe()).toBeUndefined()
            yield* browser.close("by hand")
            yield* Fiber.join(cancel)
          })
        )
      })
    )
  )

  it.effect(
    "used to its end, by value or failure, it is stopped once, without a reason, before the caller goes on",
    () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const using = <A, E>(use: Effect.Effect<A, E>) =>
            Bridge.stopOnCancel(
              Effect.void,
              () => use,
              (_resource, reason) => Effect.andThen(Effect.sleep(5), journal.note(`stopped ${reason?.source}`))
            )
          const fiber = yield* Effect.forkChild(
            Effect.all([using(Effect.succeed(1)), Effect.flip(using(Effect.fail("no")))])
          )
          yield* TestClock.adjust(10)
          expect(yield* Fiber.join(fiber)).toEqual([1, "no"])
          expect(journal.lines).toEqual(["5 stopped undefined", "10 stopped undefined"])
        })
      )
  )

  it.effect(
    "cancelled while it is acquired, it is stopped and never used; its stop that fails is a failure of clean-up",
    () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const body = Bridge.stopOnCancel(
            Effect.andThen(Effect.sleep(10), journal.note("acquired")),
            () => journal.note("used"),
            () => Effect.andThen(journal.note("stopped"), Effect.fail("stuck")),
            { name: "browser" }
          )
          yield* asTask(body, (task) =>
            Effect.gen(function* () {
              yield* Task.requestCancel(task)
              yield* TestClock.adjust(10)
              const outcome = yield* Task.await(task)
              expect(outcome._tag).toBe("Cancelled")
              expect(outcome.cleanupFailures.map(({ scope }) => scope)).toEqual(["browser"])
            })
          )
          expect(journal.lines).toEqual(["10 acquired", "10 stopped"])
        })
      )
  )
})
