/**
 * The same as an `HttpApi` with the schemas of Rescind's own contract: the baseline of the requests. It decodes as Effect
 * does by default, so it lets unknown fields pass and reads no deadline from the headers, which Rescind does not.
 */
import * as Effect from "effect/Effect"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { CancelResult } from "../../../src/fibers/index.ts"
import { CancelCall, TaskApi } from "../../../src/http/index.ts"
import type { RequestServer } from "../Contestant.ts"
import { cancel, type Fibers, Payload, serveFibers, start } from "./fibers.ts"

class NotFound extends Schema.TaggedError<NotFound>()("NotFound", { id: Schema.String }) {}

const api = HttpApi.make("waiting").add(
  HttpApiGroup.make("tasks").add(
    HttpApiEndpoint.post("start", "/tasks/wait", {
      query: TaskApi.StartQuery,
      payload: Payload,
      success: HttpApiSchema.WithHeaders(TaskApi.StartedTask.pipe(HttpApiSchema.status(202)), {
        location: Schema.String
      })
    }),
    HttpApiEndpoint.post("cancel", "/tasks/:id/cancel", {
      params: { id: Schema.String },
      payload: CancelCall.CancelCall,
      success: CancelResult.CancelResult,
      error: NotFound.pipe(HttpApiSchema.status(404))
    })
  )
)

const routes = (fibers: Fibers) =>
  HttpApiBuilder.layer(api).pipe(
    Layer.provide(
      HttpApiBuilder.group(api, "tasks", (handlers) =>
        handlers
          .handle("start", () =>
            Effect.map(start(fibers), (started) =>
              HttpApiSchema.withHeaders({ body: started, headers: { location: started.links.self } })
            )
          )
          .handle("cancel", ({ params: { id }, payload }) =>
            Effect.flatMap(cancel(fibers, id, payload), (result) =>
              Option.isNone(result) ? Effect.fail(new NotFound({ id })) : Effect.succeed(result.value)
            )
          )
      )
    )
  )

export const httpApi = (): Promise<RequestServer> => serveFibers(routes)
