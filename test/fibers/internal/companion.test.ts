/** What a layer above is told of a task whose record it stands in: each step once. */
import { describe, expect, it } from "@effect/vitest"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { companion, type Companion } from "../../../src/fibers/internal/companion.ts"
import { Tasks } from "../../../src/fibers/Tasks.ts"
import { settle } from "../../support/settle.ts"

const noting = (services: Context.Context<never>) => {
  const steps: Array<string> = []
  const note = (step: string) => () => void steps.push(step)
  const it: Companion = {
    services,
    registered: note("registered"),
    started: note("started"),
    requested: note("requested"),
    ended: note("ended"),
    closed: note("closed")
  }
  return { steps, options: { onShutdown: "finish" as const, [companion]: it } }
}

describe("a companion", () => {
  it.effect("is told each step once, though somebody begins to follow the events between them", () =>
    Effect.gen(function* () {
      const tasks = yield* Tasks
      const { options, steps } = noting(yield* Effect.context<never>())
      yield* tasks.start("t", Effect.uninterruptible(Effect.sleep("1 second")), options)
      yield* settle
      yield* tasks.requestCancel("t", { giveUp: "1 hour" })
      yield* settle
      const following = yield* Effect.forkChild(Stream.runCollect(tasks.events("t")))
      yield* settle
      const before = steps.slice()
      yield* TestClock.adjust("1 second")
      yield* settle
      expect(before).toEqual(["registered", "started", "requested"])
      expect(steps).toEqual([...before, "ended", "closed"])
      yield* Stream.runDrain(tasks.events("t"))
      expect(steps).toHaveLength(5)
      expect(following.pollUnsafe()?._tag).toBe("Success")
    }).pipe(Effect.provide(Tasks.layer()))
  )
})
