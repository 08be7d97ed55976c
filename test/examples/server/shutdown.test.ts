/** The end of the example server, with real signals to a child process, in real time. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as http from "node:http"
import { collector, plain } from "../../http/collector.ts"
import { whenBusy } from "../../support/busy.ts"
import { call, launch, type ServerProcess, sse, startServer } from "./serverProcess.ts"

const portOf = (url: string): string => new URL(url).port

const start = (server: ServerProcess, name: string, id: string, payload: unknown = {}) =>
  Effect.gen(function* () {
    yield* call(`${server.url}/tasks/${name}?id=${id}`, { body: payload })
    const client = yield* sse(`${server.url}/tasks/${id}/events`)
    yield* client.first("started")
    return client
  })

describe("Shutdown of the example server", () => {
  it.live(
    "on SIGTERM cancels what runs: every stream is told within half a second, 503 meanwhile (S1-02, S1-59; real time)",
    () =>
      Effect.gen(function* () {
        const server = yield* startServer({ DRAIN_SECONDS: "600" })
        const counting = yield* start(server, "countdown", "counting", { from: 3600 })
        const second = yield* sse(`${server.url}/tasks/counting/events`)
        const fetching = yield* start(server, "fetch-page", "fetching", { url: `${server.origin}/stall` })
        const mule = yield* start(server, "stubborn", "mule", { millis: 600_000 })
        const done = yield* sse(`${server.url}/tasks/counting/events`)
        const asked = server.kill("SIGTERM")

        for (const client of [counting, second, fetching, done]) {
          const events = yield* client.ended
          expect(events.filter(({ event }) => event === "cancelled")).toHaveLength(1)
          expect(events.at(-1)).toMatchObject({
            event: "cancelled",
            data: { reason: "shutdown", by: "SIGTERM", how: "interrupted" }
          })
          expect(events.at(-1)!.at - asked).toBeLessThan(whenBusy(500))
        }
        yield* mule.first("cancel-requested")
        const refused = yield* call(`${server.url}/tasks/countdown`, { body: {} })
        expect([refused.status, refused.headers["retry-after"]]).toEqual([503, expect.any(String)])
        expect((yield* call(`${server.url}/tasks/mule`)).json.state).toBe("cancelling")
      })
  )

  it.live(
    "on SIGTERM gives up on a task that ignores it, at the limit: told, exit 75, left behind by name (S1-60; real time)",
    () =>
      Effect.gen(function* () {
        const server = yield* startServer({ DRAIN_SECONDS: "1" })
        yield* start(server, "countdown", "counting", { from: 3600 })
        const mule = yield* start(server, "stubborn", "mule", { millis: 600_000 })
        const asked = server.kill("SIGTERM")
        const events = yield* mule.ended
        expect(events.slice(1).map(({ event }) => event)).toEqual(["cancel-requested", "straggling", "cancelled"])
        expect(events.at(-1)!.data).toMatchObject({ reason: "shutdown", how: "abandoned" })
        const exit = yield* server.exited
        expect(exit).toMatchObject({ code: 75, signal: null })
        expect(exit.at - asked).toBeGreaterThanOrEqual(999)
        expect(exit.at - asked).toBeLessThan(whenBusy(2000))
        expect(server.stderr()).toMatch(/WARN.* by its timeout after 1s[^;]*; still running, and left behind: mule\b/)
        expect(server.stderr()).not.toMatch(/left behind: .*counting/)
      })
  )

  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143]
  ] as const) {
    it.live(`on ${signal} exits with ${code} at once when nothing holds it`, () =>
      Effect.gen(function* () {
        const server = yield* startServer()
        const client = yield* start(server, "countdown", "counting")
        const asked = server.kill(signal)
        expect((yield* client.ended).at(-1)!.data).toMatchObject({ reason: "shutdown", by: signal })
        const exit = yield* server.exited
        expect(exit).toMatchObject({ code, signal: null })
        expect(exit.at - asked).toBeLessThan(whenBusy(1000))
        expect(server.stderr()).not.toMatch(/left behind|ERROR|FATAL/)
      })
    )
  }

  for (const [first, second, code] of [
    ["SIGTERM", "SIGTERM", 143],
    ["SIGINT", "SIGINT", 130],
    ["SIGTERM", "SIGINT", 130]
  ] as const) {
    it.live(`on ${second} after ${first} exits at once with ${code} and prints what was still running (S1x-25)`, () =>
      Effect.gen(function* () {
        const server = yield* startServer()
        const mule = yield* start(server, "stubborn", "mule")
        server.kill(first)
        yield* mule.first("cancel-requested")
        yield* Effect.sleep(150)
        const asked = server.kill(second)
        const exit = yield* server.exited
        expect(exit).toMatchObject({ code, signal: null })
        expect(exit.at - asked).toBeLessThan(whenBusy(500))
        expect(server.stderr()).toMatch(
          new RegExp(`mule \\(task\\) cancelling for \\d+ ms asked \\d+ ms ago: shutdown by ${first}`)
        )
      })
    )
  }

  it.live("on the SIGINT that npm passes on after the terminal's own does not hurry", () =>
    Effect.gen(function* () {
      const server = yield* startServer({ DRAIN_SECONDS: "600" })
      const mule = yield* start(server, "stubborn", "mule", { millis: 3000 })
      // As npm does, within a millisecond; how far apart they may be is tested on the test clock.
      server.kill("SIGINT")
      server.kill("SIGINT")
      expect((yield* mule.ended).at(-1)!.data).toMatchObject({ reason: "shutdown", how: "interrupted" })
      expect((yield* server.exited).code).toBe(130)
    })
  )

  it.live("does not wait for ever for a client that never finishes its request", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const slow = http.request(`${server.url}/tasks/countdown`, {
        agent: false,
        method: "POST",
        headers: { "content-type": "application/json", "content-length": 100 }
      })
      slow.on("error", () => {})
      slow.write("{")
      yield* Effect.sleep(100)
      const asked = server.kill("SIGTERM")
      const exit = yield* server.exited
      expect(exit.code).toBe(143)
      expect(exit.at - asked).toBeLessThan(whenBusy(3000))
    })
  )

  it.live(
    "tells the collector of OpenTelemetry what the drain did, and does not wait long for one that is not there",
    () =>
      Effect.gen(function* () {
        const there = yield* collector()
        for (const endpoint of [there.url, "http://127.0.0.1:1"]) {
          const server = yield* startServer({
            OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
            OTEL_EXPORTER_OTLP_PROTOCOL: "http/json"
          })
          const client = yield* start(server, "countdown", "counting")
          const asked = server.kill("SIGTERM")
          expect((yield* client.ended).at(-1)!.data).toMatchObject({ reason: "shutdown" })
          const exit = yield* server.exited
          expect(exit.code).toBe(143)
          expect(exit.at - asked).toBeLessThan(whenBusy(2000))
        }
        const span = there.spans().find(({ name }) => name === "task countdown")
        expect(plain(span.attributes)).toMatchObject({
          "rescind.cancel.source": "shutdown",
          "rescind.cancel.by": "SIGTERM"
        })
        const logs = there.logs().map(({ attributes }) => plain(attributes))
        expect(logs.filter(({ task }) => task === "counting").map(({ phase }) => phase)).toEqual([
          "cancel",
          "cancelled"
        ])
      })
  )

  it.live("right after the start is clean", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      server.kill("SIGINT")
      expect((yield* server.exited).code).toBe(130)
    })
  )
})

describe("Start of the example server", () => {
  it.live("says in one line which port is in use, and exits with 1", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      for (const [variable, env] of [
        ["PORT", { PORT: portOf(server.url) }],
        ["ORIGIN_PORT", { PORT: "0", ORIGIN_PORT: portOf(server.origin) }]
      ] as const) {
        const second = yield* launch(env)
        expect((yield* second.exited).code).toBe(1)
        const port = (env as Record<string, string>)[variable]
        expect(second.stderr()).toBe(
          `Cannot listen on 127.0.0.1, port ${port}: the port is in use. Stop what listens there, or set ${variable} to a free one.\n`
        )
        expect(second.stdout()).toBe("")
      }
    })
  )

  it.live("warns when others than this machine may reach it, and prints addresses that work", () =>
    Effect.gen(function* () {
      const server = yield* startServer({ HOST: "0.0.0.0" })
      expect(server.stderr()).toMatch(/WARN .*HOST=0\.0\.0\.0: whoever reaches this port/)
      for (const url of [server.url, server.origin]) expect((yield* call(url)).status).toBe(200)
    })
  )

  it.live("says in one line which setting is wrong, and exits with 1", () =>
    Effect.gen(function* () {
      for (const [env, line] of [
        [{ PORT: "many" }, 'PORT must be a port from 0 (any free one) to 65535, but it is "many".\n'],
        [
          { HOST: "no.such.host.invalid", PORT: "0" },
          /^Cannot listen on no\.such\.host\.invalid, .* Check HOST and PORT\.\n$/
        ],
        [
          { PORT: "0", OTEL_EXPORTER_OTLP_ENDPOINT: "localhost:4318" },
          'OTEL_EXPORTER_OTLP_ENDPOINT must be a URL with http:// or https://, such as http://localhost:4318, but it is "localhost:4318".\n'
        ]
      ] as const) {
        const child = yield* launch(env)
        expect((yield* child.exited).code).toBe(1)
        expect(child.stderr()).toMatch(line)
      }
    })
  )
})
