/** The agent as a process: signals, exit codes, its grace, wrong settings, and the lines it prints. Real time. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { execFile, execFileSync } from "node:child_process"
import { whenBusy } from "../../support/busy.ts"

import { eventually } from "../server/fetchEventually.ts"
import { call, launch, startServer } from "../server/serverProcess.ts"
import { eventsOf, follow as followRaw } from "./process.ts"

const script = "src/examples/a2a-agent/main.ts"

const start = (env: Record<string, string> = {}) => startServer({ STALL_AFTER: "3", TOKEN_MILLIS: "1", ...env }, script)

const curl = execFileSync("sh", ["-c", "command -v curl || true"], { encoding: "utf8" }) !== ""

describe("npm run a2a", () => {
  for (const [signal, code] of [
    ["SIGTERM", 143],
    ["SIGINT", 130]
  ] as const) {
    it.live(`on ${signal} every task is cancelled and every client told, then it exits with ${code} (real time)`, () =>
      Effect.gen(function* () {
        const server = yield* start()
        const texts = ["slow 600000", "stream 100000 20", "Tell me more", "input"]
        const clients = yield* Effect.forEach(texts, (text) => followRaw(server.url, text))
        yield* Effect.forEach(clients, ({ first }) => first)
        yield* clients[2]!.until('"append":true')
        server.kill(signal)
        const ends = yield* Effect.forEach(clients.slice(0, 3), ({ ended }) => ended)
        for (const text of ends) {
          expect(eventsOf(text).at(-1)).toMatchObject({
            statusUpdate: {
              status: { state: "TASK_STATE_CANCELED" },
              metadata: { rescind: { source: "shutdown", by: signal } }
            }
          })
        }
        expect((yield* server.exited).code).toBe(code)
        expect(server.stderr()).toMatch(/INFO .*The language model was stopped after [23] of 60 tokens: The service is/)
      })
    )
  }

  it.live("GRACE bounds a cancel: a stubborn task is CANCELED then, and named at the end (S2-68; real time)", () =>
    Effect.gen(function* () {
      const server = yield* start({ GRACE: "300", DRAIN_SECONDS: "1" })
      const client = yield* followRaw(server.url, "stubborn 600000")
      const id = yield* client.first
      const asked = performance.now()
      const { json } = yield* call(`${server.url}/tasks/${id}:cancel`, {
        body: { metadata: { reason: "Enough" } },
        headers: { "a2a-version": "1.0" }
      })
      const took = performance.now() - asked
      expect(took).toBeGreaterThanOrEqual(299)
      expect(took).toBeLessThan(whenBusy(1000))
      expect(json).toMatchObject({
        status: { state: "TASK_STATE_CANCELED" },
        metadata: { rescind: { how: "abandoned", message: "Enough", stragglers: [id] } }
      })
      expect(eventsOf(yield* client.ended).at(-1).statusUpdate.status.state).toBe("TASK_STATE_CANCELED")
      server.kill("SIGTERM")
      const { code } = yield* server.exited
      // 75: something was left behind (the table of `ProcessMain`).
      expect(code).toBe(75)
      expect(server.stderr()).toContain(`while this was still running: ${id}`)
    })
  )

  it.live("while it drains, no message is taken, and a second signal exits at once (real time)", () =>
    Effect.gen(function* () {
      const server = yield* start({ DRAIN_SECONDS: "600" })
      const client = yield* followRaw(server.url, "stubborn 600000")
      yield* client.first
      server.kill("SIGTERM")
      yield* eventually(
        Effect.sync(() => server.stderr()),
        (text) => text.includes("SIGTERM: no new work")
      )
      const refused = yield* call(`${server.url}/message:send`, {
        body: { message: { messageId: "1", role: "ROLE_USER", parts: [{ text: "echo hi" }] } },
        headers: { "a2a-version": "1.0" }
      })
      expect([refused.status, refused.headers["retry-after"]]).toEqual([503, expect.stringMatching(/^\d+$/)])
      server.kill("SIGINT")
      expect((yield* server.exited).code).toBe(130)
      expect(server.stderr()).toMatch(/SIGINT after SIGTERM: exit at once\. This was still running:\n/)
    })
  )

  it.live("a wrong setting, or a port in use, says so in one line and exits with 1 (real time)", () =>
    Effect.gen(function* () {
      const server = yield* start()
      for (const [env, line] of [
        [{ PORT: "many" }, 'PORT must be a port from 0 (any free one) to 65535, but it is "many".\n'],
        [{ GRACE: "2s" }, 'GRACE must be a whole number of milliseconds from 0 to 3600000, but it is "2s".\n'],
        [{ PORT: new URL(server.url).port }, /^Cannot listen on 127.*in use.*set PORT to a free one\.\n$/]
      ] as const) {
        const child = yield* launch({ PORT: "0", ...env }, script)
        const { code } = yield* child.exited
        expect([code, child.stderr()]).toEqual([1, typeof line === "string" ? line : expect.stringMatching(line)])
      }
    })
  )

  it.live("answers under the names of this machine alone (real time)", () =>
    Effect.gen(function* () {
      const server = yield* start()
      const card = `${server.url}/.well-known/agent-card.json`
      expect((yield* call(card)).json).toMatchObject({
        supportedInterfaces: [{ url: server.url, protocolBinding: "JSONRPC" }, { protocolBinding: "HTTP+JSON" }]
      })
      const { status } = yield* call(card, { headers: { host: "evil.test" } })
      expect(status).toBe(421)
    })
  )

  it.live.skipIf(!curl)("the printed lines work as they stand (real time)", () =>
    Effect.gen(function* () {
      const server = yield* startServer({ GRACE: "100", TOKEN_MILLIS: "1000" }, script)
      const lines = server.stdout().match(/^ {2}(curl|TASK=) ?.*$/gm) ?? []
      expect(lines).toHaveLength(12)
      const [follow, latest, cancel, speak, , stop, help, mule, , end, list, metrics] = lines as Array<string>
      const both = (first: string, second: string, marker: string) =>
        Effect.gen(function* () {
          const following = yield* Effect.forkChild(shell(first))
          yield* eventually(call(`${server.url}/tasks`, { headers: { "a2a-version": "1.0" } }), ({ text }) =>
            text.includes(marker)
          )
          const answer = yield* shell(`${latest}\n${second}`)
          return [yield* Fiber.join(following), answer] as const
        })
      const streamed = yield* both(follow!, cancel!, "stream 100 500")
      expect(eventsOf(streamed[0]).at(-1).result.statusUpdate.status.message.parts[0].text).toBe("Seen enough (by you)")
      expect(JSON.parse(streamed[1]).result.status.state).toBe("TASK_STATE_CANCELED")
      const spoken = yield* both(speak!, stop!, "structured concurrency")
      expect(JSON.parse(spoken[1]).status.state).toBe("TASK_STATE_CANCELED")
      expect(yield* shell(help!)).toContain("beat <url> <n> <ms>")
      yield* shell(mule!)
      expect(JSON.parse(yield* shell(`${latest}\n${end}`)).result.metadata.rescind.how).toBe("abandoned")
      expect(JSON.parse(yield* shell(list!)).totalSize).toBe(4)
      expect(yield* shell(metrics!)).toMatch(/rescind_tasks_ended_total\{.*"request".*\} [12]/)
    })
  )
})

const shell = (line: string): Effect.Effect<string, Error> =>
  Effect.callback((resume) => {
    const child = execFile("sh", ["-c", line], { timeout: 30_000 }, (error, stdout) =>
      resume(error ? Effect.fail(error) : Effect.succeed(stdout))
    )
    return Effect.sync(() => child.kill())
  })
