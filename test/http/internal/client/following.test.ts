/** Watching over a network that cuts, stalls and lies, over real sockets. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as TaskClient from "../../../../src/http/TaskClient.ts"
import { type Cut, cuttingProxy } from "../../cuttingProxy.ts"
import { Count, count, Wait, wait } from "../../probes.ts"
import { serving } from "../../serving.ts"

const definitions = [Count, Wait]
const tasks = [count, wait]

const clientAt = (baseUrl: string, options?: TaskClient.Options) =>
  Effect.provide(
    TaskClient.make(definitions, { baseUrl, retry: Schedule.spaced("1 millis"), ...options }),
    FetchHttpClient.layer
  )

/** Small and seeded: a failure is told with its seed. */
const random = (seed: number) => {
  let state = seed
  return (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const rounds = 10 * Number(process.env["SOAK"] ?? 1)

describe("following", () => {
  it.live(
    "whatever is cut, the numbers are contiguous, nothing comes twice, and the end comes once: real sockets, random cuts",
    () =>
      serving({ tasks }, (site) =>
        Effect.gen(function* () {
          for (let round = 0; round < rounds; round++) {
            const seed = Date.now() + round
            const next = random(seed)
            const hows = ["reset", "close"] as const
            const proxy = yield* cuttingProxy(site.url, () => ({ after: next(1_500), how: hows[next(2)]! }))
            const client = yield* clientAt(proxy.url)
            const direct = yield* clientAt(site.url)
            const to = 20 + next(60)
            const { id } = yield* direct.tasks.count.start({ to, ...(next(2) === 0 ? {} : { everyMillis: 1 }) })
            const events = yield* Stream.runCollect(client.tasks.count.get(id).watch())
            expect(
              events.map(({ attempt, seq }) => `${attempt}-${seq}`),
              `seed ${seed}`
            ).toEqual(Array.from({ length: to + 2 }, (_, index) => `1-${index + 1}`))
            const ends = events.filter(({ _tag }) => _tag === "Completed")
            expect(ends, `seed ${seed}`).toMatchObject([{ seq: to + 2, value: { sum: (to * (to + 1)) / 2 } }])
            expect(proxy.count(), `seed ${seed}`).toBeGreaterThan(3)
          }
        })
      )
  )
})
