/** The routes for workers: one for each call of `WorkerLink`. */
import * as Effect from "effect/Effect"
import type * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { WorkerLink } from "../WorkerLink.ts"
import { Notice } from "../workerMessages.ts"
import * as Api from "./api.ts"
import { answer, body, nameParam, route } from "./handler.ts"

const encodeNotice = Schema.encodeSync(Schema.fromJsonString(Schema.toCodecJson(Notice)))

/** No proxy may keep or delay a notice. */
const headers = { "cache-control": "no-store", "x-accel-buffering": "no" }

export const workerRoutes: ReadonlyArray<HttpRouter.Route<never, WorkerLink | HttpRouter.Provided>> = [
  route("GET", "/about", () => Effect.map(WorkerLink, ({ leaseMillis }) => answer(Api.About)({ leaseMillis }))),
  route("POST", "/workers/:name/claims", (request) =>
    Effect.gen(function* () {
      const { max } = yield* body(request, Api.Claim)
      const claimed = yield* Effect.timeoutOption(
        (yield* WorkerLink).claim(yield* nameParam("name"), max),
        "20 seconds"
      )
      return answer(Api.Claimed)({ assignments: Option.getOrElse(claimed, () => []) })
    })
  ),
  route("GET", "/workers/:name/notices", () =>
    Effect.gen(function* () {
      const notices = (yield* WorkerLink).notices(yield* nameParam("name"))
      const text = Stream.merge(
        Stream.map(Stream.orDie(notices), (notice) => `data: ${encodeNotice(notice)}\n\n`),
        // The first one also sends the head of the answer.
        Stream.as(Stream.tick("10 seconds"), ": ping\n\n"),
        { haltStrategy: "left" }
      )
      return HttpServerResponse.stream(Stream.encodeText(text), { headers, contentType: "text/event-stream" })
    })
  ),
  route("POST", "/workers/:name/heartbeats", (request) =>
    Effect.gen(function* () {
      const { runs } = yield* body(request, Api.Heartbeat)
      return answer(Api.Beaten)(yield* (yield* WorkerLink).heartbeat(yield* nameParam("name"), runs))
    })
  ),
  route("POST", "/workers/:name/reports", (request) =>
    Effect.gen(function* () {
      const report = yield* body(request, Api.Report)
      const receipt = yield* (yield* WorkerLink).report(yield* nameParam("name"), report)
      return answer(Api.Reported)({ receipt })
    })
  ),
  route("POST", "/workers/:name/goodbye", () =>
    Effect.gen(function* () {
      yield* (yield* WorkerLink).leave(yield* nameParam("name"))
      return answer(Api.Nothing)({})
    })
  )
]
