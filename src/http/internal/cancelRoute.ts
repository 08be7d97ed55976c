/** `POST /tasks/{id}/cancel`. */
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { CancelResult } from "../../fibers/CancelResult.ts"
import * as Task from "../../fibers/Task.ts"
import { CancelCall } from "../CancelCall.ts"
import * as JsonBody from "../JsonBody.ts"
import * as Problem from "../Problem.ts"
import { cancelOptions } from "./cancelOptions.ts"
import { preferenceApplied, prefersAsync } from "./prefersAsync.ts"
import { findServed, type Handler, pathParam } from "./served.ts"
import { taskNotFound } from "./taskNotFound.ts"
import { cancelSpan } from "./taskTrace.ts"

const decodeCall = Problem.decode(CancelCall, "body")
const encodeResult = Schema.encodeSync(Schema.toCodecJson(CancelResult))

export const cancelRoute: Handler = (server, request) =>
  Effect.gen(function* () {
    const id = yield* pathParam("id")
    const call = yield* Effect.flatMap(JsonBody.read(request, server.bodyLimit), decodeCall)
    const found = yield* findServed(server, id)
    if (Option.isNone(found)) {
      yield* Effect.logWarning(`Cancel of ${JSON.stringify(id)}: there is no such task`)
      const result = encodeResult({ _tag: "NotFound", id })
      return yield* Effect.fail(taskNotFound(id, { result }))
    }
    const { kind, task } = found.value
    const options = cancelOptions(call, kind.definition)
    const preferred = prefersAsync(request)
    const result = yield* cancelSpan(
      found.value,
      preferred || call.wait === false ? Task.requestCancel(task, options) : Task.cancel(task, options)
    )
    // The log of the task has those that changed something.
    if (result._tag.startsWith("Already")) yield* Effect.logInfo(`Cancel of "${id}": ${result._tag}`)
    return HttpServerResponse.jsonUnsafe(encodeResult(result), {
      status: result._tag === "Requested" ? 202 : 200,
      headers: preferred ? preferenceApplied : {}
    })
  })
