/** The routes that answer with records: create, list, look at, cancel, retry, continue, give more time. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Schema from "effect/Schema"
import * as Problem from "../../../http/Problem.ts"
import { Status, type TaskRecord } from "../store/TaskRecord.ts"
import * as TaskKey from "../TaskKey.ts"
import { body, type Handler, keyInPath, subjectOf, taskInPath } from "./route.ts"

const pathsOf = (record: TaskRecord) => {
  const path = TaskKey.toPath(record)
  return { stream: `/stream/${path}`, status: `/status/${path}`, cancel: `/cancel/${path}` }
}

const withPaths = (record: TaskRecord) => ({ ...record, links: pathsOf(record) })

export const recordJson = (record: TaskRecord, status = 200): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.jsonUnsafe(withPaths(record), { status, headers: { "cache-control": "no-store" } })

const Create = Schema.Struct({
  app: TaskKey.Name,
  model: TaskKey.Name,
  params: Schema.optionalKey(Schema.Json),
  max_run_seconds: Schema.optionalKey(Schema.Finite.check(Schema.isBetween({ minimum: 0.001, maximum: 86_400 })))
})

export const createRoute: Handler = (call) =>
  Effect.gen(function* () {
    const { app, max_run_seconds, model, params = {} } = yield* body(call, Create)
    const draft = { app, model, params, maxRunSeconds: max_run_seconds, owner: call.visitor.id }
    const record = yield* call.site.coordinator.create(draft)
    return HttpServerResponse.setHeader(recordJson(record, 201), "location", pathsOf(record).status)
  })

const ListQuery = Schema.Struct({
  app: Schema.optionalKey(TaskKey.Name),
  model: Schema.optionalKey(TaskKey.Name),
  status: Schema.optionalKey(Status)
})
const decodeQuery = Problem.decode(ListQuery, "query")

export const listRoute: Handler = ({ site, visitor }) =>
  Effect.gen(function* () {
    const filter = yield* Effect.flatMap(HttpServerRequest.ParsedSearchParams, decodeQuery)
    const records = yield* site.coordinator.list({
      ...filter,
      only: (record) => visitor.may("read", subjectOf(record))
    })
    return HttpServerResponse.jsonUnsafe({ tasks: records.map(withPaths) })
  })

export const statusRoute: Handler = (call) => Effect.map(taskInPath(call, "read"), ({ record }) => recordJson(record))

const Cancel = Schema.Struct({
  reason: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(1000))),
  wait: Schema.optionalKey(Schema.Boolean)
})

/** `{ cancelled, status, detail }`: at once, or with `wait` once the task has ended. */
export const cancelRoute: Handler = (call) =>
  Effect.gen(function* () {
    const key = yield* keyInPath
    const asked = yield* body(call, Cancel)
    // Also of a task that is not there: the coordinator logs it.
    const found = yield* Effect.option(call.site.coordinator.find(key))
    if (found._tag === "Some") yield* taskInPath(call, "cancel")
    const answer = yield* call.site.coordinator.cancel(key, { ...asked, by: call.visitor.id })
    return HttpServerResponse.jsonUnsafe(answer)
  }).pipe(
    Effect.catchTag("NoSuchTask", ({ message }) =>
      Effect.fail(
        new Problem.Problem({
          code: "task-not-found",
          detail: message,
          extension: { result: { cancelled: false, detail: message } }
        })
      )
    )
  )

export const retryRoute: Handler = (call) =>
  Effect.gen(function* () {
    const { key } = yield* taskInPath(call, "start")
    yield* body(call, Schema.Struct({}))
    return recordJson((yield* call.site.coordinator.retry(key)).record, 202)
  })

export const continueRoute: Handler = (call) =>
  Effect.gen(function* () {
    const { key } = yield* taskInPath(call, "start")
    yield* body(call, Schema.Struct({}))
    return recordJson(yield* call.site.coordinator.letContinue(key))
  })

const Extend = Schema.Struct({ seconds: Schema.Finite.check(Schema.isBetween({ minimum: 0.001, maximum: 86_400 })) })

export const extendRoute: Handler = (call) =>
  Effect.gen(function* () {
    const { key } = yield* taskInPath(call, "start")
    const { seconds } = yield* body(call, Extend)
    const extended = yield* call.site.coordinator.extend(key, Duration.seconds(seconds))
    return HttpServerResponse.jsonUnsafe({ extended })
  })
