import { createServer } from "node:http"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as ServerClose from "../../src/http/ServerClose.ts"
import * as ServerStart from "../../src/http/ServerStart.ts"

describe("ServerStart", () => {
  it.live("until its routes are mounted a server lives but is not ready, and then it does not interfere (S1x-06)", () =>
    Effect.gen(function* () {
      const server = yield* Effect.acquireRelease(
        Effect.sync(() => ServerStart.answered(ServerClose.promptly(createServer()))),
        (server) => Effect.callback<void>((resume) => void server.close(() => resume(Effect.void)))
      )
      yield* Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void)))
      const { port } = server.address() as { port: number }
      const call = (path: string, method = "GET", headers: Record<string, string> = {}) =>
        Effect.promise((signal) => fetch(`http://127.0.0.1:${port}${path}`, { method, headers, signal }))
      for (const [path, method] of [
        ["/ready", "GET"],
        ["/tasks/x", "POST"],
        ["/healthy", "GET"]
      ] as const) {
        const early = yield* call(path, method)
        expect([early.status, early.headers.get("retry-after")]).toEqual([503, "1"])
        expect(early.headers.get("content-type")).toBe("application/problem+json")
        expect(yield* Effect.promise(() => early.json())).toMatchObject({
          type: "urn:rescind:problem:starting",
          status: 503,
          detail: expect.stringContaining("not mounted yet")
        })
      }
      for (const path of ["/health", "/health?from=probe"]) {
        const alive = yield* call(path)
        expect([alive.status, yield* Effect.promise(() => alive.json())]).toEqual([200, { status: "starting" }])
      }
      // An EventSource would never come back from a 503. Whoever sends a message is told that nobody took it.
      const events = { accept: "text/event-stream" }
      const stream = yield* call("/tasks/x/events", "GET", events)
      expect([stream.status, stream.headers.get("content-type"), stream.headers.get("cache-control")]).toEqual([
        200,
        "text/event-stream",
        "no-store"
      ])
      expect(yield* Effect.promise(() => stream.text())).toMatch(/^(?::.*\n)+\n$/)
      expect((yield* call("/message:stream", "POST", events)).status).toBe(503)
      server.on("request", (request, response) => response.end(`mounted ${request.url}`))
      for (const path of ["/health", "/ready"]) {
        expect(yield* Effect.promise(async () => (await fetch(`http://127.0.0.1:${port}${path}`)).text())).toBe(
          `mounted ${path}`
        )
      }
      expect([server.listenerCount("request"), server.listenerCount("newListener")]).toEqual([1, 0])
    })
  )
})
