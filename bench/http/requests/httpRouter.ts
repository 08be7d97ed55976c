/** Routes of Effect's `HttpRouter` that decode, fork and answer by hand, with the schemas that Rescind has. */
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { CancelResult } from "../../../src/fibers/index.ts"
import { CancelCall, TaskApi } from "../../../src/http/index.ts"
import type { RequestServer } from "../Contestant.ts"
import { cancel, type Fibers, Payload, serveFibers, start } from "./fibers.ts"

const readPayload = HttpServerRequest.schemaBodyJson(Payload)
const readCall = HttpServerRequest.schemaBodyJson(CancelCall.CancelCall)
const readQuery = HttpServerRequest.schemaSearchParams(TaskApi.StartQuery)
const answerStarted = HttpServerResponse.schemaJson(TaskApi.StartedTask)
const answerResult = HttpServerResponse.schemaJson(Schema.toCodecJson(CancelResult.CancelResult))

const routes = (fibers: Fibers) =>
  Layer.mergeAll(
    HttpRouter.add(
      "POST",
      "/tasks/wait",
      Effect.gen(function* () {
        yield* readQuery
        yield* readPayload
        const started = yield* start(fibers)
        return yield* answerStarted(started, { status: 202, headers: { location: started.links.self } })
      })
    ),
    HttpRouter.add(
      "POST",
      "/tasks/:id/cancel",
      Effect.gen(function* () {
        const { id } = yield* HttpRouter.params
        const result = yield* cancel(fibers, id!, yield* readCall)
        return Option.isNone(result) ? HttpServerResponse.empty({ status: 404 }) : yield* answerResult(result.value)
      })
    )
  )

export const httpRouter = (): Promise<RequestServer> => serveFibers(routes)
