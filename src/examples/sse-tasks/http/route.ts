/** What all routes have in common: who asks, the key in the path, and a problem document for every refusal. */
import * as ByteSize from "effect/ByteSize"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Schema from "effect/Schema"
import type { Tasks } from "../../../fibers/Tasks.ts"
import * as Drain from "../../../http/Drain.ts"
import type { OpenStreams } from "../../../http/OpenStreams.ts"
import * as JsonBody from "../../../http/JsonBody.ts"
import * as Problem from "../../../http/Problem.ts"
import type { Action, Subject, TaskAccess, Visitor } from "../../../http/TaskAccess.ts"
import type { Found } from "../coordinator/Attempt.ts"
import type { Coordinator } from "../coordinator/Coordinator.ts"
import type { TaskRecord } from "../store/TaskRecord.ts"
import type { TaskStore } from "../store/TaskStore.ts"
import * as TaskKey from "../TaskKey.ts"
import { problemOf, type Refusal } from "./problems.ts"
import type { RequestRate } from "./RequestRate.ts"

/** What every route works with: taken where the routes are mounted, not from the request. */
export interface Site {
  readonly coordinator: Coordinator["Service"]
  readonly store: TaskStore["Service"]
  readonly tasks: Tasks["Service"]
  readonly streams: OpenStreams["Service"]
  readonly visitor: TaskAccess["visitor"]
  readonly rate: RequestRate
  readonly maxStreamsPerTask: number
}

export interface Call {
  readonly site: Site
  readonly request: HttpServerRequest.HttpServerRequest
  readonly visitor: Visitor
}

export type Handler = (
  call: Call
) => Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  Refusal,
  HttpRouter.RouteContext | HttpServerRequest.ParsedSearchParams | HttpRouter.Provided
>

/** A route for whoever may pass. */
export const route = (
  site: Site,
  method: "GET" | "POST",
  path: HttpRouter.PathInput,
  handler: Handler
): HttpRouter.Route<never, HttpRouter.Provided> =>
  HttpRouter.route(method, path, (request) =>
    Effect.gen(function* () {
      const visitor = yield* site.rate(request, site.visitor(request))
      return yield* handler({ site, request, visitor })
    }).pipe(
      Effect.catchTag("Draining", () => Effect.flatMap(Drain.refusal(site.tasks), Effect.fail)),
      Effect.catch((refusal) =>
        refusal._tag === "StoreFailed" ? Effect.die(refusal) : Effect.succeed(Problem.toResponse(problemOf(refusal)))
      ),
      Effect.catchCauseIf(Cause.hasDies, (cause) =>
        Effect.as(Effect.logError(`${request.method} ${request.url} failed`, cause), Problem.toResponse(internal))
      )
    )
  )

const internal = new Problem.Problem({ code: "internal", detail: "The server failed; its log says why" })

const isName = Schema.is(TaskKey.Name)
const isId = Schema.is(TaskKey.Id)

/** A name that no app or model could have is not found; a number that is none is a mistake of the caller. */
export const keyInPath: Effect.Effect<TaskKey.TaskKey, Problem.Problem, HttpRouter.RouteContext> = Effect.flatMap(
  HttpRouter.params,
  ({ app = "", id = "", model = "" }) => {
    if (!isName(app) || !isName(model)) {
      return Effect.fail(new Problem.Problem({ code: "task-not-found", detail: "There is no such app or model" }))
    }
    const number = /^\d{1,15}$/.test(id) ? Number(id) : Number.NaN
    if (isId(number)) return Effect.succeed(TaskKey.make(app, model, number))
    const message = "Expected the number of a task: 1 or more, digits only"
    const errors = [{ in: "path", field: "id", message }] as const
    return Effect.fail(
      new Problem.Problem({ code: "invalid-request", detail: `id: ${message}`, extension: { errors } })
    )
  }
)

/** The task in the path, if the visitor may do this to it: what one may not read is not there. */
export const taskInPath = (
  { site, visitor }: Call,
  action: Action
): Effect.Effect<Found & { readonly key: TaskKey.TaskKey }, Refusal, HttpRouter.RouteContext> =>
  Effect.gen(function* () {
    const key = yield* keyInPath
    const found = yield* site.coordinator.find(key)
    yield* allowed(visitor, action, found.record)
    return { ...found, key }
  })

const allowed = (visitor: Visitor, action: Action, record: TaskRecord): Effect.Effect<void, Problem.Problem> => {
  const name = TaskKey.toString(record)
  if (!visitor.may("read", subjectOf(record))) {
    return Effect.fail(new Problem.Problem({ code: "task-not-found", detail: `There is no task ${name}` }))
  }
  return visitor.may(action, subjectOf(record))
    ? Effect.void
    : Effect.fail(new Problem.Problem({ code: "forbidden", detail: `You may not do this to task ${name}` }))
}

/** The record as rules of access see it. */
export const subjectOf = (record: TaskRecord): Subject => ({
  name: record.model,
  id: TaskKey.toString(record),
  owner: record.owner,
  labels: []
})

const bodyLimit = ByteSize.kibibytes(64)

export const body = <A>({ request }: Call, schema: Schema.Codec<A, any>): Effect.Effect<A, Problem.Problem> =>
  Effect.flatMap(JsonBody.read(request, bodyLimit), Problem.decode(Schema.toCodecJson(schema), "body"))
