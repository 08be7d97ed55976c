/** `POST /tasks/{id}/cancel`. */
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Schema from "effect/Schema"
import { CancelResult } from "../../fibers/CancelResult.ts"
import * as Task from "../../fibers/Task.ts"
import { CancelCall } from "../CancelCall.ts"
import * as JsonBody from "../JsonBody.ts"
import * as Problem from "../Problem.ts"
import { admit, enter, reasonOf } from "./authorize.ts"
import { cancelOptions } from "./cancelOptions.ts"
import { preferenceApplied, prefersAsync } from "./prefersAsync.ts"
import { type Handler, pathParam } from "./served.ts"
import { taskNotFound } from "./taskNotFound.ts"
import { cancelSpan } from "./taskTrace.ts"

const decodeCall = Problem.decode(CancelCall, "body")
const encodeResult = Schema.encodeSync(Schema.toCodecJson(CancelResult))

export const cancelRoute: Handler = Effect.fnUntraced(function* (server, request, fiber) {
  const id = pathParam(fiber, "id")
  const visitor = yield* enter(server, request)
  const body = yield* JsonBody.read(request, server.bodyLimit, server.cors)
  const call = yield* decodeCall(body)
  const reason = yield* reasonOf(visitor, call.reason)
  const served = yield* Effect.catchIf(
    admit(server, visitor, "cancel", id),
    ({ code }) => code === "task-not-found",
    () => notFound(id)
  )
  const { kind, task } = served
  const options = cancelOptions(call, reason, kind.definition)
  const preferred = prefersAsync(request)
  const result = yield* cancelSpan(
    served,
    preferred || call.wait === false ? Task.requestCancel(task, options) : Task.cancel(task, options)
  )
  // The log of the task has those that changed something.
  if (result._tag.startsWith("Already")) yield* Effect.logInfo(`Cancel of "${id}": ${result._tag}`)
  return HttpServerResponse.jsonUnsafe(encodeResult(result), {
    status: result._tag === "Requested" ? 202 : 200,
    headers: preferred ? preferenceApplied : {}
  })
})

const notFound = (id: string): Effect.Effect<never, Problem.Problem> =>
  Effect.andThen(
    Effect.logWarning(`Cancel of ${JSON.stringify(id)}: there is no such task`),
    Effect.fail(taskNotFound(id, { result: encodeResult({ _tag: "NotFound", id }) }))
  )
