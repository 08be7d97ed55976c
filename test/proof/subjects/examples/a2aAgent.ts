/** Each command of the A2A example, cancelled at every point by its `CancelTask`: nothing is sent or begun after its answer. */
import assert from "node:assert/strict"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Latch from "effect/Latch"
import * as Stream from "effect/Stream"
import { Ledger } from "rescind/testing"
import * as ExampleAgent from "../../../../src/examples/a2a-agent/agent.ts"
import * as FakeModel from "../../../../src/examples/a2a-agent/model/FakeModel.ts"
import { Connect } from "../../../../src/examples/server/fetchPage.ts"
import type { AgentEngine } from "../../../../src/http/a2a/AgentEngine.ts"
import { callOf, requestOf, stateOf, withEngine } from "../../../http/a2a/engines.ts"
import type { Subject } from "../../Subject.ts"

/** A web whose every request is work, and which answers all but `/hangs`. */
const web = HttpClient.make((_, url) =>
  Effect.andThen(
    Ledger.work(`GET ${url.pathname}`),
    url.pathname === "/hangs"
      ? Effect.never
      : Effect.as(Effect.sleep(1), {
          status: 200,
          headers: {},
          stream: Stream.fromEffect(Effect.as(Effect.sleep(1), new Uint8Array(10)))
        } as unknown as HttpClientResponse.HttpClientResponse)
  )
)

const told = (text: string, end: string): Subject => ({
  name: `"${text}" is CANCELED at any point, or ends as ${end}, and its clients read the same`,
  covers: [],
  laws: ["K1", "K8", "K15"],
  program: () => {
    let running: { readonly engine: AgentEngine; readonly id: string }
    const sent = Latch.makeUnsafe()
    let state: string | undefined
    return {
      program: withEngine(ExampleAgent.make(), (engine) =>
        Effect.gen(function* () {
          const { events, settled, taskId } = yield* engine.send(requestOf(text), callOf())
          running = { engine, id: taskId }
          yield* sent.open
          const [last] = yield* Effect.all([Stream.runLast(events), settled], { concurrency: 2 })
          const task = yield* engine.get({ tenant: "", id: taskId }, callOf())
          state = stateOf(task)
          const { payload } = last._tag === "Some" ? last.value.response : assert.fail("the stream was empty")
          assert.ok(payload?.$case === "statusUpdate")
          assert.deepEqual(payload.value.status, task.status)
        })
      ).pipe(
        Effect.provide(FakeModel.layer({ pace: 1, tokens: 4 })),
        Effect.provideService(Connect, Effect.as(Ledger.resource("socket", Effect.sleep(1)), web))
      ),
      // Nobody can before it knows the id.
      cancel: Effect.andThen(
        sent.await,
        Effect.suspend(() =>
          Effect.ignore(running.engine.cancel({ tenant: "", id: running.id, metadata: { reason: "enough" } }, callOf()))
        )
      ),
      invariant: (trial) => {
        if (trial.cancelled === undefined) assert.equal(state, end)
        else assert.ok(state === end || state === "CANCELED", `it ended as ${state}`)
      }
    }
  },
  // A second cancel would interrupt who reads.
  again: false,
  explore: { runs: 80 },
  everywhere: { maxRuns: 200 }
})

export const subjects: ReadonlyArray<Subject> = [
  told("echo it", "COMPLETED"),
  told("slow 3", "COMPLETED"),
  told("stream 3 2", "COMPLETED"),
  told("fail it", "FAILED"),
  told("slow it", "REJECTED"),
  told("stubborn 3", "COMPLETED"),
  told("beat http://origin.test/page 3 2", "COMPLETED"),
  told("tell me more", "COMPLETED")
]
