/**
 * Requests that nobody would send on purpose, from a seed, over connections that are kept open: by JSON-RPC, by REST and
 * for streams, of 1.0 and of 0.3. `FUZZ=20000` makes more of them, `SEED=7` others.
 */
import { Agent, request as httpRequest } from "node:http"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { hosting, message, obedient, parsed } from "./hosting.ts"

const requests = Number(process.env["FUZZ"] ?? 1500)
const seed = Number(process.env["SEED"] ?? 5)

describe("any request at all to an agent", () => {
  it.live(
    "is answered: no error of the server, each refusal in the form of its binding",
    () =>
      hosting(
        obedient().agent,
        { legacy: true, maxRunning: 50, maxStreams: 8, heartbeat: "20 millis", bodyLimit: 20_000 },
        (site) =>
          Effect.gen(function* () {
            const configuration = { returnImmediately: true }
            const ids: Array<string> = []
            for (const text of ["hang", "hang", "ask", "echo x", "stream 50", "fail x"]) {
              ids.push((yield* site.rpc("SendMessage", { ...message(text), configuration })).json.result.task.id)
            }
            const seen = yield* Effect.promise(() => bombard(site.url, ids))
            // Else nothing but one road was tried.
            for (const said of [
              "200",
              "400",
              "404",
              "405",
              "413",
              "-32700",
              "-32600",
              "-32601",
              "-32602",
              "-32001",
              "-32009",
              "-32005",
              "stream"
            ]) {
              expect([seed, said, seen.get(said) ?? 0]).not.toEqual([seed, said, 0])
            }
            yield* site.streams.awaitNone
            for (const task of (yield* site.get("/tasks?pageSize=100")).json.tasks)
              yield* site.post(`/tasks/${task.id}:cancel`)
            expect((yield* site.rpc("SendMessage", message("echo afterwards"))).json.result.task.status.state).toBe(
              "TASK_STATE_COMPLETED"
            )
            expect([seed, site.log.filter((line) => line.includes("level=ERROR"))]).toEqual([seed, []])
          })
      ),
    120_000
  )
})

/** Numbers below `bound`, the same for the same seed. */
const randomOf = (seed: number) => {
  let state = seed >>> 0
  return (bound: number): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound
  }
}

interface Shot {
  readonly method: string
  readonly path: string
  readonly headers: Record<string, string>
  readonly body: string | undefined
}

interface Answer {
  readonly status: number
  readonly contentType: string | undefined
  readonly text: string
}

const bombard = async (url: string, ids: ReadonlyArray<string>): Promise<ReadonlyMap<string, number>> => {
  const random = randomOf(seed)
  const agent = new Agent({ keepAlive: true, maxSockets: 6 })
  const seen = new Map<string, number>()
  const count = (said: string) => seen.set(said, (seen.get(said) ?? 0) + 1)
  let left = requests
  const gunner = async () => {
    while (left-- > 0) {
      const shot = random(2) === 0 ? rpcShot(random, ids) : restShot(random, ids)
      judge(shot, await fire(agent, url, shot), count)
    }
  }
  await Promise.all(Array.from({ length: 6 }, gunner))
  agent.destroy()
  return seen
}

const judge = (shot: Shot, { contentType, status, text }: Answer, count: (said: string) => void): void => {
  const said = JSON.stringify([seed, shot]).slice(0, 1500)
  expect([said, status < 500, text]).toEqual([said, true, text])
  count(String(status))
  if (contentType === "text/event-stream") {
    count("stream")
    for (const block of text.split("\n\n").slice(0, -1))
      expect([said, block]).toEqual([said, expect.stringMatching(/^(?:data: \{.*\}|: ping)$/)])
    return
  }
  // To a head that is too large Node answers by itself.
  if (status === 431 || shot.method === "HEAD" || status === 304 || status === 204) return
  const json = parsed(text)
  expect([said, typeof json, contentType]).toEqual([said, "object", expect.stringMatching(/^application\//)])
  if (json.jsonrpc !== undefined) {
    expect([said, json]).toEqual([said, expect.objectContaining({ jsonrpc: "2.0" })])
    if (json.error === undefined) return
    count(String(json.error.code))
    expect([said, json.error]).toEqual([
      said,
      expect.objectContaining({ code: expect.any(Number), message: expect.any(String) })
    ])
    // Nothing in it comes of a mistake of the server.
    const running = status === 429
    expect([said, json.error.code === -32603 && !running]).toEqual([said, false])
  } else if (status >= 400) {
    const probe = shot.path.startsWith("/health") || shot.path.startsWith("/ready")
    if (probe) return
    expect([said, json.error]).toEqual([
      said,
      expect.objectContaining({ code: status, status: expect.stringMatching(/^[A-Z_]+$/), message: expect.any(String) })
    ])
  }
}

type Random = (bound: number) => number

const odd: ReadonlyArray<unknown> = [
  null,
  0,
  -1,
  1.5,
  1e99,
  "",
  "x",
  "\u0000",
  "__proto__",
  true,
  [],
  {},
  [null],
  { toString: 1 },
  { __proto__: null, a: 1 },
  "x".repeat(300),
  JSON.parse('{"__proto__":{"id":"x"},"constructor":1}')
]

const choosing =
  (random: Random) =>
  <A>(...choices: ReadonlyArray<A>): A =>
    choices[random(choices.length)]!

/** Something valid, of which now and then a part is replaced. */
const paramsOf = (random: Random, ids: ReadonlyArray<string>): unknown => {
  const of = choosing(random)
  const rarely = (often: number) => random(often) === 0
  const wild = <A>(value: A): unknown => (rarely(9) ? of(...odd) : value)
  const part = (): unknown =>
    wild(
      of<unknown>(
        { text: wild("echo x") },
        { text: "stream 3" },
        { kind: "text", text: "ask" },
        { data: wild({ a: 1 }) },
        { raw: wild("eA==") },
        { url: wild("http://x") },
        { text: "hang" }
      )
    )
  const role = of<unknown>("ROLE_USER", "user", "ROLE_AGENT", 1, 7)
  const message = () => ({
    messageId: wild("m"),
    role: wild(role),
    kind: "message",
    parts: wild([part(), ...(rarely(3) ? [part()] : [])]),
    ...(rarely(3) ? { taskId: wild(of(...ids)) } : {}),
    ...(rarely(4) ? { contextId: wild("c") } : {}),
    ...(rarely(4) ? { referenceTaskIds: wild([of(...ids), "ghost"]) } : {}),
    ...(rarely(4) ? { metadata: wild({}), extensions: wild(["x"]) } : {})
  })
  return wild(
    of<() => unknown>(
      () => ({
        message: wild(message()),
        configuration: wild({ returnImmediately: true, historyLength: wild(1), blocking: false })
      }),
      () => ({ message: wild(message()), configuration: { returnImmediately: true, blocking: false } }),
      () => ({ id: wild(of(...ids)), metadata: wild({ reason: wild("r") }) }),
      () => ({ id: wild(of(...ids)), historyLength: wild(2), tenant: rarely(4) ? wild("t") : "" }),
      () => ({ taskId: wild(of(...ids)), id: wild("c"), url: wild("http://x") }),
      () => ({
        pageSize: wild(5),
        pageToken: wild(""),
        status: wild("TASK_STATE_WORKING"),
        statusTimestampAfter: wild("2026-01-01T00:00:00Z"),
        contextId: wild("")
      })
    )()
  )
}

const headersOf = (random: Random): Record<string, string> => {
  const of = choosing(random)
  const rarely = (often: number) => random(often) === 0
  const headers: Record<string, string> = {}
  if (!rarely(10))
    headers["a2a-version"] = rarely(6) ? of("0.3", "", "2.0", "1.0.1", "x".repeat(500), "1", "\u00ff") : "1.0"
  if (rarely(8)) headers["a2a-extensions"] = of("", ",,,", "https://x, https://y", "x".repeat(2000), "\u00ff")
  if (rarely(10)) headers["accept"] = of("text/event-stream", "*/*", "x".repeat(500))
  if (rarely(12)) headers["origin"] = of("https://evil.example", "null", "x")
  if (rarely(15)) headers["expect"] = "100-continue"
  if (rarely(15)) headers["authorization"] = "Bearer x"
  if (rarely(20)) headers["content-encoding"] = "gzip"
  if (rarely(15)) headers["if-none-match"] = of("*", '"x"', ",,", "\u00ff")
  return headers
}

const bodyOf = (random: Random, json: () => unknown): string => {
  const of = choosing(random)
  return random(10) === 0
    ? of(
        "",
        "{",
        "\u0000",
        "[".repeat(5000),
        "{}{}",
        "NaN",
        '"\\ud800"',
        " ",
        "[]",
        '{"a":'.repeat(100),
        "x".repeat(25_000)
      )
    : JSON.stringify(json())
}

const finished = (random: Random, method: string, path: string, body: string | undefined): Shot => {
  const of = choosing(random)
  const headers = headersOf(random)
  if (body !== undefined && random(15) !== 0)
    headers["content-type"] =
      random(12) === 0
        ? of("text/plain", "", "application/xml", "application/json; charset=latin1")
        : "application/json"
  if (body !== undefined && random(4) === 0) headers["transfer-encoding"] = "chunked"
  else if (body !== undefined) headers["content-length"] = String(Buffer.byteLength(body))
  return { method, path, headers, body }
}

const rpcShot = (random: Random, ids: ReadonlyArray<string>): Shot => {
  const of = choosing(random)
  const wild = <A>(value: A): unknown => (random(15) === 0 ? of(...odd) : value)
  const method = of(
    "SendMessage",
    "SendStreamingMessage",
    "GetTask",
    "ListTasks",
    "CancelTask",
    "SubscribeToTask",
    "CreateTaskPushNotificationConfig",
    "GetTaskPushNotificationConfig",
    "ListTaskPushNotificationConfigs",
    "DeleteTaskPushNotificationConfig",
    "GetExtendedAgentCard",
    "message/send",
    "message/stream",
    "tasks/get",
    "tasks/cancel",
    "tasks/resubscribe",
    "tasks/pushNotificationConfig/set",
    "agent/getAuthenticatedExtendedCard",
    "constructor",
    "nope"
  )
  const request = () => ({
    jsonrpc: wild("2.0"),
    id: wild(of<unknown>(1, "x", null)),
    method: wild(method),
    params: wild(paramsOf(random, ids))
  })
  const body = bodyOf(random, () => (random(20) === 0 ? [request()] : request()))
  return finished(random, "POST", of("/", "/", "/", "/?A2A-Version=1.0", "//"), body)
}

const restShot = (random: Random, ids: ReadonlyArray<string>): Shot => {
  const of = choosing(random)
  const rarely = (often: number) => random(often) === 0
  const id = () =>
    of(
      ...ids,
      ...ids,
      "ghost",
      "__proto__",
      "..",
      "%2e%2e",
      "a%2fb",
      "a%00",
      "%ff",
      "%zz",
      ":",
      "::",
      ":cancel",
      "x".repeat(101),
      "x".repeat(3000),
      "",
      "A;b",
      "%F0%9F%9A%80"
    )
  const tenant = rarely(4) ? `/${of("acme", "tasks", "%zz", "..", "a:b", "")}` : ""
  const verb = of("", "", ":cancel", ":subscribe", ":stop", ":", ":cancel:", "%3Acancel")
  const path = of(
    () => "/message:send",
    () => "/message:stream",
    () => "/tasks",
    () => `/tasks/${id()}${verb}`,
    () => `/tasks/${id()}${verb}`,
    () => `/tasks/${id()}/pushNotificationConfigs`,
    () => `/tasks/${id()}/pushNotificationConfigs/${id()}`,
    () => "/extendedAgentCard",
    () => "/.well-known/agent-card.json",
    () =>
      of(
        "/",
        "/health",
        "/message",
        "/message:",
        "/messages:send",
        "/MESSAGE:SEND",
        "/tasks/",
        "http://evil.example/tasks",
        "/a/b/c/d/e"
      )
  )()
  const value = () =>
    of("", "1", "-1", "x", "%00", "%zz", "1e9", "true", "TASK_STATE_WORKING", "y".repeat(500), "2026-01-01T00:00:00Z")
  const key = () =>
    of(
      "pageSize",
      "pageToken",
      "historyLength",
      "status",
      "contextId",
      "includeArtifacts",
      "statusTimestampAfter",
      "tenant",
      "A2A-Version",
      "__proto__",
      ""
    )
  const query = rarely(2) ? "" : `?${Array.from({ length: 1 + random(3) }, () => `${key()}=${value()}`).join("&")}`
  const method =
    path.includes("message") || path.includes(":cancel")
      ? rarely(6)
        ? "GET"
        : "POST"
      : of("GET", "GET", "GET", "POST", "DELETE", "HEAD", "PUT", "OPTIONS", "PATCH", "QUERY")
  const sends = method === "POST" && !rarely(6)
  return finished(
    random,
    method,
    tenant + path + query,
    sends ? bodyOf(random, () => paramsOf(random, ids)) : undefined
  )
}

/** Of a stream that does not end, what comes first. */
const fire = (agent: Agent, url: string, { body, headers, method, path }: Shot): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url)
    const sent = httpRequest({ agent, hostname, port, method, path, headers }, (response) => {
      let text = ""
      const contentType = response.headers["content-type"]
      const done = () => resolve({ status: response.statusCode!, contentType, text })
      response.setEncoding("utf8")
      response.on("data", (data: string) => {
        text += data
        if (contentType !== "text/event-stream" || text.length < 400) return
        response.destroy()
        done()
      })
      response.on("end", done)
      // A stream of a task that has said little so far.
      if (contentType === "text/event-stream") setTimeout(() => response.destroy(), 20).unref()
      response.on("close", done)
    })
    sent.on("error", (error) => {
      if (JSON.stringify([path, headers]).length > 12_000)
        return resolve({ status: 431, contentType: undefined, text: "" })
      reject(new Error(`${method} ${path.slice(0, 200)}: ${error.message}`))
    })
    sent.end(body)
  })
