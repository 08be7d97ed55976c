/** Refusals as problem documents, and back: what one side fails with the other side fails with. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { TaskNotFound, TooManyTasks } from "../../../fibers/Tasks.ts"
import * as Problem from "../../../http/Problem.ts"
import {
  type AgentTasksError,
  Forbidden,
  InvalidArgument,
  UnexpectedAnswer,
  Unreachable,
  WrongState
} from "../agentTaskErrors.ts"
import { Status } from "../table/status.ts"

const at = (id: string): { readonly instance: string } => ({ instance: `/tasks/${id}` })

export const problemOf = (error: AgentTasksError): Problem.Problem => {
  const detail = error.message
  switch (error._tag) {
    case "InvalidArgument":
      return new Problem.Problem({
        code: "invalid-request",
        detail,
        extension: { errors: [{ in: "path", field: error.field, message: detail }] }
      })
    case "TaskNotFound":
      return new Problem.Problem({ code: "task-not-found", detail, extension: at(error.id) })
    case "Forbidden":
      return new Problem.Problem({ code: "forbidden", detail, extension: at(error.id) })
    case "WrongState":
      return new Problem.Problem({
        code: "wrong-state",
        detail,
        extension: { ...at(error.id), state: error.status }
      })
    case "TooManyTasks":
      return new Problem.Problem({ code: "too-many-tasks", detail, headers: { "retry-after": "1" } })
    case "Unreachable":
    case "UnexpectedAnswer":
      return new Problem.Problem({ code: "internal", detail: "The server failed; its log says why" })
  }
}

const decodeDocument = Schema.decodeUnknownEffect(Problem.Document)
const isStatus = Schema.is(Status)

/** What an answer that is not the expected one stands for. */
export const errorOf = (
  url: string,
  caller: string,
  status: number,
  body: unknown
): Effect.Effect<never, AgentTasksError> =>
  decodeDocument(body).pipe(
    Effect.mapError(() =>
      // A server that is being stopped, or a proxy in front of one that is not there.
      status >= 502 && status <= 504
        ? new Unreachable({ url, message: `The task server at ${url} is not available: it answered ${status}` })
        : new UnexpectedAnswer({ url, status, message: `${url} answered ${status}, which is not of a task server` })
    ),
    Effect.flatMap((document) => Effect.fail(refusalOf(url, caller, document)))
  )

const refusalOf = (url: string, caller: string, document: typeof Problem.Document.Type): AgentTasksError => {
  const { detail: message, errors, instance = "", state, status } = document
  const id = instance.slice("/tasks/".length)
  const code = document.type.slice("urn:rescind:problem:".length)
  if (code === "invalid-request") return new InvalidArgument({ field: errors?.[0]?.field ?? "", message })
  if (code === "task-not-found") return new TaskNotFound({ id })
  if (code === "forbidden") return new Forbidden({ id, caller })
  if (code === "wrong-state" && isStatus(state)) return new WrongState({ id, status: state, message })
  if (code === "too-many-tasks") return new TooManyTasks({ maxRunning: Number.parseInt(message, 10) || 0 })
  if (code === "draining") return new Unreachable({ url, message })
  return new UnexpectedAnswer({ url, status, message: `${url} answered ${status}: ${message}` })
}
