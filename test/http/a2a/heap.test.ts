/** What an ended task keeps while its record does: what clients may still read of it, and not what only its readers needed. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { expect, it } from "vitest"
import { callOf, requestOf, withEngine } from "./engines.ts"

setFlagsFromString("--expose-gc")
const gc = runInNewContext("gc") as () => void

const weigh = Effect.sync(() => {
  for (let turn = 0; turn < 4; turn++) gc()
  return process.memoryUsage().heapUsed
})

const pieces = 500

it("S2-52, S2-59: an ended stream keeps its artifact, and not the events that made it", () =>
  Effect.runPromise(
    withEngine(
      () => Stream.map(Stream.range(1, pieces), (index) => `token ${index}`),
      (engine) =>
        Effect.gen(function* () {
          const one = Effect.flatMap(engine.send(requestOf("go"), callOf()), ({ events }) =>
            Stream.runForEach(events, ({ json }) => Effect.sync(() => json.length))
          )
          yield* Effect.repeat(one, { times: 20 })
          const before = yield* weigh
          yield* Effect.repeat(one, { times: 99 })
          // A piece takes some 150 bytes; with its event and that one's JSON it takes 770.
          expect(((yield* weigh) - before) / 100 / pieces).toBeLessThan(300)
        })
    )
  ))

it("S2-61: an ended task keeps its message, and not the request around it", () =>
  Effect.runPromise(
    withEngine(
      () => Effect.void,
      (engine) =>
        Effect.gen(function* () {
          const size = 100_000
          const one = Effect.suspend(() =>
            Effect.flatMap(
              engine.send(
                { ...requestOf("go"), metadata: { much: Array.from({ length: size }, Math.random) } },
                callOf()
              ),
              ({ settled }) => settled
            )
          )
          yield* Effect.repeat(one, { times: 4 })
          const before = yield* weigh
          yield* Effect.repeat(one, { times: 19 })
          expect(((yield* weigh) - before) / 20).toBeLessThan(size)
        })
    )
  ))
