/** What the agent does on each command of its language, and on anything else, as its clients see it. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as ExampleAgent from "../../../src/examples/a2a-agent/agent.ts"
import * as FakeModel from "../../../src/examples/a2a-agent/model/FakeModel.ts"
import * as Stragglers from "../../../src/fibers/Stragglers.ts"
import { textOf } from "../../../src/http/a2a/Content.ts"
import { callOf, reading, requestOf, stateOf, withEngine, wordsOf } from "../../http/a2a/engines.ts"
import { leakChecked } from "../../support/leaks.ts"

const agent = (test: Parameters<typeof withEngine>[1], options: ExampleAgent.Options = {}, model = {}) =>
  withEngine(ExampleAgent.make(options), test).pipe(
    leakChecked,
    Effect.provide(FakeModel.layer({ pace: 10, tokens: 5, ...model }))
  )

/** From the first event to the last, all timers run. */
const said = (message: string) => (engine: Parameters<Parameters<typeof withEngine>[1]>[0]) =>
  Effect.gen(function* () {
    const { events } = yield* engine.send(requestOf(message), callOf())
    const fiber = yield* Effect.forkChild(wordsOf(events), { startImmediately: true })
    yield* TestClock.adjust("1 hour")
    return yield* Fiber.join(fiber)
  })

const tells = (message: string, expected: ReadonlyArray<string>) =>
  agent((engine) => Effect.map(said(message)(engine), (words) => expect(words).toEqual(expected)))

describe("the agent of the A2A example", () => {
  it.effect("echo says the text", () => tells("echo two  words", ["SUBMITTED", "WORKING", "=two  words.", "COMPLETED"]))

  it.effect("slow is one long operation", () =>
    agent((engine) =>
      Effect.gen(function* () {
        const { settled } = yield* engine.send(requestOf("slow 5000"), callOf())
        const fiber = yield* Effect.forkChild(settled, { startImmediately: true })
        yield* TestClock.adjust("4999 millis")
        expect(fiber.pollUnsafe()).toBeUndefined()
        yield* TestClock.adjust("1 millis")
        const task = yield* Fiber.join(fiber)
        expect([stateOf(task), textOf(task.artifacts[0]!.parts)]).toEqual(["COMPLETED", "Done after 5000 ms"])
      })
    )
  )

  it.effect("stream is n updates of one artifact, so far apart, numbered from 0", () =>
    agent((engine) =>
      Effect.gen(function* () {
        const sent = yield* engine.send(requestOf("stream 4 100"), callOf())
        const events = yield* reading(sent.events)
        yield* TestClock.adjust("250 millis")
        const first = ["SUBMITTED", "WORKING", "=chunk 0", "+chunk 1", "+chunk 2"]
        expect(events.seen).toEqual(first)
        yield* TestClock.adjust("50 millis")
        yield* events.done
        expect(events.seen).toEqual([...first, "+chunk 3", "COMPLETED"])
        const task = yield* sent.settled
        expect(task.artifacts).toHaveLength(1)
        expect(task.artifacts[0]!.parts.map((part) => Number(/(\d+)\D*$/.exec(textOf([part]))![1]))).toEqual([
          0, 1, 2, 3
        ])
      })
    )
  )

  it.effect("stream needs no time for 0 ms, nor anything for 0 pieces", () =>
    agent((engine) =>
      Effect.gen(function* () {
        const sent = yield* engine.send(requestOf("stream 1000 0"), callOf())
        const words = yield* wordsOf(sent.events)
        expect(words.slice(2, -1)).toEqual(Array.from({ length: 1000 }, (_, n) => `${n === 0 ? "=" : "+"}chunk ${n}`))
        const none = yield* engine.send(requestOf("stream 0 50"), callOf())
        expect(yield* wordsOf(none.events)).toEqual(["SUBMITTED", "WORKING", "COMPLETED"])
      })
    )
  )

  it.effect("fail is FAILED, with the text", () =>
    tells("fail no such city", ["SUBMITTED", "WORKING", "FAILED no such city"])
  )

  it.effect("stubborn ends by itself where nobody cancels it", () =>
    tells("stubborn 50", ["SUBMITTED", "WORKING", "=Done after 50 ms.", "COMPLETED"])
  )

  it.effect("stubborn ignores a cancel: its clients are told when the grace is over, and it is a straggler", () =>
    agent(
      (engine) =>
        Effect.gen(function* () {
          const sent = yield* engine.send(requestOf("stubborn 5000"), callOf())
          const events = yield* reading(sent.events)
          yield* TestClock.adjust("100 millis")
          const cancel = engine.cancel({ tenant: "", id: sent.taskId, metadata: { reason: "Enough" } }, callOf())
          const fiber = yield* Effect.forkChild(cancel, { startImmediately: true })
          yield* TestClock.adjust("299 millis")
          expect([events.seen.length, fiber.pollUnsafe()]).toEqual([2, undefined])
          yield* TestClock.adjust("1 millis")
          expect(yield* Fiber.join(fiber)).toMatchObject({
            metadata: { rescind: { how: "abandoned", tookMillis: 300, stragglers: [sent.taskId] } }
          })
          expect((yield* Stragglers.list).length).toBe(1)
          yield* TestClock.adjust("1 hour")
          expect(events.seen).toEqual(["SUBMITTED", "WORKING", "CANCELED Enough"])
          expect(yield* Stragglers.list).toEqual([])
        }),
      { giveUp: "300 millis" }
    )
  )

  it.effect("input asks, and says what it is told", () =>
    agent((engine) =>
      Effect.gen(function* () {
        const asked = yield* engine.send(requestOf("input"), callOf())
        expect(yield* wordsOf(asked.events)).toEqual(["SUBMITTED", "WORKING", "INPUT_REQUIRED What shall I say?"])
        const told = yield* engine.send(requestOf("slow 5", { taskId: asked.taskId }), callOf())
        expect((yield* wordsOf(told.events)).slice(1)).toEqual(["=slow 5.", "COMPLETED"])
      })
    )
  )

  it.effect.each([
    ["stream 3", "stream: <ms> is missing; it must be a whole number of milliseconds from 0 to 3600000."],
    ["slow fast", `slow: <ms> must be a whole number of milliseconds from 0 to 3600000, but it is "fast".`],
    ["hang ftp://x", `hang: <url> must be an http or https URL without a user name, but it is "ftp://x".`],
    ["input now", `input: nothing may stand behind the arguments, but there is "now".`]
  ] as const)("rejects what it cannot mean, and names the argument: %s", ([message, why]) =>
    agent((engine) =>
      Effect.map(said(message)(engine), (words) => {
        expect(words.slice(0, 2)).toEqual(["SUBMITTED", "WORKING"])
        expect(words[2]).toContain(`REJECTED ${why}`)
        expect(words).toHaveLength(3)
      })
    )
  )

  it.effect.each(["help", "?", "Help ", " "])("tells its language to who asks for it: %j", (message) =>
    agent((engine) =>
      Effect.map(said(message)(engine), (words) => {
        expect(words[2]).toContain("beat <url> <n> <ms>")
        expect(words.at(-1)).toBe("COMPLETED")
      })
    )
  )

  it.effect("leaves anything else to the language model, token by token, and a cancel ends its answer", () =>
    agent((engine) =>
      Effect.gen(function* () {
        const whole = yield* said("tell me about races")(engine)
        expect(whole.slice(2, -1)).toHaveLength(5)
        expect(whole.at(-1)).toBe("COMPLETED")
        const sent = yield* engine.send(requestOf("tell me about races"), callOf())
        const events = yield* reading(sent.events)
        yield* TestClock.adjust("25 millis")
        yield* engine.cancel({ tenant: "", id: sent.taskId, metadata: undefined }, callOf())
        yield* events.done
        expect(events.seen).toEqual([...whole.slice(0, 4), "CANCELED Task was cancelled"])
      })
    )
  )
})
