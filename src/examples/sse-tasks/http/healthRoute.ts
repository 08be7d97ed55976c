/** `GET /health`: 200 as long as the server answers at all, with what there is to count. */
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { Handler } from "./route.ts"

export const healthRoute: Handler = ({ site }) =>
  Effect.gen(function* () {
    return HttpServerResponse.jsonUnsafe({
      status: "OK",
      draining: yield* site.coordinator.draining,
      streams: yield* site.streams.count,
      tasks: yield* site.store.count
    })
  })

/** `GET /models`: what can be created. */
export const modelsRoute: Handler = ({ site }) =>
  Effect.succeed(
    HttpServerResponse.jsonUnsafe({
      models: site.coordinator.models.map(({ app, description, model }) => ({ app, model, description }))
    })
  )
