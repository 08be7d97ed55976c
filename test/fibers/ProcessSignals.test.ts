import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { EventEmitter } from "node:events"
import { listen } from "../../src/fibers/ProcessSignals.ts"

describe("ProcessSignals", () => {
  it.effect("arrive in order, both kinds (S1x-25)", () =>
    Effect.gen(function* () {
      const source = new EventEmitter()
      const signals = yield* listen(source)
      source.emit("SIGTERM", "SIGTERM")
      source.emit("SIGINT", "SIGINT")
      expect(yield* Queue.take(signals)).toBe("SIGTERM")
      expect(yield* Queue.take(signals)).toBe("SIGINT")
    })
  )

  it.effect("that npm passes on once more count once, a second press later counts again", () =>
    Effect.gen(function* () {
      const source = new EventEmitter()
      const signals = yield* listen(source)
      source.emit("SIGINT", "SIGINT")
      yield* TestClock.adjust(99)
      source.emit("SIGINT", "SIGINT")
      expect(yield* Queue.size(signals)).toBe(1)
      yield* TestClock.adjust(1)
      source.emit("SIGINT", "SIGINT")
      expect(yield* Queue.size(signals)).toBe(2)
    })
  )

  it.effect("are left to the process again when the scope closes", () =>
    Effect.gen(function* () {
      const source = new EventEmitter()
      const scope = yield* Scope.make()
      yield* Scope.provide(listen(source), scope)
      expect(source.listenerCount("SIGINT") + source.listenerCount("SIGTERM")).toBe(2)
      yield* Scope.close(scope, Exit.void)
      expect(source.listenerCount("SIGINT") + source.listenerCount("SIGTERM")).toBe(0)
    })
  )
})
