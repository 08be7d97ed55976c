/** `GET /tasks`, `GET /tasks/{id}` and `GET /tree`. */
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as TaskTree from "../../fibers/TaskTree.ts"
import * as Problem from "../Problem.ts"
import { ListQuery, TaskList, TreeView } from "../TaskApi.ts"
import * as TaskView from "../TaskView.ts"
import { authorize, enter, inspect } from "./authorize.ts"
import { select } from "./selecting.ts"
import { type Handler, pathParam } from "./served.ts"
import { taskNotFound } from "./taskNotFound.ts"

const decodeQuery = Problem.decode(Schema.toCodecArrayFromSingle(ListQuery), "query")
const encodeList = Schema.encodeSync(Schema.toCodecJson(TaskList))
const encodeView = Schema.encodeSync(Schema.toCodecJson(TaskView.TaskView))
const encodeTree = Schema.encodeSync(Schema.toCodecJson(TreeView))

export const listRoute: Handler = Effect.fnUntraced(function* (server, request) {
  const visitor = yield* enter(server, request)
  const query = yield* Effect.flatMap(HttpServerRequest.ParsedSearchParams, decodeQuery)
  const tasks: Array<TaskView.TaskView> = []
  const { label: labels, ...others } = query
  for (const { found } of yield* select(server, visitor, labels === undefined ? others : { ...others, labels })) {
    if (found !== undefined) tasks.push(yield* TaskView.of(found.info, found.served))
  }
  return HttpServerResponse.jsonUnsafe(encodeList({ tasks }))
})

export const oneRoute: Handler = Effect.fnUntraced(function* (server, request, fiber) {
  const id = pathParam(fiber, "id")
  const { served } = yield* authorize(server, request, "read", id)
  const info = yield* server.tasks.info(id)
  if (Option.isNone(info)) return yield* Effect.fail(taskNotFound(id))
  return HttpServerResponse.jsonUnsafe(encodeView(yield* TaskView.of(info.value, served)))
})

export const treeRoute: Handler = (server, request) =>
  Effect.map(Effect.andThen(inspect(server, request), TaskTree.snapshot), (snapshot) =>
    request.headers["accept"]?.includes("text/plain")
      ? HttpServerResponse.text(`${TaskTree.toText(snapshot)}\n`)
      : HttpServerResponse.jsonUnsafe(encodeTree(snapshot))
  )
