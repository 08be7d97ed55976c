/**
 * The contract of a task server as an `HttpApi`: one operation per definition,
 * with its payload, and those that all tasks share. OpenAPI, the documentation
 * page and the typed client (`HttpApiClient.make(TaskApi.make(definitions))`)
 * come from it; it needs no implementation.
 *
 * @since 0.1.0
 */
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { CancelResult } from "../fibers/CancelResult.ts"
import * as TaskTree from "../fibers/TaskTree.ts"
import { BulkCancel, BulkCancelResults } from "./BulkCancel.ts"
import { CancelCall } from "./CancelCall.ts"
import * as Health from "./Health.ts"
import * as Problem from "./Problem.ts"
import { secured } from "./internal/secured.ts"
import * as RequestDeadline from "./RequestDeadline.ts"
import type { Security } from "./TaskAccess.ts"
import type { Any } from "./TaskDefinition.ts"
import { Labels } from "./TaskLabel.ts"
import * as TaskView from "./TaskView.ts"
import { WireEvent } from "./WireEvent.ts"

// As long as a path parameter may be by the default of Effect's router; the flag lets OpenAPI show the pattern.
// Not "." or "..", which clients take out of a path.
const idPattern = /^(?!\.{1,2}$)[A-Za-z0-9._:-]{1,100}$/u

/**
 * @category schemas
 * @since 0.1.0
 */
export const StartQuery = Schema.Struct({
  /** Default: the name and a random part. */
  id: Schema.optionalKey(
    Schema.String.check(Schema.isPattern(idPattern, { expected: '1 to 100 letters, digits, ".", "_", ":" or "-"' }))
  ),
  /** Whether an ended task of this id may be replaced by a new attempt. */
  replace: Schema.optionalKey(Schema.Literals(["true", "false"])),
  /** Repeatable. */
  label: Schema.optionalKey(Labels)
})

/**
 * How many milliseconds the caller still has: the task is cancelled when they are over.
 *
 * @category schemas
 * @since 0.1.0
 */
export const StartHeaders = Schema.Struct({ [RequestDeadline.header]: Schema.optionalKey(Schema.String) })

/**
 * @category schemas
 * @since 0.1.0
 */
export const ListQuery = Schema.Struct({
  state: Schema.optionalKey(TaskView.State),
  name: Schema.optionalKey(Schema.String),
  /** Repeatable: those that have all of them. */
  label: Schema.optionalKey(Labels)
})

/**
 * The answer to a start.
 *
 * @category schemas
 * @since 0.1.0
 */
export const StartedTask = Schema.Struct({
  id: Schema.String,
  name: Schema.String,
  attempt: Schema.Int,
  links: TaskView.Links
}).annotate({ identifier: "StartedTask" })

/**
 * @category schemas
 * @since 0.1.0
 */
export const TaskList = Schema.Struct({ tasks: Schema.Array(TaskView.TaskView) })

/**
 * @category schemas
 * @since 0.1.0
 */
export const TreeView = Schema.Struct({ tree: TaskTree.Wire, stragglers: Schema.Array(TaskTree.Wire) })

/** One schema a status, so that OpenAPI has one component for each. */
const problems = new Map(
  [400, 401, 403, 404, 409, 413, 415, 421, 429, 503].map((status) => [
    status,
    Problem.Document.annotate({ identifier: `Problem${status}` }).pipe(
      HttpApiSchema.status(status),
      HttpApiSchema.asJson({ contentType: Problem.contentType })
    )
  ])
)

const problem = (...statuses: ReadonlyArray<number>) => statuses.map((status) => problems.get(status)!)

const start = <const Definition extends Any>(definition: Definition) => {
  const endpoint = HttpApiEndpoint.post(definition.name as Definition["name"], `/tasks/${definition.name}`, {
    query: StartQuery,
    headers: StartHeaders,
    payload: definition.payload as Definition["payload"],
    success: StartedTask.pipe(HttpApiSchema.status(202)),
    error: problem(400, 401, 403, 409, 413, 415, 421, 429, 503)
  })
  return endpoint.annotateMerge(
    OpenApi.annotations({ summary: `Start ${definition.name}`, ...describe(definition.description) })
  )
}

const describe = (description: string | undefined) => (description === undefined ? {} : { description })

const tasks = HttpApiGroup.make("tasks").add(
  HttpApiEndpoint.get("list", "/tasks", {
    query: ListQuery,
    success: TaskList,
    error: problem(400, 401, 421)
  }).annotate(OpenApi.Summary, "All tasks, oldest first"),
  HttpApiEndpoint.get("get", "/tasks/:id", {
    params: { id: Schema.String },
    success: TaskView.TaskView,
    error: problem(401, 404, 421)
  }).annotate(OpenApi.Summary, "One task, and how it ended"),
  HttpApiEndpoint.post("cancel", "/tasks/:id/cancel", {
    params: { id: Schema.String },
    headers: { prefer: Schema.optionalKey(Schema.String) },
    payload: CancelCall,
    success: [CancelResult, CancelResult.cases.Requested.pipe(HttpApiSchema.status(202))],
    error: problem(400, 401, 403, 404, 413, 415, 421)
  }).annotate(OpenApi.Summary, "Cancel a task and wait until it has ended"),
  HttpApiEndpoint.post("cancelMany", "/cancel", {
    headers: { prefer: Schema.optionalKey(Schema.String) },
    payload: BulkCancel,
    success: [BulkCancelResults, BulkCancelResults.pipe(HttpApiSchema.status(202))],
    error: problem(400, 401, 403, 413, 415, 421)
  }).annotate(OpenApi.Summary, "Cancel many tasks at once and wait until all have ended"),
  HttpApiEndpoint.get("events", "/tasks/:id/events", {
    params: { id: Schema.String },
    headers: { "last-event-id": Schema.optionalKey(Schema.String) },
    success: [HttpApiSchema.StreamSse({ events: WireEvent }), HttpApiSchema.NoContent],
    error: problem(401, 403, 404, 421, 429)
  }).annotate(OpenApi.Summary, "Follow a task to its end"),
  HttpApiEndpoint.get("tree", "/tree", { success: TreeView, error: problem(401, 403, 421) }).annotate(
    OpenApi.Summary,
    "What runs now, and what was told to stop and has not ended"
  )
)

const server = HttpApiGroup.make("server").add(
  HttpApiEndpoint.get("health", "/health", { success: Health.HealthView }).annotate(
    OpenApi.Summary,
    "Whether the process lives, and what it has to do"
  ),
  HttpApiEndpoint.get("ready", "/ready", { success: Health.Ready, error: problem(503) }).annotate(
    OpenApi.Summary,
    "Whether new work may be sent here: not while it drains"
  )
)

/**
 * Of the API, in its documentation.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly title?: string | undefined
  readonly version?: string | undefined
  /** How callers say who they are: what a server with a `TaskAccess` fills in. */
  readonly security?: Security | undefined
  /** Whether the server answers `/health` and `/ready`: without them there is no group `server`. Default: true. */
  readonly health?: boolean | undefined
}

const withoutProbes = <Definition extends Any>(
  definitions: ReadonlyArray<Definition>,
  options: Options | undefined
) => {
  const starts = definitions.map((definition) => start(definition)) as Array<StartEndpoint<Definition>>
  return HttpApi.make("rescind")
    .add(HttpApiGroup.make("start").add(...(starts as [StartEndpoint<Definition>])), tasks)
    .annotateMerge(
      OpenApi.annotations({
        title: options?.title ?? "Tasks",
        version: options?.version ?? "1.0.0",
        ...(options?.security === undefined ? {} : { transform: secured(options.security) })
      })
    )
}

const withProbes = <Definition extends Any>(definitions: ReadonlyArray<Definition>, options: Options | undefined) =>
  withoutProbes(definitions, options).add(server)

type StartEndpoint<Definition> = Definition extends Any ? ReturnType<typeof start<Definition>> : never

/**
 * The contract of the tasks that are defined by `Definition`: in its group
 * `start` one endpoint by the name of each, in its group `tasks` what all of them
 * share, in its group `server` what a supervisor asks, unless `Health` is false.
 *
 * @category models
 * @since 0.1.0
 */
export type TaskApi<Definition extends Any, Health extends boolean | undefined = true> = Health extends false
  ? ReturnType<typeof withoutProbes<Definition>>
  : ReturnType<typeof withProbes<Definition>>

/**
 * @category constructors
 * @since 0.1.0
 */
export const make = <Definition extends Any, const Health extends boolean | undefined = true>(
  definitions: ReadonlyArray<Definition>,
  options?: Options & { readonly health?: Health }
): TaskApi<Definition, Health> =>
  (options?.health === false ? withoutProbes : withProbes)(definitions, options) as TaskApi<Definition, Health>
