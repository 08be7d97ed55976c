/** The example server as a process of its own, on free ports, and a client for it that uses none of its code. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { spawn } from "node:child_process"
import * as http from "node:http"
import * as path from "node:path"
import { eventually } from "./fetchEventually.ts"

const root = path.resolve(import.meta.dirname, "../../..")

interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** Milliseconds, on the clock of `performance.now`. */
  readonly at: number
}

export interface ServerProcess {
  readonly pid: number
  readonly url: string
  readonly origin: string
  readonly stdout: () => string
  readonly stderr: () => string
  /** Sends a signal, and says just before when. */
  readonly kill: (signal: NodeJS.Signals) => number
  readonly exited: Effect.Effect<Exit>
}

/** A child that may end before it is ready. */
export const launch = (
  env: Record<string, string>,
  script = "src/examples/server/main.ts"
): Effect.Effect<Omit<ServerProcess, "url" | "origin">, never, Scope.Scope> =>
  Effect.gen(function* () {
    const child = spawn(process.execPath, [script], {
      cwd: root,
      env: { PATH: process.env["PATH"], NO_COLOR: "1", ...env },
      stdio: ["ignore", "pipe", "pipe"]
    })
    yield* Effect.addFinalizer(() => Effect.sync(() => child.kill("SIGKILL")))
    let stdout = ""
    let stderr = ""
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()))
    const exited = new Promise<Exit>((resolve) =>
      child.on("exit", (code, signal) => resolve({ code, signal, at: performance.now() }))
    )
    return {
      pid: child.pid!,
      stdout: () => stdout,
      stderr: () => stderr,
      kill: (signal) => {
        // Before, so that whatever the child does comes later.
        const at = performance.now()
        child.kill(signal)
        return at
      },
      exited: Effect.promise(() => exited)
    }
  })

export const startServer = (
  env: Record<string, string> = {},
  script?: string
): Effect.Effect<ServerProcess, never, Scope.Scope> =>
  Effect.gen(function* () {
    const child = yield* launch({ PORT: "0", ...env }, script)
    const ended = Effect.flatMap(child.exited, ({ code }) =>
      Effect.die(new Error(`ended with ${code}: ${child.stderr()}`))
    )
    const ready = eventually(
      Effect.sync(() => /Ctrl-C/.test(child.stdout())),
      (is) => is
    )
    yield* Effect.raceFirst(ready, ended)
    const [url, origin] = new Set(child.stdout().match(/http:\/\/[\w.[\]:-]+:\d+/g))
    return { ...child, url: url!, origin: origin! }
  })

export interface Answer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly text: string
  readonly json: any
}

export interface Request {
  readonly method?: string
  /** Sent as it is if it is text. */
  readonly body?: unknown
  readonly headers?: Record<string, string>
}

/** One request on a connection of its own. */
export const call = (url: string, { body, headers, method }: Request = {}): Effect.Effect<Answer, Error> =>
  Effect.callback((resume) => {
    const content = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body)
    const request = http.request(
      url,
      {
        agent: false,
        method: method ?? (content === undefined ? "GET" : "POST"),
        headers: { ...(content === undefined ? {} : { "content-type": "application/json" }), ...headers }
      },
      (response) => {
        let text = ""
        response.on("data", (chunk: Buffer) => (text += chunk.toString()))
        response.on("error", (error) => resume(Effect.fail(error)))
        response.on("end", () => {
          const json = /json/.test(response.headers["content-type"] ?? "") ? JSON.parse(text) : undefined
          resume(Effect.succeed({ status: response.statusCode!, headers: response.headers, text, json }))
        })
      }
    )
    request.on("error", (error) => resume(Effect.fail(error)))
    request.end(content)
    return Effect.sync(() => request.destroy())
  })

interface SseEvent {
  readonly id: string
  readonly event: string
  readonly data: any
  /** When it arrived, on the clock of `performance.now`. */
  readonly at: number
}

export interface SseClient {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly events: ReadonlyArray<SseEvent>
  /** Waits for the end of the stream. */
  readonly ended: Effect.Effect<ReadonlyArray<SseEvent>>
  /** Waits for the first event of this name. */
  readonly first: (event: string) => Effect.Effect<SseEvent>
  readonly leave: Effect.Effect<void>
}

/** Follows a stream until it ends or the scope closes. */
export const sse = (url: string, headers: Record<string, string> = {}): Effect.Effect<SseClient, never, Scope.Scope> =>
  Effect.gen(function* () {
    const events: Array<SseEvent> = []
    const done = Promise.withResolvers<void>()
    const head = Promise.withResolvers<http.IncomingMessage>()
    const request = http.get(url, { agent: false, headers }, (response) => {
      let rest = ""
      response.on("data", (chunk: Buffer) => {
        const blocks = (rest + chunk.toString()).split("\n\n")
        rest = blocks.pop()!
        for (const block of blocks) if (!block.startsWith(":")) events.push(parse(block))
      })
      response.on("error", done.reject)
      response.on("end", done.resolve)
      head.resolve(response)
    })
    done.promise.catch(() => {})
    request.on("error", head.reject)
    yield* Effect.addFinalizer(() => Effect.sync(() => request.destroy()))
    const response = yield* Effect.promise(() => head.promise)
    const now = Effect.sync(() => events)
    return {
      status: response.statusCode!,
      headers: response.headers,
      events,
      ended: Effect.as(
        Effect.promise(() => done.promise),
        events
      ),
      first: (name) =>
        Effect.map(
          eventually(now, (all) => all.some(({ event }) => event === name)),
          (all) => all.find(({ event }) => event === name)!
        ),
      leave: Effect.sync(() => request.destroy())
    }
  })

const parse = (block: string): SseEvent => {
  const fields = new Map(
    block.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)])
  )
  return {
    id: fields.get("id")!,
    event: fields.get("event")!,
    data: JSON.parse(fields.get("data")!),
    at: performance.now()
  }
}

/** What the origin saw of clients that left. */
export const ledger = (
  server: ServerProcess
): Effect.Effect<
  { readonly openRequests: number; readonly closedEarly: ReadonlyArray<{ url: string; at: number }> },
  Error
> => Effect.map(call(`${server.origin}/_ledger`), ({ json }) => json)
