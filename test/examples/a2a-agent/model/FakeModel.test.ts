/** The language model of the example: its pace, where it stalls, and that an interrupt ends it in the step. */
import { describe, expect, it } from "@effect/vitest"
import * as LanguageModel from "effect/ai/LanguageModel"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as FakeModel from "../../../../src/examples/a2a-agent/model/FakeModel.ts"
import { tokensAbout } from "../../../../src/examples/a2a-agent/model/tokensAbout.ts"
import * as CancelReason from "../../../../src/fibers/CancelReason.ts"
import * as Nursery from "../../../../src/fibers/Nursery.ts"
import * as Task from "../../../../src/fibers/Task.ts"
import { leakChecked } from "../../../support/leaks.ts"

const prompt = "Tell me about races"

/** What it has said, while it speaks. */
const listening = (said: Array<string>) =>
  LanguageModel.streamText({ prompt }).pipe(
    Stream.runForEach((part) =>
      Effect.sync(() => {
        if (part.type === "text-delta") said.push(part.delta)
      })
    ),
    Effect.orDie
  )

const words = tokensAbout(["Tell", "about", "races"], 60)

describe("FakeModel", () => {
  it.effect("says its tokens one by one, so far apart, always the same ones", () =>
    Effect.gen(function* () {
      const said: Array<string> = []
      const fiber = yield* Effect.forkChild(listening(said), { startImmediately: true })
      yield* TestClock.adjust("99 millis")
      expect(said).toEqual([])
      yield* TestClock.adjust("1 millis")
      expect(said).toEqual(words.slice(0, 1))
      yield* TestClock.adjust("250 millis")
      expect(said).toEqual(words.slice(0, 3))
      yield* TestClock.adjust("10 seconds")
      expect(Exit.isSuccess(yield* Fiber.await(fiber))).toBe(true)
      expect(said).toEqual(words)
    }).pipe(leakChecked, Effect.provide(FakeModel.layer({ pace: "100 millis" })))
  )

  it.effect("gives the same text in one piece, and other texts for other prompts", () =>
    Effect.gen(function* () {
      const { text } = yield* LanguageModel.generateText({ prompt })
      expect(text).toBe(words.join(""))
      expect(text.split(" ")).toHaveLength(60)
      expect((yield* LanguageModel.generateText({ prompt: "Tell me about joins" })).text).not.toBe(text)
      expect((yield* LanguageModel.generateText({ prompt: "?!" })).text).toContain("nothing")
    }).pipe(Effect.provide(FakeModel.layer({ pace: 0 })))
  )

  it.effect("stalls where it is told to, and does not end", () =>
    Effect.gen(function* () {
      const said: Array<string> = []
      const fiber = yield* Effect.forkChild(listening(said), { startImmediately: true })
      yield* TestClock.adjust("1 hour")
      expect(said).toEqual(words.slice(0, 5))
      expect(fiber.pollUnsafe()).toBeUndefined()
      yield* Fiber.interrupt(fiber)
    }).pipe(leakChecked, Effect.provide(FakeModel.layer({ pace: 10, stallAfter: 5 })))
  )

  it.effect.each([{ stallAfter: undefined }, { stallAfter: 3 }])(
    "stops at an interrupt at once, and says after how many tokens and why (stall: $stallAfter)",
    ({ stallAfter }) => {
      const log: Array<unknown> = []
      return Effect.gen(function* () {
        const said: Array<string> = []
        yield* Nursery.run("speeches", (nursery) =>
          Effect.gen(function* () {
            const task = yield* nursery.spawn("speech", listening(said))
            yield* TestClock.adjust("350 millis")
            yield* Task.cancel(task, { reason: CancelReason.request({ by: "ann", message: "Seen enough" }) })
          })
        )
        yield* TestClock.adjust("1 hour")
        expect(said).toEqual(words.slice(0, 3))
        expect(log).toEqual(["Info: The language model was stopped after 3 of 60 tokens: Seen enough"])
      }).pipe(
        leakChecked,
        Effect.provide(FakeModel.layer({ pace: "100 millis", stallAfter })),
        Effect.provide(
          Logger.layer([Logger.make(({ logLevel, message }) => log.push(`${logLevel}: ${String(message)}`))])
        )
      )
    }
  )
})
