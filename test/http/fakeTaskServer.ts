/**
 * A task server without sockets, promises or fibers, in virtual time: what was sent arrives some time later, also when
 * the sender has gone, and answers can be lost. It is passive: whoever asks sees what has arrived by then.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Stream from "effect/Stream"

export interface Asked {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: any
}

/** What happens to one request; the times are milliseconds. */
interface Fault {
  /** Until the server has it. Default 1. */
  readonly arrives?: number
  /** From there until the answer. Default 1. */
  readonly answers?: number
  /** The answer is lost on the way; `"request"`: it never arrived. */
  readonly lost?: "answer" | "request"
  /** No answer ever comes. */
  readonly hangs?: boolean
  readonly refused?: { readonly status: number; readonly code?: string; readonly headers?: Record<string, string> }
}

export interface Options {
  /** How long each task runs by itself. Default: for ever. */
  readonly runs?: number
  /** How long it cleans up when it is cancelled. Default 1. */
  readonly cleansUp?: number
  readonly faultOf?: (asked: Asked, index: number) => Fault | undefined
}

interface FakeTask {
  readonly id: string
  readonly name: string
  readonly attempt: number
  readonly payload: unknown
  readonly startedAt: number
  endsAt: number
  cancelled?: { readonly at: number; readonly reason: any }
}

interface Reply {
  readonly status: number
  readonly headers?: Record<string, string>
  readonly json?: unknown
  /** Besides `answers`. */
  readonly takes?: number
  readonly events?: FakeTask
}

export class FakeTaskServer {
  readonly asked: Array<Asked> = []
  /** Every run that there was. */
  readonly runs: Array<FakeTask> = []
  private readonly options: Options
  private arrivals: Array<{ readonly at: number; readonly arrive: (at: number) => void }> = []

  constructor(options: Options = {}) {
    this.options = options
  }

  /** What runs once everything that was sent has arrived and `at` has come. */
  running(at: number): ReadonlyArray<FakeTask> {
    this.settle(Infinity)
    return this.runs.filter(({ endsAt }) => endsAt > at)
  }

  readonly client: HttpClient.HttpClient = HttpClient.make((request, url) => {
    const lost = () => Effect.fail(transportError(request))
    return Effect.gen({ self: this }, function* () {
      const asked: Asked = {
        method: request.method,
        // It may stand below a path.
        path: url.pathname.replace(/^\/api\//, "/"),
        query: url.searchParams,
        headers: request.headers,
        body: request.body._tag === "Uint8Array" ? JSON.parse(new TextDecoder().decode(request.body.body)) : undefined
      }
      const index = this.asked.push(asked) - 1
      const fault = this.options.faultOf?.(asked, index) ?? {}
      const { answers = 1, arrives = 1 } = fault
      let reply: Reply | undefined
      if (fault.lost !== "request") {
        const now = yield* Clock.currentTimeMillis
        const arrive = (at: number) => {
          reply = fault.refused === undefined ? this.reply(asked, at) : refusal(fault.refused)
        }
        this.arrivals.push({ at: now + arrives, arrive })
      }
      yield* Effect.sleep(arrives)
      if (fault.hangs === true) return yield* Effect.never
      this.settle(yield* Clock.currentTimeMillis)
      yield* Effect.sleep(answers + (reply?.takes ?? 0))
      if (fault.lost !== undefined) return yield* lost()
      return this.response(reply!)
    })
  })

  private settle(now: number): void {
    const due = this.arrivals.filter(({ at }) => at <= now).toSorted((a, b) => a.at - b.at)
    this.arrivals = this.arrivals.filter(({ at }) => at > now)
    for (const { arrive, at } of due) arrive(at)
  }

  private find(id: string | undefined): FakeTask | undefined {
    return this.runs.findLast((run) => run.id === id)
  }

  private reply({ body, method, path, query }: Asked, now: number): Reply {
    const [, , first, second] = path.split("/")
    if (method === "POST" && second === undefined) return this.start(first!, query, body, now)
    const task = this.find(first)
    if (task === undefined) return refusal({ status: 404, code: "task-not-found" })
    if (second === "cancel") return this.cancel(task, body, now)
    return second === "events" ? { status: 200, events: task } : { status: 200, json: viewOf(task, now) }
  }

  private start(name: string, query: URLSearchParams, payload: unknown, now: number): Reply {
    const id = query.get("id")!
    const before = this.find(id)
    if (before !== undefined && before.endsAt > now) return refusal({ status: 409, code: "already-running" })
    if (before !== undefined && query.get("replace") !== "true") return refusal({ status: 409, code: "already-ended" })
    const attempt = (before?.attempt ?? 0) + 1
    this.runs.push({ id, name, attempt, payload, startedAt: now, endsAt: now + (this.options.runs ?? Infinity) })
    return { status: 202, json: { id, name, attempt, links } }
  }

  private cancel(task: FakeTask, body: any, now: number): Reply {
    const { cleansUp = 1 } = this.options
    if (task.endsAt <= now) {
      const done = { _tag: "AlreadyCompleted", id: task.id, duringGrace: false }
      return {
        status: 200,
        json: task.cancelled === undefined ? done : { ...cancelResult(task), _tag: "AlreadyCancelled" }
      }
    }
    task.cancelled ??= { at: now, reason: body.reason ?? { message: "Task was cancelled" } }
    task.endsAt = Math.min(task.endsAt, now + cleansUp)
    return { status: 200, json: cancelResult(task), takes: cleansUp }
  }

  private response({ events, headers = {}, json, status }: Reply): HttpClientResponse.HttpClientResponse {
    const type = events === undefined ? "application/json" : "text/event-stream"
    return {
      status,
      headers: { "content-type": type, ...headers },
      text: Effect.succeed(JSON.stringify(json)),
      stream: events === undefined ? Stream.empty : this.eventsOf(events)
    } as unknown as HttpClientResponse.HttpClientResponse
  }

  private eventsOf(task: FakeTask): Stream.Stream<Uint8Array> {
    const send = (text: string) => new TextEncoder().encode(text)
    const end = Effect.gen({ self: this }, function* () {
      while (true) {
        const now = yield* Clock.currentTimeMillis
        this.settle(now)
        if (task.endsAt <= now) break
        yield* Effect.sleep(5)
      }
      return send(
        task.cancelled === undefined
          ? event(task, 2, "completed", { value: 42, cleanupFailures: 0 })
          : cancelledEvent(task)
      )
    })
    return Stream.concat(Stream.succeed(send(`: open\n\n${event(task, 1, "started", {})}`)), Stream.fromEffect(end))
  }
}

const links = { self: "/", events: "/", cancel: "/" }

const iso = (millis: number): string => new Date(millis).toISOString()

const event = ({ attempt, endsAt, id, startedAt }: FakeTask, seq: number, name: string, data: object): string => {
  const at = iso(seq === 1 ? startedAt : endsAt)
  return `id: ${attempt}-${seq}\nevent: ${name}\ndata: ${JSON.stringify({ id, attempt, seq, at, ...data })}\n\n`
}

const cancelledEvent = (task: FakeTask): string => {
  const { at, reason } = task.cancelled!
  const why = { ...reason, reason: "request", scope: task.id, how: "interrupted", tookMillis: task.endsAt - at }
  return event(task, 2, "cancelled", { ...why, cleanupFailures: 0 })
}

const cancelResult = ({ cancelled, endsAt, id }: FakeTask) => ({
  _tag: "Cancelled",
  id,
  how: "interrupted",
  took: endsAt - cancelled!.at,
  reason: { message: "Task was cancelled", ...cancelled!.reason, source: "request", scope: id, at: iso(cancelled!.at) }
})

const viewOf = ({ attempt, endsAt, id, name, payload, startedAt }: FakeTask, now: number) => ({
  id,
  name,
  attempt,
  state: endsAt > now ? "running" : "completed",
  startedAt: iso(startedAt),
  payload,
  labels: [],
  links
})

const refusal = ({ code, headers, status }: NonNullable<Fault["refused"]>): Reply => ({
  status,
  headers: headers ?? {},
  json:
    code === undefined
      ? "<html>"
      : { type: `urn:rescind:problem:${code}`, title: code, status, detail: `it is ${code}` }
})

const transportError = (request: HttpClientRequest.HttpClientRequest) =>
  new HttpClientError.HttpClientError({
    reason: new HttpClientError.TransportError({ request, cause: new Error("connection reset") })
  })
