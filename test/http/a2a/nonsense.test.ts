/** Agents that hand out what is no content, or what JSON cannot say: their tasks end, and can be read ever after. */
import { Task as A2ATask } from "@a2a-js/sdk"
import type * as A2A from "@a2a-js/sdk"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import * as CancelReason from "../../../src/fibers/CancelReason.ts"
import * as Task from "../../../src/fibers/Task.ts"
import { Tasks } from "../../../src/fibers/Tasks.ts"
import * as Agent from "../../../src/http/a2a/Agent.ts"
import * as Content from "../../../src/http/a2a/Content.ts"
import { Rejected, type Turn } from "../../../src/http/a2a/Turn.ts"
import { callOf, requestOf, stateOf, withEngine, wordsOf } from "./engines.ts"

const part = (content: unknown): A2A.Part => ({ content, metadata: undefined, mediaType: "", filename: "" }) as A2A.Part

const cycle: Record<string, unknown> = {}
cycle["itself"] = cycle

const broken = {
  get message(): string {
    throw new Error("no message")
  }
}

const nonsense: Readonly<Record<string, (turn: Turn) => unknown>> = {
  "is no program": () => "text",
  "throws before it runs": () => {
    throw new Error("before")
  },
  "returns null": () => Effect.succeed(null),
  "returns a number": () => Effect.succeed(5),
  "returns an object that is no part": () => Effect.succeed({ text: "hello" }),
  "returns a part without content": () => Effect.succeed(part(undefined)),
  "returns a part of no known kind": () => Effect.succeed(part({ $case: "poem", value: "x" })),
  "returns a text that is none": () => Effect.succeed([part({ $case: "text", value: 12n })]),
  "returns a URL that is none": () => Effect.succeed(part({ $case: "url", value: new URL("http://a.test") })),
  "returns bytes that are none": () => Effect.succeed(part({ $case: "raw", value: "bytes" })),
  "returns a BigInt": () => Effect.succeed(Content.data(12n as never)),
  "returns a circle": () => Effect.succeed(Content.data(cycle as never)),
  "returns a function": () => Effect.succeed(Content.data((() => 1) as never)),
  "returns a part with metadata of BigInt": () => Effect.succeed(Content.text("x", { n: 1n as never })),
  "streams null": () => Stream.make(null),
  "says null": ({ say }) => say(null as never),
  "says metadata of BigInt": ({ say }) => say("x", { n: 1n as never }),
  "publishes metadata of BigInt": ({ artifact }) => artifact("x", { metadata: { n: 1n as never } }),
  "asks null": ({ ask }) => ask(null as never),
  "asks for credentials with a circle": ({ askForAuth }) => askForAuth(Content.data(cycle as never)),
  "has null as its partial result": ({ partial }) => partial(null as never),
  "rejects with null": ({ reject }) => reject(null as never),
  "fails with a message that throws": () => Effect.fail(broken)
}

const readable = (task: A2A.Task) => expect(typeof JSON.stringify(A2ATask.toJSON(task))).toBe("string")

describe("an agent that", () => {
  it.effect.each(Object.entries(nonsense))("%s is FAILED, and its task can be read", ([, run]) =>
    withEngine(run as never, (engine) =>
      Effect.gen(function* () {
        const sent = yield* engine.send(requestOf("go"), callOf())
        expect((yield* wordsOf(sent.events)).at(-1)).toBe("FAILED The agent failed")
        readable(yield* engine.get({ tenant: "", id: sent.taskId }, callOf()))
      })
    )
  )

  it.effect("fails with a rejection for no reason that can be said is REJECTED", () =>
    withEngine(
      () => Effect.fail(new Rejected({ why: Content.data(12n as never) })),
      (engine) =>
        Effect.gen(function* () {
          const sent = yield* engine.send(requestOf("go"), callOf())
          expect((yield* wordsOf(sent.events)).at(-1)).toBe("REJECTED The agent rejected the task")
          readable(yield* sent.settled)
        })
    )
  )

  it.effect("changes what it has published changes nothing of the task", () =>
    withEngine(
      Agent.make("agent", {
        description: "Under test",
        partialResult: true,
        run: ({ artifact, partial, say }) =>
          Effect.gen(function* () {
            const progress = { done: 1 }
            yield* artifact(Content.data(progress), { metadata: progress })
            yield* say("so far", progress)
            yield* partial(Content.data(progress))
            progress.done = 2
            yield* Effect.never
          })
      }),
      (engine) =>
        Effect.gen(function* () {
          const sent = yield* engine.send(requestOf("go"), callOf())
          yield* TestClock.adjust(0)
          const task = yield* engine.cancel({ tenant: "", id: sent.taskId, metadata: undefined }, callOf())
          expect(task.artifacts[0]).toMatchObject({
            parts: [{ content: { value: { done: 1 } } }],
            metadata: { done: 1 }
          })
          expect(task.metadata).toMatchObject({ done: 1 })
          expect(task.artifacts[1]).toMatchObject({
            artifactId: "partial",
            parts: [{ content: { value: { done: 1 } } }]
          })
        })
    )
  )
})

describe("a cancel from inside the process", () => {
  it.effect("with a detail that JSON cannot say ends the task as CANCELED all the same", () =>
    withEngine(Agent.make("agent", { description: "Under test", run: () => Effect.never }), (engine) =>
      Effect.gen(function* () {
        const sent = yield* engine.send(requestOf("go"), callOf())
        const running = Option.getOrThrow(yield* Effect.flatMap(Tasks, ({ get }) => get(sent.taskId)))
        yield* Task.cancel(running, { reason: CancelReason.request({ message: "why", detail: 12n as never }) })
        const task = yield* engine.get({ tenant: "", id: sent.taskId }, callOf())
        expect(stateOf(task)).toBe("CANCELED")
        readable(task)
      })
    )
  )
})
