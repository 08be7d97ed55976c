/** `POST /tasks/{name}`. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import { companion } from "../../fibers/internal/companion.ts"
import { steady } from "../../fibers/internal/steady.ts"
import type * as Task from "../../fibers/Task.ts"
import type * as Tasks from "../../fibers/Tasks.ts"
import * as Drain from "../Drain.ts"
import * as JsonBody from "../JsonBody.ts"
import * as Problem from "../Problem.ts"
import * as RequestDeadline from "../RequestDeadline.ts"
import type { Visitor } from "../TaskAccess.ts"
import { StartQuery } from "../TaskApi.ts"
import { admitStart, claim, enter } from "./authorize.ts"
import { type Handler, type Kind, linksOf, pathParam, type Server } from "./served.ts"
import { Served } from "./servedTask.ts"
import { taskBody } from "./taskBody.ts"
import { withParentOf } from "./taskTrace.ts"

const decodeQuery = Problem.decode(Schema.toCodecArrayFromSingle(StartQuery), "query")

export const startRoute: Handler = Effect.fnUntraced(function* (server, request, fiber) {
  const arrived = steady(fiber.getRef(Clock.Clock))
  const visitor = yield* enter(server, request)
  const name = pathParam(fiber, "name")
  const kind = server.kinds.get(name)
  if (kind === undefined) return yield* Effect.fail(unknownName(name, Array.from(server.kinds.keys())))
  const query = yield* queryOf(request, fiber)
  const deadline = yield* deadlineOf(request, arrived)
  // Before a body that may be long in coming.
  if (yield* server.tasks.draining) return yield* Effect.flatMap(Drain.refusal(server.tasks), Effect.fail)
  const body = yield* JsonBody.read(request, server.bodyLimit, server.cors)
  const payload = yield* kind.codecs.decodePayload(body)
  const id = query.id ?? `${name}-${randomName(fiber.getRef(Random.Random))}`
  const labels = query.label === undefined ? none : Array.from(new Set(query.label))
  yield* admitStart(visitor, { name, id, labels })
  const replace = query.replace === "true"
  const encoded = yield* kind.codecs.payload(payload)
  const task = yield* start(server, { kind, id, payload, encoded, replace, labels, deadline, visitor })
  const links = linksOf(id)
  return HttpServerResponse.jsonUnsafe(
    { id, name, attempt: task.attempt, links },
    { status: 202, headers: { location: links.self } }
  )
})

const none: ReadonlyArray<never> = []

/** Most calls have none, and to decode it takes as long as all the rest of a small start. */
const queryOf = (
  request: HttpServerRequest.HttpServerRequest,
  { context }: Fiber.Fiber<unknown, unknown>
): Effect.Effect<typeof StartQuery.Type, Problem.Problem> =>
  request.url.includes("?")
    ? decodeQuery(
        Context.get(
          context as Context.Context<HttpServerRequest.ParsedSearchParams>,
          HttpServerRequest.ParsedSearchParams
        )
      )
    : Effect.succeed({})

interface Asked {
  readonly kind: Kind
  readonly id: string
  readonly payload: unknown
  readonly encoded: Schema.Json
  readonly replace: boolean
  readonly labels: ReadonlyArray<string>
  /** Epoch milliseconds; undefined if the caller names none. */
  readonly deadline: number | undefined
  readonly visitor: Visitor
}

const start = (server: Server, asked: Asked): Effect.Effect<Task.Task<unknown, unknown>, Problem.Problem> =>
  Effect.withFiber<Task.Task<unknown, unknown>, Problem.Problem>((fiber) => {
    const { deadline, encoded, id, kind, labels, payload, replace, visitor } = asked
    const { maxTimeLimit, tasks } = server
    const { cancel: overdue, onShutdown, timeLimit = server.timeLimit } = kind.definition
    const services = withParentOf(server.context, fiber)
    const served = new Served(server, { kind, payload: encoded, owner: visitor.id, labels, services })
    const { recording, trace } = served
    const body = trace.during(kind, id, taskBody(kind, id, payload, recording.said))
    const left = deadline === undefined ? undefined : Math.ceil(deadline - steady(fiber.getRef(Clock.Clock)))
    const limits = { timeLimit, maxTimeLimit, deadline: left, overdue }
    const options = { ...limits, record: recording.record, onShutdown, [companion]: served }
    const starting = replace
      ? Effect.andThen(
          claim(server, visitor, id, replace),
          Effect.map(tasks.start(id, body, options), (task) => ({ task, started: true }))
        )
      : tasks.startIfMissing(id, body, options)
    return Effect.matchEffect(starting, {
      onFailure: (refused) => refusal(server, asked, refused),
      onSuccess: ({ started, task }) =>
        started ? Effect.succeed(task) : Effect.andThen(claim(server, visitor, id, replace), taken(server, id))
    })
  })

const refusal = (
  server: Server,
  { id, replace, visitor }: Asked,
  refused: Tasks.AlreadyRunning | Tasks.TooManyTasks | Tasks.Draining | Problem.Problem
): Effect.Effect<never, Problem.Problem> => {
  switch (refused._tag) {
    case "AlreadyRunning":
      // Whose it is, is asked again: it may have been started since.
      return Effect.andThen(claim(server, visitor, id, replace), Effect.fail(alreadyRunning(id, refused.state)))
    case "TooManyTasks":
      return Effect.fail(
        new Problem.Problem({
          code: "too-many-tasks",
          detail: refused.message,
          headers: { "retry-after": "1" }
        })
      )
    case "Draining":
      return Effect.flatMap(Drain.refusal(server.tasks), Effect.fail)
    case "Problem":
      return Effect.fail(refused)
  }
}

/** The steady instant by which the caller needs the task: its time runs while its body is read and while it is found out who it is. */
const deadlineOf = (
  request: HttpServerRequest.HttpServerRequest,
  arrived: number
): Effect.Effect<number | undefined, Problem.Problem> =>
  Effect.mapEager(RequestDeadline.read(request), (budget) =>
    Option.isNone(budget) ? undefined : arrived + Duration.toMillis(budget.value)
  )

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

/** 62 bits: enough that no two tasks of a server meet. */
const randomName = (random: typeof Random.Random.Service): string => sixLetters(random) + sixLetters(random)

const sixLetters = (random: typeof Random.Random.Service): string =>
  Math.floor(random.nextDoubleUnsafe() * 36 ** 6)
    .toString(36)
    .padStart(6, "0")
