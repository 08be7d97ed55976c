/** `POST /tasks/{name}`. */
import type * as Context from "effect/Context"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import type * as Task from "../../fibers/Task.ts"
import * as Drain from "../Drain.ts"
import * as JsonBody from "../JsonBody.ts"
import * as Problem from "../Problem.ts"
import * as RequestDeadline from "../RequestDeadline.ts"
import type { Visitor } from "../TaskAccess.ts"
import { StartQuery } from "../TaskApi.ts"
import { admitStart, claim, enter } from "./authorize.ts"
import { Recording } from "./recording.ts"
import { type Handler, type Kind, linksOf, pathParam, type Server } from "./served.ts"
import { taskBody } from "./taskBody.ts"
import { TaskTrace, withParentOf } from "./taskTrace.ts"
import { watch } from "./watching.ts"

const decodeQuery = Problem.decode(Schema.toCodecArrayFromSingle(StartQuery), "query")

export const startRoute: Handler = (server, request) =>
  Effect.gen(function* () {
    const arrived = yield* Clock.currentTimeMillis
    const visitor = yield* enter(server, request)
    const name = yield* pathParam("name")
    const kind = server.kinds.get(name)
    if (kind === undefined) return yield* Effect.fail(unknownName(name, Array.from(server.kinds.keys())))
    const query = yield* queryOf(request)
    const deadline = yield* deadlineOf(request, arrived)
    // Before a body that may be long in coming.
    if (yield* server.tasks.draining) return yield* Effect.flatMap(Drain.refusal(server.tasks), Effect.fail)
    const body = yield* JsonBody.read(request, server.bodyLimit, server.cors)
    const payload = yield* kind.codecs.decodePayload(body)
    const id = query.id ?? `${name}-${yield* randomName}`
    const labels = Array.from(new Set(query.label))
    yield* admitStart(visitor, { name, id, labels })
    const replace = query.replace === "true"
    const task = yield* start(server, kind, { id, payload, replace, labels, deadline, visitor })
    const links = linksOf(id)
    return HttpServerResponse.jsonUnsafe(
      { id, name, attempt: task.attempt, links },
      { status: 202, headers: { location: links.self } }
    )
  })

/** Most calls have none, and to parse a URL takes as long as all the rest of a small start. */
const queryOf = (
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<typeof StartQuery.Type, Problem.Problem, HttpServerRequest.ParsedSearchParams> =>
  request.url.includes("?") ? Effect.flatMap(HttpServerRequest.ParsedSearchParams, decodeQuery) : Effect.succeed({})

interface Asked {
  readonly id: string
  readonly payload: unknown
  readonly replace: boolean
  readonly labels: ReadonlyArray<string>
  /** Epoch milliseconds. */
  readonly deadline: number
  readonly visitor: Visitor
}

const start = (
  server: Server,
  kind: Kind,
  { deadline, id, labels, payload, replace, visitor }: Asked
): Effect.Effect<Task.Task<unknown, unknown>, Problem.Problem> => {
  const { maxTimeLimit, tasks } = server
  const { cancel: overdue, onShutdown, timeLimit = server.timeLimit } = kind.definition
  return Effect.gen(function* () {
    const encoded = yield* kind.codecs.payload(payload)
    yield* claim(server, visitor, id, replace)
    const recording = yield* Effect.withFiber((fiber) =>
      Effect.succeed(new Recording(kind.definition, fiber.currentDispatcher, server.hooks))
    )
    const trace = new TaskTrace()
    const body = trace.during(kind, id, taskBody(kind, id, payload, recording.said))
    const left = deadline - (yield* Clock.currentTimeMillis)
    const options = { record: recording.record, onShutdown, timeLimit, maxTimeLimit, deadline: left, overdue }
    const starting = replace
      ? Effect.map(tasks.start(id, body, options), (task) => ({ task, started: true }))
      : tasks.startIfMissing(id, body, options)
    const { task, started } = yield* withContext(starting, yield* withParentOf(server.context))
    if (!started) return yield* Effect.andThen(claim(server, visitor, id, replace), taken(server, id))
    const served = {
      task,
      kind,
      payload: encoded,
      owner: visitor.id,
      labels,
      log: recording.log(task.attempt),
      said: recording.said,
      trace,
      followers: 0,
      departures: 0
    }
    server.served.set(task, served)
    watch(server.watchers, served)
    return task
  }).pipe(
    Effect.catchTags({
      // Whose it is, is asked again: it may have been started since.
      AlreadyRunning: ({ state }) =>
        Effect.andThen(claim(server, visitor, id, replace), Effect.fail(alreadyRunning(id, state))),
      TooManyTasks: ({ message }) =>
        Effect.fail(new Problem.Problem({ code: "too-many-tasks", detail: message, headers: { "retry-after": "1" } })),
      Draining: () => Effect.flatMap(Drain.refusal(tasks), Effect.fail)
    }),
    // Else a client that leaves at this moment could leave a task that nobody can find.
    // oxlint-disable-next-line rescind/no-bare-uninterruptible -- a few synchronous steps, no wait: no shield is needed
    Effect.uninterruptible
  )
}

/** The instant by which the caller needs the task: its time runs while its body is read and while it is found out who it is. */
const deadlineOf = (
  request: HttpServerRequest.HttpServerRequest,
  arrived: number
): Effect.Effect<number, Problem.Problem> =>
  Effect.map(
    RequestDeadline.read(request),
    Option.match({ onNone: () => Infinity, onSome: (budget) => arrived + Duration.toMillis(budget) })
  )

/** In place of the services of the request: the task outlives it. */
const withContext = <A, E>(self: Effect.Effect<A, E>, context: Context.Context<never>): Effect.Effect<A, E> =>
  Effect.updateContext<never, never>(() => context)(self)

const unknownName = (name: string, known: ReadonlyArray<string>): Problem.Problem =>
  new Problem.Problem({
    code: "unknown-name",
    detail: `No task "${name}" is defined; there are ${known.map((name) => `"${name}"`).join(", ")}`,
    extension: { known }
  })

/** The id is held by a task that runs or that has ended. */
const taken = (server: Server, id: string): Effect.Effect<never, Problem.Problem> =>
  Effect.flatMap(server.tasks.info(id), (info) => {
    const state = info._tag === "Some" ? info.value.state : "completed"
    return Effect.fail(
      state === "completed" || state === "failed" || state === "cancelled"
        ? new Problem.Problem({
            code: "already-ended",
            detail: `The task "${id}" has ended (${state}); choose another id, or say replace=true`,
            extension: { state }
          })
        : alreadyRunning(id, state)
    )
  })

const alreadyRunning = (id: string, state: string): Problem.Problem =>
  new Problem.Problem({
    code: "already-running",
    detail: `The task "${id}" is ${state}; cancel and await it, or choose another id`,
    extension: { state }
  })

const letters = "0123456789abcdefghijklmnopqrstuvwxyz"

/** 62 bits: enough that no two tasks of a server meet. */
const randomName: Effect.Effect<string> = Effect.map(
  Effect.replicateEffect(Random.nextIntBetween(0, letters.length - 1), 12),
  (digits) => digits.map((digit) => letters[digit]!).join("")
)
