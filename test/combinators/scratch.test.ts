import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { Journal } from "../support/journal.ts"
it.effect("stream", () => Effect.gen(function*() {
  const journal = new Journal()
  const f = yield* Effect.forkChild(Stream.runDrain(Stream.mergeAll([Stream.fromEffect(Effect.andThen(journal.note("started"), journal.watch("s", Effect.never)))], { concurrency: 2 })))
  yield* TestClock.adjust(10)
  yield* Fiber.interrupt(f)
  const g = yield* Effect.forkChild(Stream.runDrain(Stream.mergeAll([Stream.fromEffect(Effect.andThen(journal.note("2 started"), journal.watch("2 s", Effect.never))), Stream.make(1)], { concurrency: 2 })))
  yield* TestClock.adjust(10)
  yield* Fiber.interrupt(g)
  const h = yield* Effect.forkChild(Stream.make(1).pipe(Stream.mapEffect(() => Effect.andThen(journal.note("3 started"), journal.watch("3 s", Effect.never))), Stream.runDrain))
  yield* TestClock.adjust(10)
  yield* Fiber.interrupt(h)
  console.log(journal.lines)
}))
