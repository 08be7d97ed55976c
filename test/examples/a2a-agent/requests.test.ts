/** What a cancel does to requests of the agent, seen by the server that gets them: none after it, none left open. Real time. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as http from "node:http"
import type * as net from "node:net"
import { stateOf } from "../../http/a2a/engines.ts"
import { eventually } from "../server/fetchEventually.ts"
import { serving } from "./serving.ts"

interface Counting {
  readonly url: string
  /** How many requests came for this path. */
  readonly count: (path: string) => number
  /** How many of them are open. */
  readonly open: () => number
  /** How many were torn off by who had sent them. */
  readonly aborted: () => number
}

/** Answers `/n…` with 204 and `/missing` with 404, `/hang…` never, and of `/half…` only the beginning. */
const counting: Effect.Effect<Counting, never, Scope.Scope> = Effect.gen(function* () {
  const counts = new Map<string, number>()
  let open = 0
  let aborted = 0
  const server = http.createServer((request, response) => {
    const path = request.url!
    counts.set(path, (counts.get(path) ?? 0) + 1)
    open++
    response.on("close", () => {
      open--
      if (!response.writableFinished) aborted++
    })
    if (path.startsWith("/n")) response.writeHead(204).end()
    else if (path.startsWith("/half")) response.writeHead(200).write("half a")
    else if (!path.startsWith("/hang")) response.writeHead(404).end("nothing here")
  })
  yield* Effect.acquireRelease(
    Effect.promise(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))),
    () =>
      Effect.promise(
        () =>
          new Promise<void>((resolve) => {
            server.close(() => resolve())
            server.closeAllConnections()
          })
      )
  )
  return {
    url: `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`,
    count: (path) => counts.get(path) ?? 0,
    open: () => open,
    aborted: () => aborted
  }
})

const until = (holds: () => boolean): Effect.Effect<void> => Effect.asVoid(eventually(Effect.sync(holds), (is) => is))

describe("requests of the A2A agent (real time)", () => {
  it.live("beat sends n of them, so far apart, and says how each was answered", () =>
    serving(({ follow }) =>
      Effect.gen(function* () {
        const { count, url } = yield* counting
        const started = performance.now()
        const words = yield* Effect.flatMap(follow(`beat ${url}/n 3 30`), ({ ended }) => ended)
        expect(performance.now() - started).toBeGreaterThanOrEqual(59)
        expect(count("/n")).toBe(3)
        expect(words.slice(2)).toEqual([
          "WORKING Request 1 of 3: 204",
          "WORKING Request 2 of 3: 204",
          "WORKING Request 3 of 3: 204",
          "=3 of 3 requests were answered.",
          "COMPLETED"
        ])
        expect((yield* Effect.flatMap(follow(`beat ${url}/missing 1 0`), ({ ended }) => ended))[2]).toBe(
          "WORKING Request 1 of 1: 404"
        )
      })
    )
  )

  it.live("none comes after the cancel was answered, and what was answered is the partial result (S2-57, S2-70)", () =>
    serving(({ cancel, follow }) =>
      Effect.gen(function* () {
        const { count, open, url } = yield* counting
        const follower = yield* follow(`beat ${url}/n1 100000 5`)
        yield* until(() => count("/n1") >= 5)
        const task = yield* cancel(follower.taskId, "enough")
        const sent = count("/n1")
        expect(stateOf(task)).toBe("CANCELED")
        // As long as twenty more would have taken.
        yield* Effect.flatMap(follow(`beat ${url}/n2 20 5`), ({ ended }) => ended)
        expect([count("/n1"), count("/n2"), open()]).toEqual([sent, 20, 0])
        const words = yield* follower.ended
        expect(words.slice(-2)).toEqual([
          expect.stringMatching(/^=\d+ of 100000 requests were answered\.$/),
          "CANCELED enough"
        ])
      })
    )
  )

  it.live.each(["/hang", "/half"])(
    "a request that is never answered is aborted by the cancel, and its server sees that: %s (S2-57)",
    (path) =>
      serving(({ cancel, follow }) =>
        Effect.gen(function* () {
          const { aborted, count, open, url } = yield* counting
          const follower = yield* follow(`hang ${url}${path}`)
          yield* until(() => count(path) === 1)
          expect([open(), aborted()]).toEqual([1, 0])
          expect(stateOf(yield* cancel(follower.taskId, "enough"))).toBe("CANCELED")
          yield* until(() => open() === 0)
          expect([count(path), aborted()]).toEqual([1, 1])
          expect(yield* follower.ended).toEqual(["SUBMITTED", "WORKING", "CANCELED enough"])
        })
      )
  )

  it.live("100 that hang are all aborted when the server of the agent drains", () =>
    Effect.gen(function* () {
      const { aborted, open, url } = yield* counting
      yield* serving(({ follow }) =>
        Effect.gen(function* () {
          yield* Effect.forEach(
            Array.from({ length: 100 }, (_, n) => n),
            (n) => follow(`hang ${url}/hang${n}`),
            { concurrency: 20 }
          )
          yield* until(() => open() === 100)
        })
      )
      yield* until(() => open() === 0)
      expect(aborted()).toBe(100)
    })
  )

  it.live("one that cannot be sent fails the task, and says why", () =>
    serving(({ follow }) =>
      Effect.gen(function* () {
        const words = yield* Effect.flatMap(follow("hang http://127.0.0.1:1/"), ({ ended }) => ended)
        expect(words.at(-1)).toMatch(/^FAILED No answer: .*ECONNREFUSED/)
      })
    )
  )

  it.live("one that is answered late completes it", () =>
    serving(({ follow }) =>
      Effect.gen(function* () {
        const { url } = yield* counting
        const words = yield* Effect.flatMap(follow(`hang ${url}/missing`), ({ ended }) => ended)
        expect(words.slice(2)).toEqual(["=The server did answer: 404.", "COMPLETED"])
      })
    )
  )
})
