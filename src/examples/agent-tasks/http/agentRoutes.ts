/** The routes for agents: one for each call of `AgentTasks`. */
import * as Effect from "effect/Effect"
import type * as HttpRouter from "effect/http/HttpRouter"
import * as Option from "effect/Option"
import * as Problem from "../../../http/Problem.ts"
import { CancelResult } from "../../../fibers/CancelResult.ts"
import * as Schema from "effect/Schema"
import { TaskView } from "../AgentTask.ts"
import { AgentTasks } from "../AgentTasks.ts"
import * as Api from "./api.ts"
import { answer, body, caller, pathParam, route } from "./handler.ts"

const encodeResult = Schema.encodeSync(Schema.toCodecJson(CancelResult))

const notFound = (id: string): Problem.Problem =>
  new Problem.Problem({
    code: "task-not-found",
    detail: `There is no task "${id}"`,
    extension: { instance: `/tasks/${id}`, result: encodeResult({ _tag: "NotFound", id }) }
  })

export const agentRoutes: ReadonlyArray<HttpRouter.Route<never, AgentTasks | HttpRouter.Provided>> = [
  route("POST", "/tasks", (request) =>
    Effect.gen(function* () {
      const { tasks } = yield* body(request, Api.Submit)
      const views = yield* (yield* AgentTasks).submit(yield* caller(request), tasks)
      return answer(Api.Views, 202)({ tasks: views })
    })
  ),
  route("GET", "/tasks", (request) =>
    Effect.gen(function* () {
      return answer(Api.Views)({ tasks: yield* (yield* AgentTasks).list(yield* caller(request)) })
    })
  ),
  route("GET", "/tasks/:id", (request) =>
    Effect.gen(function* () {
      const [view] = yield* (yield* AgentTasks).results(yield* caller(request), [yield* pathParam("id")])
      return answer(TaskView)(view!)
    })
  ),
  route("GET", "/tasks/:id/events", (request) =>
    Effect.gen(function* () {
      const events = yield* (yield* AgentTasks).events(yield* caller(request), yield* pathParam("id"))
      return answer(Api.Events)({ events })
    })
  ),
  route("POST", "/tasks/:id/cancel", (request) =>
    Effect.gen(function* () {
      const call = yield* body(request, Api.Cancel)
      const id = yield* pathParam("id")
      const result = yield* (yield* AgentTasks).cancelTask(yield* caller(request), id, call)
      if (result._tag === "NotFound") return yield* Effect.fail(notFound(id))
      return answer(Api.Cancelled, result._tag === "Requested" ? 202 : 200)(result)
    })
  ),
  route("POST", "/cancels", (request) =>
    Effect.gen(function* () {
      const { ids, order, ...call } = yield* body(request, Api.CancelMany)
      const results = yield* (yield* AgentTasks).cancelMany(yield* caller(request), ids, call, order)
      return answer(Api.CancelledMany)({ results })
    })
  ),
  route("POST", "/results", (request) =>
    Effect.gen(function* () {
      const { ids } = yield* body(request, Api.Ids)
      return answer(Api.Views)({ tasks: yield* (yield* AgentTasks).results(yield* caller(request), ids) })
    })
  ),
  route("POST", "/waits", (request) =>
    Effect.gen(function* () {
      const { ids, mode, withinMillis = 20_000 } = yield* body(request, Api.Wait)
      const agents = yield* AgentTasks
      const name = yield* caller(request)
      const met = yield* Effect.timeoutOption(agents.wait(name, ids, mode), withinMillis)
      if (Option.isSome(met)) return answer(Api.Waited)({ met: true, tasks: met.value })
      return answer(Api.Waited)({ met: false, tasks: yield* agents.results(name, ids) })
    })
  )
]
