/**
 * An A2A agent without sockets, promises or fibers, in virtual time: what was sent arrives some time later, also when the
 * sender has gone; answers can be lost and streams torn. It is passive: whoever asks sees what has arrived by then.
 */
import type * as A2A from "@a2a-js/sdk"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Stream from "effect/Stream"

export interface Asked {
  readonly method: string
  readonly params: any
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly at: number
  /** When the connection of a stream was closed, if it did not break by itself. */
  closedAt?: number
}

/** What happens to one request; the times are milliseconds. */
export interface Fault {
  /** Until the agent has it. Default 1. */
  readonly arrives?: number
  /** From there until the head of the answer. Default 1. */
  readonly answers?: number
  /** The answer is lost on the way; `"request"`: it never arrived. */
  readonly lost?: "answer" | "request"
  /** Its stream ends after so many events, as if that were all. */
  readonly ends?: number
  /** Its stream breaks after so many events. */
  readonly torn?: number
  /** No answer ever comes. */
  readonly hangs?: boolean
  /** Its stream sends so many events, then nothing more. */
  readonly quiet?: number
  readonly refused?: {
    readonly status: number
    readonly error?: object
    readonly headers?: Record<string, string>
    /** By a proxy, when the agent has taken it. */
    readonly behind?: boolean
  }
}

/** What a task does, at which millisecond of its life. */
export interface Step {
  readonly at: number
  readonly state?: string
  readonly text?: string
  /** A piece of its artifact. */
  readonly chunk?: string
  /** What that piece says of it. */
  readonly of?: object
}

export interface Options {
  readonly streaming?: boolean
  readonly steps?: ReadonlyArray<Step>
  /** After the answer to a question. */
  readonly afterAnswer?: ReadonlyArray<Step>
  /** Begins its answer to an answer with the task as it was. */
  readonly repeats?: boolean
  /** How long it cleans up when it is cancelled. Default 1. */
  readonly cleansUp?: number
  /** Answers with a message at once instead. */
  readonly message?: string
  /** Does not list its tasks, or not with their history. */
  readonly lists?: "no" | "no-history"
  readonly faultOf?: (asked: Asked, index: number) => Fault | undefined
}

interface FakeEvent {
  readonly at: number
  readonly json: any
}

interface FakeTask {
  readonly id: string
  readonly messages: Array<any>
  readonly events: Array<FakeEvent>
  cancelled?: { readonly at: number; readonly metadata: any }
}

const card = (streaming = true): A2A.AgentCard => ({
  name: "fake",
  description: "",
  version: "1.0.0",
  supportedInterfaces: [
    { url: "http://agent.test/rpc", protocolBinding: "JSONRPC", protocolVersion: "1.0", tenant: "" }
  ],
  provider: undefined,
  capabilities: { streaming, pushNotifications: false, extendedAgentCard: false, extensions: [] },
  securitySchemes: {},
  securityRequirements: [],
  defaultInputModes: ["text/plain"],
  defaultOutputModes: ["text/plain"],
  skills: [],
  signatures: []
})

const done: ReadonlyArray<Step> = [
  { at: 0, state: "TASK_STATE_WORKING" },
  { at: 10, chunk: "one " },
  { at: 20, chunk: "two" },
  { at: 30, state: "TASK_STATE_COMPLETED" }
]

export class FakeAgent {
  readonly asked: Array<Asked> = []
  readonly tasks: Array<FakeTask> = []
  private readonly options: Options
  private arrivals: Array<{ readonly at: number; readonly arrive: (at: number) => void }> = []

  constructor(options: Options = {}) {
    this.options = options
  }

  get card(): A2A.AgentCard {
    return card(this.options.streaming)
  }

  /** What runs once everything that was sent has arrived and `at` has come. */
  running(at: number): ReadonlyArray<FakeTask> {
    this.settle(Infinity)
    return this.tasks.filter((task) => !isOver(stateAt(task, at)))
  }

  readonly client: HttpClient.HttpClient = HttpClient.make((request) => {
    const lost = (description: string) => Effect.fail(transportError(request, description))
    return Effect.gen({ self: this }, function* () {
      const { method, params } =
        request.body._tag === "Uint8Array"
          ? JSON.parse(new TextDecoder().decode(request.body.body))
          : { method: "card", params: {} }
      const now = yield* Clock.currentTimeMillis
      const asked: Asked = { method, params, headers: request.headers, at: now }
      const index = this.asked.push(asked) - 1
      const fault = this.options.faultOf?.(asked, index) ?? {}
      const { answers = 1, arrives = 1 } = fault
      let reply: Reply | undefined
      if (fault.lost !== "request") {
        const arrive = (at: number) => {
          const { refused } = fault
          if (refused === undefined || refused.behind === true) reply = this.reply(method, params, at)
          if (refused !== undefined) reply = refusal(refused)
        }
        this.arrivals.push({ at: now + arrives, arrive })
      }
      yield* Effect.sleep(arrives)
      if (fault.hangs === true) return yield* Effect.never
      this.settle(yield* Clock.currentTimeMillis)
      yield* Effect.sleep(answers + (reply?.takes ?? 0))
      if (fault.lost !== undefined) return yield* lost("connection reset")
      return this.response(reply!, fault, asked, request)
    })
  })

  private settle(now: number): void {
    const due = this.arrivals.filter(({ at }) => at <= now).toSorted((a, b) => a.at - b.at)
    this.arrivals = this.arrivals.filter(({ at }) => at > now)
    for (const { arrive, at } of due) arrive(at)
  }

  private reply(method: string, params: any, now: number): Reply {
    if (method === "card") return { json: this.card }
    if (method === "SendMessage" || method === "SendStreamingMessage") return this.send(method, params.message, now)
    if (method === "ListTasks") return this.list(params, now)
    const task = this.tasks.find(({ id }) => id === params.id)
    if (task === undefined) return failure(-32001, "Task not found")
    const over = isOver(stateAt(task, now))
    switch (method) {
      case "GetTask":
        return { result: snapshot(task, now) }
      case "SubscribeToTask":
        return over || this.options.streaming === false
          ? failure(-32004, "It has ended")
          : { events: task, from: now, first: { task: snapshot(task, now) } }
      case "CancelTask":
        return this.cancel(task, params, now)
      default:
        return failure(-32601, "Method not found")
    }
  }

  private send(method: string, message: any, now: number): Reply {
    const { afterAnswer = done, message: said, steps = done } = this.options
    if (said !== undefined) {
      const payload = { message: { messageId: "m", role: "ROLE_AGENT", parts: [{ text: said }] } }
      return method === "SendMessage" ? { result: payload } : { only: payload }
    }
    let task = this.tasks.find(({ id }) => id === message.taskId)
    const before = task === undefined ? undefined : snapshot(task, now)
    if (task === undefined && message.taskId) return failure(-32001, "Task not found")
    if (task === undefined) {
      task = { id: `task-${this.tasks.length + 1}`, messages: [message], events: [] }
      task.events.push({ at: now, json: statusUpdate(task.id, "TASK_STATE_SUBMITTED", undefined, now) })
      this.tasks.push(task)
      this.plan(task, steps, now)
    } else {
      if (stateAt(task, now) !== "TASK_STATE_INPUT_REQUIRED") return failure(-32004, "It does not ask")
      task.messages.push(message)
      this.plan(task, afterAnswer, now)
    }
    const first = { task: this.options.repeats === true && before !== undefined ? before : snapshot(task, now) }
    return method === "SendMessage" ? { result: first } : { events: task, from: now, first }
  }

  private plan(task: FakeTask, steps: ReadonlyArray<Step>, now: number): void {
    for (const { at, chunk, of, state, text } of steps) {
      const json =
        chunk === undefined
          ? statusUpdate(task.id, state!, text, now + at)
          : {
              artifactUpdate: {
                taskId: task.id,
                contextId: "c",
                artifact: { artifactId: "a", parts: [{ text: chunk }], ...of },
                append: true
              }
            }
      task.events.push({ at: now + at, json })
    }
  }

  private list({ contextId }: any, now: number): Reply {
    if (this.options.lists === "no") return failure(-32004, "No lists here")
    const all = this.tasks.map((task) => ({
      ...snapshot(task, now),
      ...(this.options.lists === "no-history" ? { history: [] } : {})
    }))
    return {
      result: { tasks: contextId ? all.filter((task) => task.contextId === contextId) : all, nextPageToken: "" }
    }
  }

  private cancel(task: FakeTask, { metadata }: any, now: number): Reply {
    const { cleansUp = 1 } = this.options
    const state = stateAt(task, now)
    if (isOver(state) && state !== "TASK_STATE_CANCELED") return failure(-32002, "It has ended")
    if (task.cancelled === undefined) {
      task.cancelled = { at: now, metadata }
      const end = now + cleansUp
      task.events.splice(task.events.findIndex(({ at }) => at > now) >>> 0)
      const update: any = statusUpdate(task.id, "TASK_STATE_CANCELED", metadata?.reason, end)
      const { by, reason: message, source } = metadata ?? {}
      update.statusUpdate.metadata = {
        rescind: { source: source ?? "request", message: message ?? "", ...(by ? { by } : {}), how: "interrupted" }
      }
      task.events.push({ at: end, json: update })
    }
    const end = task.events.at(-1)!.at
    return { result: snapshot(task, end), takes: Math.max(0, end - now) }
  }

  private response(
    { error, events, first, from, json, only, refused, result }: Reply,
    fault: Fault,
    asked: Asked,
    request: HttpClientRequest.HttpClientRequest
  ): HttpClientResponse.HttpClientResponse {
    const isStream = events !== undefined || only !== undefined
    const body = json ?? { jsonrpc: "2.0", id: 1, ...(error === undefined ? { result } : { error }) }
    return {
      status: refused?.status ?? 200,
      headers: { "content-type": isStream ? "text/event-stream" : "application/json", ...refused?.headers },
      text: Effect.succeed(refused !== undefined && error === undefined ? "<html>" : JSON.stringify(body)),
      stream: isStream
        ? Stream.onExit(
            this.frames(
              only === undefined ? this.eventsOf(events!, from!, first) : Stream.succeed(only),
              fault,
              request
            ),
            () =>
              Effect.map(Clock.currentTimeMillis, (now) => {
                if (fault.torn === undefined) asked.closedAt = now
              })
          )
        : Stream.empty
    } as unknown as HttpClientResponse.HttpClientResponse
  }

  private frames(
    events: Stream.Stream<unknown>,
    { ends, quiet, torn }: Fault,
    request: HttpClientRequest.HttpClientRequest
  ): Stream.Stream<Uint8Array, HttpClientError.HttpClientError> {
    const cut =
      quiet !== undefined
        ? Stream.concat(Stream.take(events, quiet), Stream.never)
        : torn !== undefined
          ? Stream.concat(Stream.take(events, torn), Stream.fail(transportError(request, "torn")))
          : ends !== undefined
            ? Stream.take(events, ends)
            : events
    return Stream.map(cut, (result) =>
      new TextEncoder().encode(`data: ${JSON.stringify({ jsonrpc: "2.0", id: 1, result })}\n\n`)
    )
  }

  /** A turn of it: up to the end or the next question. */
  private eventsOf(task: FakeTask, from: number, first: unknown): Stream.Stream<unknown> {
    let next = task.events.findIndex(({ at }) => at > from)
    if (next < 0) next = task.events.length
    // What happened at the moment of the snapshot is in it.
    const later = Stream.fromEffectRepeat(
      Effect.gen({ self: this }, function* () {
        while (true) {
          this.settle(yield* Clock.currentTimeMillis)
          const event = task.events[next]
          if (event !== undefined && event.at <= (yield* Clock.currentTimeMillis)) {
            next++
            return event.json
          }
          yield* Effect.sleep(1)
        }
      })
    )
    return Stream.takeUntil(Stream.concat(Stream.succeed(first), later), (json: any) => {
      const state = (json.task ?? json.statusUpdate)?.status?.state
      return json !== first && (isOver(state) || state === "TASK_STATE_INPUT_REQUIRED")
    })
  }
}

interface Reply {
  readonly result?: unknown
  readonly error?: object
  readonly refused?: NonNullable<Fault["refused"]>
  readonly json?: unknown
  readonly events?: FakeTask
  readonly from?: number
  readonly first?: unknown
  readonly only?: unknown
  /** Besides `answers`. */
  readonly takes?: number
}

const failure = (code: number, message: string): Reply => ({ error: { code, message } })

const refusal = (refused: NonNullable<Fault["refused"]>): Reply => ({
  refused,
  ...(refused.error === undefined ? {} : { error: refused.error })
})

const iso = (millis: number): string => new Date(millis).toISOString()

const statusUpdate = (taskId: string, state: string, text: string | undefined, at: number) => ({
  statusUpdate: {
    taskId,
    contextId: "c",
    status: {
      state,
      timestamp: iso(at),
      ...(text === undefined
        ? {}
        : { message: { messageId: `${taskId}-${at}`, role: "ROLE_AGENT", parts: [{ text }] } })
    }
  }
})

const stateAt = (task: FakeTask, now: number): string =>
  task.events.findLast(({ at, json }) => at <= now && json.statusUpdate !== undefined)?.json.statusUpdate.status.state

const isOver = (state: string): boolean => /COMPLETED|FAILED|CANCELED|REJECTED/.test(state)

const snapshot = (task: FakeTask, now: number) => {
  const past = task.events.filter(({ at }) => at <= now)
  const chunks = past.flatMap(({ json }) => json.artifactUpdate?.artifact.parts ?? [])
  const { metadata, status } = past.findLast(({ json }) => json.statusUpdate !== undefined)!.json.statusUpdate
  return {
    id: task.id,
    contextId: "c",
    status,
    history: task.messages,
    artifacts: chunks.length === 0 ? [] : [{ artifactId: "a", parts: chunks }],
    ...(metadata === undefined ? {} : { metadata })
  }
}

const transportError = (request: HttpClientRequest.HttpClientRequest, description: string) =>
  new HttpClientError.HttpClientError({
    reason: new HttpClientError.TransportError({ request, description })
  })
