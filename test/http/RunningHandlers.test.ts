/** The programs of the proofs, without a socket and on virtual time; `test/proof` runs them much more often. */
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { CancelEverywhere } from "rescind/testing"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import { RunningHandlers } from "../../src/http/RunningHandlers.ts"
import { subjects } from "../proof/subjects/http/handlers.ts"
import { leakChecked } from "../support/leaks.ts"

const request = HttpServerRequest.fromWeb(new Request("http://x/orders/7?token=hunter2"))

describe("RunningHandlers", () => {
  for (const { allow, invariant, name, program } of subjects) {
    it(`${name}, cancelled anywhere`, () => {
      expect(CancelEverywhere.check(program, { maxRuns: 200, allow, invariant }).runs).toBeGreaterThan(1)
    })
  }

  it.effect("closing its layer cancels with shutdown and waits for the clean-up", () =>
    leakChecked(
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const { count, run } = Context.get(yield* Layer.buildWithScope(RunningHandlers.layer, scope), RunningHandlers)
        const read: Array<string> = []
        const handler = Effect.onInterrupt(Effect.never, () =>
          Effect.flatMap(CancelReason.current, (reason) => {
            read.push(reason._tag === "Some" ? `${reason.value.source} of ${reason.value.scope}` : "none")
            return Effect.delay(
              Effect.sync(() => read.push("cleaned")),
              "3 seconds"
            )
          })
        )
        const asked = yield* Effect.forkChild(
          Effect.flip(Effect.scoped(run(handler))).pipe(
            Effect.provideService(HttpServerRequest.HttpServerRequest, request)
          ),
          { startImmediately: true }
        )
        expect(yield* count).toBe(1)
        const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
        yield* TestClock.adjust("2 seconds")
        expect(read).toEqual(["shutdown of GET /orders/7"])
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(closing)
        expect(read).toEqual(["shutdown of GET /orders/7", "cleaned"])
        expect(yield* Fiber.join(asked)).toMatchObject({ _tag: "RequestCancelled", status: 503 })
        const late = run(Effect.succeed(HttpServerResponse.empty())).pipe(
          Effect.provideService(HttpServerRequest.HttpServerRequest, request)
        )
        expect(yield* Effect.flip(Effect.scoped(late))).toMatchObject({ status: 503, reason: { source: "shutdown" } })
      })
    )
  )
})
