/** `POST /cancel`. */
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Schema from "effect/Schema"
import type { CancelResult } from "../../fibers/CancelResult.ts"
import * as Task from "../../fibers/Task.ts"
import type { TaskInfo } from "../../fibers/Tasks.ts"
import { BulkCancel, BulkCancelResults } from "../BulkCancel.ts"
import * as JsonBody from "../JsonBody.ts"
import * as Problem from "../Problem.ts"
import type { Visitor } from "../TaskAccess.ts"
import { enter, may, reasonOf, refuse } from "./authorize.ts"
import { cancelOptions } from "./cancelOptions.ts"
import { preferenceApplied, prefersAsync } from "./prefersAsync.ts"
import { type Selected, select } from "./selecting.ts"
import type { Handler, Server } from "./served.ts"

const decodeCall = Problem.decode(BulkCancel, "body")
const encodeResults = Schema.encodeSync(Schema.toCodecJson(BulkCancelResults))

/** As many ids as a call may name, each as long as it may be. */
const bodyLimit = ByteSize.mebibytes(1)

export const bulkCancelRoute: Handler = Effect.fnUntraced(function* (server, request) {
  const visitor = yield* enter(server, request)
  const body = yield* JsonBody.read(request, ByteSize.max(server.bodyLimit, bodyLimit), server.cors)
  const call = yield* decodeCall(body)
  const reason = yield* reasonOf(visitor, call.reason)
  const selected = yield* cancellable(server, visitor, call)
  const preferred = prefersAsync(request)
  const tell = preferred || call.wait === false ? Task.requestCancelAll : Task.cancelAll
  const found = selected.flatMap(({ found }) => found ?? [])
  const answers = yield* tell(
    found.map(({ served }) => served.task),
    (_, index) => cancelOptions(call, reason, found[index]!.served.kind.definition)
  )
  const answer = answers[Symbol.iterator]()
  const results = selected.map(({ found, id }) => {
    const result: CancelResult = found === undefined ? { _tag: "NotFound", id } : answer.next().value!
    return { id, result }
  })
  yield* Effect.logInfo(`Cancel of ${selectorsOf(call)}: ${countsOf(results) || "no task"}`)
  return HttpServerResponse.jsonUnsafe(encodeResults({ results }), {
    status: results.some(({ result }) => result._tag === "Requested") ? 202 : 200,
    headers: preferred ? preferenceApplied : {}
  })
})

/**
 * What has ended is left out, unless somebody asks for it; so is what the visitor may only look at, unless it is named:
 * then nothing is cancelled at all.
 */
const cancellable = (
  server: Server,
  visitor: Visitor,
  call: BulkCancel
): Effect.Effect<ReadonlyArray<Selected>, Problem.Problem> => {
  const isForbidden = ({ found }: Selected) => found !== undefined && !may(visitor, "cancel", found.served)
  return Effect.flatMap(select(server, visitor, call), (selected) => {
    if (call.ids !== undefined) {
      const forbidden = selected.find(isForbidden)
      return forbidden === undefined ? Effect.succeed(selected) : refuse(visitor, "cancel", forbidden.id)
    }
    const ended = ({ found }: Selected) => call.state === undefined && !open.has(found!.info.state)
    return Effect.succeed(selected.filter((one) => !isForbidden(one) && !ended(one)))
  })
}

const open: ReadonlySet<TaskInfo["state"]> = new Set(["waiting", "running", "cancelling"])

/** `3 ids, name "fetch"`. */
const selectorsOf = ({ ids, labels, name, state }: BulkCancel): string =>
  [
    ...(ids === undefined ? [] : [`${ids.length} ids`]),
    ...(name === undefined ? [] : [`name ${JSON.stringify(name)}`]),
    ...(labels === undefined ? [] : [`labels ${labels.join(" ")}`]),
    ...(state === undefined ? [] : [`state ${state}`])
  ].join(", ") || "all"

/** `2 Cancelled, 1 NotFound`. */
const countsOf = (results: ReadonlyArray<{ readonly result: CancelResult }>): string => {
  const counts = new Map<string, number>()
  for (const { result } of results) counts.set(result._tag, (counts.get(result._tag) ?? 0) + 1)
  return Array.from(counts, ([tag, count]) => `${count} ${tag}`).join(", ")
}
