/**
 * `AgentTasks` over HTTP: the low-level client. An agent uses it through its context; a program that only wants to look
 * at or cancel a task uses it as it is: `(yield* AgentTasks).cancelTask("me", id)`.
 */
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type { CancelResult } from "../../../fibers/CancelResult.ts"
import { AgentTasks, type CancelCall } from "../AgentTasks.ts"
import * as Api from "./api.ts"
import { call, type Server } from "./call.ts"

const encodeCall = Schema.encodeUnknownSync(Schema.toCodecJson(Api.Cancel))

/** Nobody waits for a stop of which it is not known when it comes. */
const asLong = (how: CancelCall | undefined) => (how?.wait === false ? {} : { timeout: "Infinity" as const })

const service = (server: Server): AgentTasks["Service"] => ({
  submit: (caller, tasks) =>
    Effect.map(call(server, { path: "/tasks", caller, body: { tasks }, schema: Api.Views }), ({ tasks }) => tasks),
  results: (caller, ids) =>
    Effect.map(call(server, { path: "/results", caller, body: { ids }, schema: Api.Views }), ({ tasks }) => tasks),
  wait: (caller, ids, mode) =>
    call(server, { path: "/waits", caller, body: { ids, mode }, schema: Api.Waited, timeout: "40 seconds" }).pipe(
      Effect.repeat({ until: ({ met }) => met }),
      Effect.map(({ tasks }) => tasks)
    ),
  cancelTask: (caller, id, how) =>
    call(server, {
      path: `/tasks/${encodeURIComponent(id)}/cancel`,
      caller,
      body: encodeCall(how ?? {}),
      schema: Api.Cancelled,
      ...asLong(how)
    }).pipe(Effect.catchTag("TaskNotFound", () => Effect.succeed<CancelResult>({ _tag: "NotFound", id }))),
  cancelMany: (caller, ids, how, order) =>
    Effect.map(
      call(server, {
        path: "/cancels",
        caller,
        body: { ids, ...(encodeCall(how ?? {}) as object), ...(order === undefined ? {} : { order }) },
        schema: Api.CancelledMany,
        ...asLong(how)
      }),
      ({ results }) => results
    ),
  list: (caller) => Effect.map(call(server, { path: "/tasks", caller, schema: Api.Views }), ({ tasks }) => tasks),
  events: (caller, id) =>
    Effect.map(
      call(server, { path: `/tasks/${encodeURIComponent(id)}/events`, caller, schema: Api.Events }),
      ({ events }) => events
    )
})

/** `url` is that of the server, without a slash at the end. */
export const layer = (url: string): Layer.Layer<AgentTasks, never, HttpClient.HttpClient> =>
  Layer.effect(
    AgentTasks,
    Effect.map(HttpClient.HttpClient, (client) => service({ client, url }))
  )
