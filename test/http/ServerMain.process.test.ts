/** Real signals to a server process with clients of every kind, in real time. With the tests of drains, S1x-13 to S1x-25 (S1-61). */
import { spawn } from "node:child_process"
import { connect, type Socket } from "node:net"
import * as path from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { whenBusy } from "../support/busy.ts"
import { follow, names } from "./follow.ts"

const script = path.join(import.meta.dirname, "scripts/server.ts")

const launched = Effect.gen(function* () {
  const child = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "pipe"], env: { NO_COLOR: "1" } })
  yield* Effect.addFinalizer(() => Effect.sync(() => child.kill("SIGKILL")))
  let output = ""
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()))
  const ended = new Promise<{ readonly code: number | null; readonly at: number }>((resolve) =>
    child.on("close", (code) => resolve({ code, at: performance.now() }))
  )
  const says = (text: RegExp) =>
    Effect.gen(function* () {
      while (!text.test(output)) yield* Effect.sleep(5)
      return text.exec(output)!
    })
  const port = Number((yield* says(/port (\d+)/))[1])
  const url = `http://127.0.0.1:${port}`
  const post = (path: string, body: unknown = {}) =>
    Effect.promise((signal) =>
      fetch(url + path, {
        signal,
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body)
      })
    )
  return {
    port,
    url,
    post,
    kill: (signal: NodeJS.Signals) =>
      Effect.sync(() => {
        const at = performance.now()
        child.kill(signal)
        return at
      }),
    ended: Effect.promise(() => ended),
    output: () => output,
    start: (name: string, id: string, body: unknown = {}) =>
      Effect.gen(function* () {
        yield* post(`/tasks/${name}?id=${id}`, body)
        const client = yield* follow(`${url}/tasks/${id}/events`)
        yield* client.until((events) => events.length > 1)
        return client
      })
  }
})

const opened = (port: number, text: string) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly socket: Socket; readonly read: () => string }>((resume) => {
      let read = ""
      const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true }, () => {
        socket.write(text)
        resume(Effect.succeed({ socket, read: () => read }))
      })
      socket.on("data", (data) => (read += data.toString())).on("error", () => {})
    }),
    ({ socket }) => Effect.sync(() => socket.destroy())
  )

describe("A server process that ServerMain runs", () => {
  it.live(
    "drains at SIGTERM: each task as it says, every client told, no connection holds it (S1-59, S1x-16, S1x-17)",
    () =>
      Effect.gen(function* () {
        const { ended, kill, output, port, start, url } = yield* launched
        const clients = [yield* start("wait", "a"), yield* start("wait", "b")]
        const counting = yield* start("count", "c", { to: 20, everyMillis: 20 })
        const head = "host: x\r\n"
        const kinds = {
          idle: "",
          "kept alive": `GET /ready HTTP/1.1\r\n${head}\r\n`,
          "pipelined, the last one unfinished": `GET /ready HTTP/1.1\r\n${head}\r\nGET /ready HTTP/1.1\r\n${head}\r\nGET /re`,
          "in the middle of its headers": `GET /ready HTTP/1.1\r\n${head}x-slow: `,
          "in the middle of its body": `POST /tasks/wait HTTP/1.1\r\n${head}content-type: application/json\r\ncontent-length: 99\r\n\r\n{`,
          "waiting for 100-continue": `POST /tasks/wait HTTP/1.1\r\n${head}content-type: application/json\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n`,
          "asking for an upgrade": `GET /tasks/a/events HTTP/1.1\r\n${head}connection: upgrade\r\nupgrade: h2c\r\n\r\n`,
          "following, and deaf": `GET /tasks/b/events HTTP/1.1\r\n${head}\r\n`
        }
        const sockets = new Map<string, Effect.Success<ReturnType<typeof opened>>>()
        for (const [kind, text] of Object.entries(kinds)) sockets.set(kind, yield* opened(port, text))
        sockets.get("following, and deaf")!.socket.pause()
        const half = yield* opened(port, kinds["kept alive"])
        while (!half.read().includes("ready")) yield* Effect.sleep(5)
        half.socket.end()
        const cancelled = yield* Effect.promise(() => fetch(`${url}/tasks/c/cancel`, { method: "OPTIONS" }))
        expect(cancelled.status).toBe(405)
        const upgraded = sockets.get("asking for an upgrade")!
        while (!upgraded.read().includes("event: progress")) yield* Effect.sleep(5)

        const asked = yield* kill("SIGTERM")
        // While they may finish, it goes on answering.
        while ((yield* Effect.promise(() => fetch(`${url}/ready`))).status !== 503) yield* Effect.sleep(5)
        expect(names(yield* counting.ended).at(-1)).toBe("completed")
        for (const client of clients) {
          expect((yield* client.ended).at(-1)).toMatchObject({
            event: "cancelled",
            data: { reason: "shutdown", by: "SIGTERM", how: "interrupted" }
          })
        }
        const { at, code } = yield* ended
        expect([code, output()]).toEqual([143, expect.not.stringMatching(/WARN|ERROR|FATAL/)])
        expect(upgraded.read()).toMatch(/event: cancelled\ndata: .*\n\n(?:\r\n0\r\n\r\n)?$/)
        // The tasks that wait are cancelled after their four seconds; the flush and the close follow.
        expect(at - asked).toBeGreaterThanOrEqual(3_990)
        expect(at - asked).toBeLessThan(whenBusy(7_000))
      })
  )

  it.live("exits with 75 and names what was cut off (S1-60, S1x-19)", () =>
    Effect.gen(function* () {
      const { ended, kill, output, start } = yield* launched
      const client = yield* start("stubborn", "mule")
      yield* kill("SIGINT")
      expect((yield* client.ended).at(-1)).toMatchObject({
        event: "cancelled",
        data: { how: "abandoned", by: "SIGINT" }
      })
      expect((yield* ended).code).toBe(75)
      expect(output()).toMatch(/INFO.*SIGINT: no new work/)
      expect(output()).toMatch(/WARN.*timeout.*still running, and left behind: mule\b/)
    })
  )

  it.live("exits at once at the second signal, and prints what still runs (S1x-25)", () =>
    Effect.gen(function* () {
      const { ended, kill, output, start } = yield* launched
      yield* start("wait", "patient")
      yield* kill("SIGTERM")
      while (!output().includes("no new work")) yield* Effect.sleep(5)
      yield* kill("SIGINT")
      expect((yield* ended).code).toBe(130)
      expect(output()).toMatch(
        /SIGINT after SIGTERM: exit at once\. This was still running:\n[^]*patient \(task\) running/
      )
    })
  )
})
