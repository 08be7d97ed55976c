import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Struct from "effect/Struct"
import * as TestClock from "effect/testing/TestClock"
import { getEventListeners } from "node:events"
import { runInNewContext } from "node:vm"
import { CancelAbortError } from "../../src/fibers/CancelAbortError.ts"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import * as CancelSignal from "../../src/fibers/CancelSignal.ts"
import { CurrentNode } from "../../src/fibers/internal/currentNode.ts"
import type { TaskNode } from "../../src/fibers/internal/taskNode.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import { ScopeCancelled } from "../../src/fibers/ScopeCancelled.ts"
import * as Task from "../../src/fibers/Task.ts"
import { Journal, textOf } from "../support/journal.ts"
import { leakChecked } from "../support/leaks.ts"
import { settle } from "../support/settle.ts"
import { World, wrongSeeds } from "../support/sim.ts"

const reason = CancelReason.stamp(CancelReason.superseded({ by: "ann" }), "far", 5)

/** What `reasonOf` reads, without the time. */
const abortedWith = (...cause: ReadonlyArray<unknown>) => {
  const controller = new AbortController()
  controller.abort(...cause)
  return Struct.omit(CancelSignal.reasonOf(controller.signal) as CancelReason.CancelReason, ["at"])
}

const request = (message: string) => ({ source: "request", message, by: undefined, detail: undefined })
const timeout = (message: string) => ({ ...request(message), source: "timeout" })

/** Runs for ever and notes which reason it reads. */
const read = (journal: Journal) =>
  Effect.onInterrupt(Effect.never, () =>
    Effect.flatMap(CancelReason.current, (seen) =>
      journal.note(Option.match(seen, { onNone: () => "nothing", onSome: textOf }))
    )
  )

describe("CancelSignal", () => {
  it.effect("each kind of abort becomes its reason, read by what it stops (K20)", () =>
    leakChecked(
      Effect.gen(function* () {
        const aborts: ReadonlyArray<readonly [unknown, string]> = [
          [new CancelAbortError(reason), "superseded by ann of far"],
          [new DOMException("too late", "TimeoutError"), "timeout: too late"],
          [new Error("user left"), "request: user left"],
          ["no more", "request: no more"]
        ]
        for (const [cause, seen] of aborts) {
          const controller = new AbortController()
          const journal = new Journal()
          const running = CancelSignal.cancelledBy(
            Effect.onInterrupt(Effect.never, () =>
              Effect.flatMap(CancelReason.current, (read) =>
                journal.note(
                  read._tag === "None"
                    ? "nothing"
                    : `${read.value.source}${read.value.by === undefined ? `: ${read.value.message}` : ` by ${read.value.by} of ${read.value.scope}`}`
                )
              )
            ),
            controller.signal
          )
          const fiber = yield* Effect.forkChild(Effect.flip(running))
          yield* TestClock.adjust(1)
          controller.abort(cause)
          const error = yield* Fiber.join(fiber)
          expect(error).toBeInstanceOf(ScopeCancelled)
          expect(journal.lines.map((line) => line.slice(line.indexOf(" ") + 1))).toEqual([seen])
          expect(getEventListeners(controller.signal, "abort")).toEqual([])
        }
      })
    )
  )

  it.effect("a signal that has aborted already: the body does not start (K20)", () =>
    leakChecked(
      Effect.gen(function* () {
        let started = false
        const body = Effect.sync(() => {
          started = true
        })
        const error = yield* Effect.flip(CancelSignal.cancelledBy(body, AbortSignal.abort(new Error("gone"))))
        expect(error).toMatchObject({ _tag: "ScopeCancelled", reason: { source: "request", message: "gone" } })
        expect(started).toBe(false)
      })
    )
  )

  it.effect("an effect that ends by itself leaves no listener on a long-lived signal (K20, K45)", () =>
    leakChecked(
      Effect.gen(function* () {
        const { signal } = new AbortController()
        for (let round = 0; round < 100; round++) {
          expect(yield* CancelSignal.cancelledBy(Effect.succeed(round), signal)).toBe(round)
          expect(yield* Effect.exit(CancelSignal.cancelledBy(Effect.fail("no"), signal))).toEqual(Exit.fail("no"))
        }
        expect(getEventListeners(signal, "abort")).toEqual([])
      })
    )
  )

  it("anything may be the reason of an abort (K20)", () => {
    const own = new CancelAbortError(reason)
    const hostile = new Proxy(
      {},
      {
        get: () => {
          throw new Error("hostile")
        }
      }
    )
    const far = { source: "superseded", by: "ann", scope: "far", message: "A newer run took its place" }
    // Ours: the error, the reason itself, through JSON, of another copy of this package, of another realm.
    expect(abortedWith(own)).toEqual(far)
    expect(abortedWith(reason)).toEqual(far)
    expect(abortedWith(JSON.parse(JSON.stringify(own)))).toEqual(far)
    const copied = Object.assign(new Error("copy"), { name: "AbortError", reason: Struct.omit(reason, []) })
    expect(abortedWith(copied)).toEqual(far)
    expect(
      abortedWith(runInNewContext("Object.assign(new Error(), own)", { own: { name: own.name, reason } }))
    ).toEqual(far)
    const cases: ReadonlyArray<readonly [ReadonlyArray<unknown>, object]> = [
      [[], request("This operation was aborted")],
      [[undefined], request("This operation was aborted")],
      [[null], request("The signal was aborted")],
      [["no more"], request("no more")],
      [[""], request("The signal was aborted")],
      [[404], request("404")],
      [[false], request("false")],
      [[Symbol("s")], request("The signal was aborted")],
      [[() => 1], request("The signal was aborted")],
      [[{ code: 5 }], request('{"code":5}')],
      [[{}], request("The signal was aborted")],
      [[Object.create(null)], request("The signal was aborted")],
      [[hostile], request("The signal was aborted")],
      [[new Error("user left")], request("user left")],
      [[new TypeError()], request("TypeError")],
      [[{ message: "like an error" }], request("like an error")],
      [[new DOMException("too late", "TimeoutError")], timeout("too late")],
      [[{ name: "TimeoutError" }], timeout("The time limit passed")],
      // An AbortError that carries something else is a request.
      [[Object.assign(new Error("stop"), { name: "AbortError", reason: { source: 1 } })], request("stop")]
    ]
    for (const [cause, expected] of cases) expect(abortedWith(...cause)).toEqual(expected)
  })

  it.live("AbortSignal.timeout is a timeout, in real time (K20)", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(CancelSignal.cancelledBy(Effect.never, AbortSignal.timeout(5)))
      expect(error.reason.source).toBe("timeout")
    })
  )

  it.effect("runPromise({ signal }) drops the reason of the signal; cancelledBy keeps it: beside (K20)", () =>
    leakChecked(
      Effect.gen(function* () {
        const theirs = new Journal()
        const native = new AbortController()
        const running = Effect.runPromiseExit(read(theirs), { signal: native.signal })
        native.abort(new CancelAbortError(reason))
        const exit = yield* Effect.promise(() => running)
        expect(Exit.hasInterrupts(exit) && Option.isNone(CancelReason.fromExit(exit))).toBe(true)
        expect(theirs.lines.map((line) => line.replace(/^\d+ /, ""))).toEqual(["nothing"])

        const ours = new Journal()
        const controller = new AbortController()
        const fiber = yield* Effect.forkChild(Effect.flip(CancelSignal.cancelledBy(read(ours), controller.signal)))
        yield* settle
        controller.abort(new CancelAbortError(reason))
        expect((yield* Fiber.join(fiber)).reason).toBe(reason)
        expect(ours.lines).toEqual(["0 superseded by ann of far"])
      })
    )
  )

  it.effect("10,000 runs below one signal leave no listener on it, 100 at once cause no warning (K42)", () =>
    leakChecked(
      Effect.gen(function* () {
        const warnings: Array<Error> = []
        const warned = (warning: Error) => warnings.push(warning)
        process.on("warning", warned)
        const controller = new AbortController()
        const { signal } = controller
        for (let round = 0; round < 10_000; round++) yield* CancelSignal.cancelledBy(Effect.void, signal)
        expect(getEventListeners(signal, "abort")).toEqual([])
        const many = yield* Effect.forkChild(
          Effect.forEach(
            Array.from({ length: 100 }),
            () => Effect.flip(CancelSignal.cancelledBy(Effect.never, signal)),
            { concurrency: "unbounded" }
          )
        )
        yield* settle
        expect(getEventListeners(signal, "abort")).toHaveLength(100)
        controller.abort(new CancelAbortError(reason))
        expect((yield* Fiber.join(many)).every((error) => error.reason === reason)).toBe(true)
        expect(getEventListeners(signal, "abort")).toEqual([])
        yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
        process.off("warning", warned)
        expect(warnings).toEqual([])
      })
    )
  )

  it.effect("10,000 signals given out in one long task leave nothing on it or on them (K42)", () =>
    leakChecked(
      Effect.gen(function* () {
        const body = Effect.gen(function* () {
          const node = yield* CurrentNode
          for (let round = 0; round < 10_000; round++) yield* Effect.scoped(Task.signal)
          const { listeners } = (node as TaskNode).record as unknown as { readonly listeners: ReadonlyArray<unknown> }
          return listeners.length
        })
        const left = yield* Nursery.run("top", (nursery: Nursery.Nursery) =>
          Effect.flatMap(nursery.spawn("long", body), Task.join)
        )
        expect(left).toBe(0)
      })
    )
  )

  it("an abort at any step stops the effect: none falls between the look and the listener (K20)", () => {
    const lost = wrongSeeds(300, (seed) => {
      const controller = new AbortController()
      const world = new World({
        seed,
        preempt: 0.4,
        at: { step: seed % 60, run: () => controller.abort(new CancelAbortError(reason)) }
      })
      const exit = world.run(Effect.flip(CancelSignal.cancelledBy(Effect.forever(Effect.sleep(1)), controller.signal)))
      if (exit?._tag !== "Success") return exit === undefined ? "it runs on" : "it ended otherwise"
      if (exit.value.reason !== reason) return "it read another reason"
      return getEventListeners(controller.signal, "abort").length > 0 ? "a listener is left" : world.left
    })
    expect(lost).toBeUndefined()
  })
})
