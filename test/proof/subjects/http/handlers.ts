/** Handlers as tasks, without a socket: the fiber of the request runs one, reads its body, and is cancelled anywhere. */
import assert from "node:assert/strict"
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Ledger } from "rescind/testing"
import { RequestCancelled } from "../../../../src/http/RequestCancelled.ts"
import { type Options, RunningHandlers } from "../../../../src/http/RunningHandlers.ts"
import { completes, isLastOf, sourcesReadBy } from "../../laws.ts"
import { after, member } from "../../reports.ts"
import type { Subject } from "../../Subject.ts"

type Handler = Effect.Effect<HttpServerResponse.HttpServerResponse, never, Scope.Scope>

/** One request: what its client reads, or the source and status with which it is refused. */
const ask = (handler: Handler, options?: Options, headers: Record<string, string> = {}) =>
  Effect.gen(function* () {
    const { run } = yield* RunningHandlers
    const response = yield* run(handler, { ...options, name: () => "it" })
    if (response.body._tag !== "Stream") return response.status
    const chunks = yield* Stream.runCollect(response.body.stream)
    return chunks.map((chunk) => new TextDecoder().decode(chunk)).join("")
  }).pipe(
    Effect.scoped,
    Effect.ensuring(Ledger.note("over")),
    Effect.provideService(
      HttpServerRequest.HttpServerRequest,
      HttpServerRequest.fromWeb(new Request("http://x/it", { headers }))
    ),
    Effect.catch((error) =>
      error instanceof RequestCancelled ? Effect.succeed(`${error.status} ${error.reason.source}`) : Effect.die(error)
    )
  )

const served = <A, E>(program: Effect.Effect<A, E, RunningHandlers | Scope.Scope>): Effect.Effect<A, E, Scope.Scope> =>
  Effect.provide(program, RunningHandlers.layer)

const ok = HttpServerResponse.empty({ status: 200 })

const answers: Subject = {
  name: "a handler answers, and has ended with all that it acquired when its request is over",
  covers: [],
  laws: ["K1", "K15", "K18"],
  // The typed answer of an interrupted request is a defect beside the interrupt.
  allow: ["clean-up-failed"],
  program: served(ask(member("it", after(3, ok)), { limit: 50 })),
  invariant: (trial) => {
    completes(trial, 200)
    isLastOf(trial, "over")
    if (trial.cancelled !== undefined) {
      for (const source of sourcesReadBy(trial, "it")) assert.equal(source, trial.cancelled.reason.source)
    }
  }
}

const streamed: Subject = {
  name: "a body is read to its end or stopped with what stops its request, its resources with it",
  covers: [],
  laws: ["K1", "K15", "K18"],
  allow: ["clean-up-failed"],
  program: served(
    ask(
      Effect.map(Ledger.resource("handler's file"), () =>
        HttpServerResponse.stream(
          Stream.unwrap(
            Effect.map(member("body", Effect.void), () =>
              Stream.range(1, 3).pipe(
                Stream.rechunk(1),
                Stream.tap(() => Effect.sleep(1)),
                Stream.map(String),
                Stream.encodeText
              )
            )
          )
        )
      )
    )
  ),
  invariant: (trial) => {
    completes(trial, "123")
    isLastOf(trial, "over")
  }
}

const late: Subject = {
  name: "a handler whose time is up reads timeout, has cleaned up before the answer, and its client is told 504",
  covers: [],
  laws: ["K1", "K18", "K33"],
  allow: ["clean-up-failed"],
  program: served(ask(member("it", Effect.as(Effect.never, ok)), { limit: 50 }, { "deadline-ms": "4" })),
  invariant: (trial) => {
    completes(trial, "504 timeout")
    isLastOf(trial, "over")
    if (trial.cancelled === undefined) {
      assert.deepEqual(sourcesReadBy(trial, "it"), ["timeout"])
      assert.equal(trial.took, 4 + 2)
    }
  }
}

const drained: Subject = {
  name: "a drain stops the one that asks for it at once and the other after its time, and refuses the third",
  covers: [],
  laws: ["K1", "K4", "K37"],
  allow: ["clean-up-failed"],
  program: served(
    Effect.gen(function* () {
      const quick = yield* Effect.forkChild(ask(member("quick", Effect.as(Effect.never, ok)), { onShutdown: "cancel" }))
      const slow = yield* Effect.forkChild(ask(member("slow", Effect.as(Effect.never, ok), 0)))
      const well = yield* Effect.forkChild(ask(member("well", after(4, ok), 0)))
      yield* Effect.sleep(1)
      const handlers = yield* RunningHandlers
      const draining = yield* Effect.forkChild(handlers.drain({ finish: 5 }))
      yield* Effect.sleep(1)
      const refused = yield* ask(Effect.succeed(ok))
      const told = yield* Effect.all([quick, slow, well].map(Fiber.join))
      const { cancelled, completed } = yield* Fiber.join(draining)
      return [refused, ...told, cancelled.length, completed.length]
    })
  ),
  invariant: (trial) => {
    completes(trial, ["503 shutdown", "503 shutdown", "503 shutdown", 200, 2, 1])
    if (trial.cancelled === undefined) assert.equal(trial.took, 1 + 5)
  }
}

export const subjects: ReadonlyArray<Subject> = [answers, streamed, late, drained]
