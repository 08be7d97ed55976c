import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { getEventListeners } from "node:events"
import { CancelAbortError } from "../../src/fibers/CancelAbortError.ts"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import * as CancelSignal from "../../src/fibers/CancelSignal.ts"
import { ScopeCancelled } from "../../src/fibers/ScopeCancelled.ts"
import { Journal } from "../support/journal.ts"
import { leakChecked } from "../support/leaks.ts"

const reason = CancelReason.stamp(CancelReason.superseded({ by: "ann" }), "far", 5)

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
})
