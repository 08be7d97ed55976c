/**
 * Requests that nobody would send on purpose, from a seed, over connections that are kept open; then many clients at
 * once at the same few ids. `FUZZ=20000` makes more of them, `SEED=7` others.
 */
import { Agent, request as httpRequest } from "node:http"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as BearerTokens from "../../src/http/BearerTokens.ts"
import { breaks, count, print, wait } from "./probes.ts"
import { type Site, serving } from "./serving.ts"

const requests = Number(process.env["FUZZ"] ?? 1500)
const seed = Number(process.env["SEED"] ?? 5)

const tasks = [wait, count, print, breaks]

describe("any request at all", () => {
  for (const [who, access] of [
    ["anybody", undefined],
    ["whoever has a token", BearerTokens.layer({ tokens: [token("ann"), token("bob")], inQuery: true })]
  ] as const) {
    it.live(
      `to a server for ${who} is answered: no error of the server, each refusal a problem document`,
      () =>
        serving(
          {
            tasks,
            metrics: true,
            maxRunning: 20,
            maxStreams: 8,
            maxStreamsPerTask: 3,
            heartbeat: "50 millis",
            maxTimeLimit: "1 minute",
            ...(access === undefined ? {} : { access })
          },
          (site) =>
            Effect.gen(function* () {
              const headers = access === undefined ? {} : { authorization: `Bearer ${secret("ann")}` }
              for (const id of ["a", "b", "c"]) yield* site.post(`/tasks/wait?id=${id}&label=x`, {}, headers)
              yield* site.post("/tasks/count?id=ended", { to: 30 }, headers)
              const statuses = yield* Effect.promise(() => bombard(site, access !== undefined))
              // Else nothing but one road was tried.
              for (const status of [200, 202, 400, 404, 405, 409, 413, 415]) {
                expect([seed, status, statuses.get(status) ?? 0]).not.toEqual([seed, status, 0])
              }
              yield* site.streams.awaitNone
              yield* site.post("/cancel", { all: true }, headers)
              const { status } = yield* site.post("/tasks/wait?id=afterwards", {}, headers)
              expect([seed, status]).toEqual([seed, 202])
              expect((yield* site.get("/health")).status).toBe(200)
              // Of `break`, which fails on purpose, alone.
              const errors = site.log.filter((line) => line.includes("level=ERROR") && !line.includes("hunter2"))
              expect([seed, errors]).toEqual([seed, []])
            })
        ),
      120_000
    )
  }

  it.live("many at once at the same ids: each attempt has one last event, and its numbers have no gap", () =>
    serving({ tasks: [wait, count], heartbeat: "20 millis" }, (site) =>
      Effect.gen(function* () {
        const random = randomOf(seed)
        const started = new Set<string>()
        const streams: Array<ReadonlyArray<string>> = []
        const client = Effect.gen(function* () {
          for (let n = 0; n < 25; n++) {
            const id = `t${random(3)}`
            const road = random(6)
            if (road < 2) {
              const name = random(2) === 0 ? "wait" : "count"
              const body = name === "wait" ? {} : { to: 5 + random(40), everyMillis: random(2) }
              const { json, status } = yield* site.post(`/tasks/${name}?id=${id}&replace=true`, body)
              if (status === 202) started.add(`${id} ${json.attempt}`)
              expect([202, 409]).toContain(status)
            } else if (road === 2) yield* site.post(`/tasks/${id}/cancel`, { wait: random(2) === 0 })
            else if (road === 3) expect([200, 404]).toContain((yield* site.get(`/tasks/${id}`)).status)
            else if (road === 4) yield* site.post("/cancel", { ids: ["t0", "t1", "t2"] })
            else {
              const text = (yield* Effect.timeoutOption(site.get(`/tasks/${id}/events`), 2000)).pipe((answer) =>
                answer._tag === "Some" && answer.value.status === 200 ? answer.value.text : ""
              )
              streams.push(text.split("\n\n").filter((block) => block.startsWith("id: ")))
            }
          }
        })
        const sweeping = Effect.forever(Effect.andThen(Effect.sleep(10), site.post("/cancel", { all: true })))
        yield* Effect.raceFirst(
          Effect.all(
            Array.from({ length: 8 }, () => client),
            { concurrency: "unbounded", discard: true }
          ),
          sweeping
        )
        expect(started.size).toBeGreaterThan(5)
        const whole = streams.filter((blocks) => blocks.length > 0)
        expect(new Set(whole.map((blocks) => blocks.length)).size).toBeGreaterThan(1)
        expect(whole.length).toBeGreaterThan(3)
        for (const blocks of whole) {
          const attempt = /^id: (\d+)-/.exec(blocks[0]!)![1]
          expect(blocks.map((block) => block.split("\n")[0])).toEqual(
            blocks.map((_, index) => `id: ${attempt}-${index + 1}`)
          )
          const ends = blocks.map((block) => /event: (?:completed|failed|cancelled)\n/.test(block))
          expect(ends).toEqual(blocks.map((_, index) => index === blocks.length - 1))
        }
      })
    )
  )
})

function secret(who: string): string {
  return `${who}-`.repeat(6)
}

function token(who: string): BearerTokens.Entry<{ readonly id: string }> {
  return { token: Redacted.make(secret(who)), caller: { id: who } }
}

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
  readonly headers: Record<string, string | Array<string>>
  readonly body: string | undefined
}

const bombard = async (site: Site, secured: boolean): Promise<ReadonlyMap<number, number>> => {
  const random = randomOf(seed)
  const agent = new Agent({ keepAlive: true, maxSockets: 6 })
  const statuses = new Map<number, number>()
  let left = requests
  const gunner = async () => {
    while (left-- > 0) {
      const shot = aim(random, secured)
      const answer = await fire(agent, site.url, shot)
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
      judge(shot, answer)
    }
  }
  await Promise.all(Array.from({ length: 6 }, gunner))
  agent.destroy()
  return statuses
}

const judge = (shot: Shot, { contentType, status, text }: Answer): void => {
  const said = JSON.stringify([seed, shot]).slice(0, 1500)
  if (status >= 500)
    expect([status, said, text]).toEqual([expect.toSatisfy((it) => it === 503 || it === 504), said, text])
  // To a head that is too large Node answers by itself.
  if (status < 400 || status === 431 || shot.method === "HEAD") return
  expect([said, contentType]).toEqual([said, "application/problem+json"])
  const problem = JSON.parse(text)
  expect([said, problem.status]).toEqual([said, status])
  expect([said, problem.type]).toEqual([said, expect.stringMatching(/^urn:rescind:problem:/)])
  expect([said, text.length < 25_000]).toEqual([said, true])
  if (status !== 400) return
  expect([said, problem.errors]).toEqual([
    said,
    expect.arrayContaining([expect.objectContaining({ in: expect.stringMatching(/^(?:body|query|header)$/) })])
  ])
}

const aim = (random: (bound: number) => number, secured: boolean): Shot => {
  const of = <A>(...choices: ReadonlyArray<A>): A => choices[random(choices.length)]!
  const rarely = (often: number) => random(often) === 0
  const id = () =>
    of(
      "a",
      "b",
      "c",
      "ended",
      "d",
      "e",
      "wait",
      "__proto__",
      "..",
      "%2e%2e",
      "a%2fevents",
      "a%00",
      "a%0d%0ax",
      "%ff",
      "%zz",
      ":id",
      "x".repeat(101),
      "x".repeat(3000),
      "",
      "A",
      "a/",
      "a;b",
      "%F0%9F%9A%80"
    )
  const name = () => of("wait", "count", "print", "break", "count", "nope", "constructor", "%77ait", "wait/", "..")
  const start = rarely(3)
  const method = start
    ? "POST"
    : of("GET", "GET", "GET", "POST", "POST", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY")
  const path = start
    ? `/tasks/${name()}`
    : of(
        () => `/tasks/${id()}`,
        () => `/tasks/${id()}/events`,
        () => `/tasks/${id()}/cancel`,
        () => `/tasks/${name()}`,
        () =>
          of(
            "/tasks",
            "/tasks/",
            "//tasks",
            "/TASKS",
            "/cancel",
            "/tree",
            "/health",
            "/ready",
            "/metrics",
            "/openapi.json",
            "/",
            "//",
            "/tasks/a/b/c",
            "http://evil.example/tasks",
            "/favicon.ico"
          )
      )()
  const value = () =>
    of(
      "",
      "true",
      "false",
      "a",
      "b",
      "d",
      "e",
      "x",
      "x%3D1",
      "%00",
      "%ff",
      "%zz",
      "-1",
      "1e9",
      "[]",
      "..",
      "y".repeat(70),
      "y".repeat(5000),
      "running",
      "cancelled",
      "wait"
    )
  const key = () =>
    of("id", "id", "replace", "label", "label", "state", "name", "access_token", "__proto__", "constructor", "x", "")
  const query = rarely(2)
    ? ""
    : `?${Array.from({ length: 1 + random(rarely(5) ? 20 : 2) }, () => `${key()}=${value()}`).join("&")}`
  const headers: Record<string, string | Array<string>> = {}
  if (rarely(6))
    headers["last-event-id"] = of<string | Array<string>>(
      "1-1",
      "1-2",
      "1-999",
      "\u00ff",
      "x",
      "9".repeat(9000),
      "1-35",
      "1-32",
      ["1-1", "1-2"]
    )
  if (rarely(8))
    headers["deadline-ms"] = of<string | Array<string>>("0", "1", "5000", "-1", "1.5", "x", "", "9".repeat(8000), [
      "1",
      "2"
    ])
  if (rarely(10)) headers["prefer"] = of("respond-async", "wait=1, respond-async", ",".repeat(2000), "")
  if (rarely(10)) headers["origin"] = of("https://evil.example", "null", "x")
  if (rarely(10)) headers["accept"] = of("text/plain", "*/*", "x".repeat(1000))
  if (rarely(10)) headers["expect"] = "100-continue"
  if (rarely(20)) headers["content-encoding"] = "gzip"
  if (rarely(20)) headers["te"] = "trailers"
  if (rarely(15)) headers["cookie"] = of("a=b", ";;;=", "%zz=%ff", "token=x", `a=${"b".repeat(4000)}`)
  if (secured && !rarely(6)) {
    headers["authorization"] = rarely(8)
      ? of("Bearer", "Basic eDp5", "Bearer \u00ff", `Bearer ${"x".repeat(5000)}`)
      : `Bearer ${secret(of("ann", "ann", "bob"))}`
  }
  if (rarely(5)) {
    // Nothing is wrong with these, and what they start is what the others meet.
    const body = JSON.stringify(of({}, {}, { to: 30 }))
    const sane = { ...headers, "content-type": "application/json", "content-length": String(body.length) }
    const target = of("a", "b", "c", "d", "ended")
    const well = of(`/tasks/${of("wait", "count")}?id=${target}${of("", "&replace=true")}`, `/tasks/${target}/cancel`)
    return { method: "POST", path: well, headers: sane, body }
  }
  const json = (): unknown =>
    of<unknown>(
      {},
      {},
      { label: "x" },
      { to: random(50) },
      { to: 1e99 },
      { to: "1" },
      null,
      [],
      "x",
      1,
      { reason: { message: "m", by: of("ann", "eve"), detail: { a: [1] } }, wait: false },
      { reason: 1 },
      { wait: false },
      { grace: of<unknown>(0, -1, "x", "0 millis", null), giveUp: 0 },
      { ids: ["a", "ended", "ghost", "__proto__"] },
      { ids: [1, "", "x".repeat(200)], wait: false },
      { all: true, wait: false },
      { all: false },
      { name: "wait", wait: false },
      { labels: ["x"] },
      { labels: ["x".repeat(1000), " "] },
      { state: "running", wait: false },
      { state: "odd" },
      JSON.parse('{"__proto__":{"to":1},"constructor":1}'),
      { label: "x".repeat(70_000) }
    )
  const sends = method !== "GET" && method !== "HEAD" && method !== "TRACE" && !rarely(4)
  const body = !sends
    ? undefined
    : rarely(6)
      ? of("{", "\u0000", "[".repeat(5000), "{}{}", "NaN", '"\\ud800"', " ")
      : JSON.stringify(json())
  if (body !== undefined)
    headers["content-type"] = rarely(12) ? of("text/plain", "", "application/xml") : "application/json"
  // Of some methods Node would send the body without either.
  if (body !== undefined && rarely(4)) headers["transfer-encoding"] = "chunked"
  else if (body !== undefined) headers["content-length"] = String(Buffer.byteLength(body))
  return { method, path: path + query, headers, body }
}

interface Answer {
  readonly status: number
  readonly contentType: string | undefined
  readonly text: string
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
      // The server of Node closes on a head that is too large, at times before its answer is read.
      if (JSON.stringify([path, headers]).length > 12_000)
        return resolve({ status: 431, contentType: undefined, text: "" })
      reject(new Error(`${method} ${path.slice(0, 200)}: ${error.message}`))
    })
    sent.end(body)
  })
