/** The answers that the coordinator's refusals stand for. */
import * as Problem from "../../../http/Problem.ts"
import type { Draining, TooManyTasks } from "../../../fibers/Tasks.ts"
import type { NoSuchModel, NoSuchTask, WrongState } from "../coordinator/coordinatorErrors.ts"
import type { StoreFailed } from "../store/TaskStore.ts"

type Worded = NoSuchModel | NoSuchTask | WrongState | TooManyTasks | Problem.Problem
export type Refusal = Worded | Draining | StoreFailed

export const problemOf = (refusal: Worded): Problem.Problem => {
  switch (refusal._tag) {
    case "Problem":
      return refusal
    case "NoSuchModel":
      return new Problem.Problem({
        code: "unknown-name",
        detail: refusal.message,
        extension: { known: refusal.known }
      })
    case "NoSuchTask":
      return new Problem.Problem({ code: "task-not-found", detail: refusal.message })
    case "WrongState":
      return new Problem.Problem({
        code: "wrong-state",
        detail: refusal.message,
        extension: { state: refusal.status }
      })
    case "TooManyTasks":
      return new Problem.Problem({ code: "too-many-tasks", detail: refusal.message, headers: { "retry-after": "1" } })
  }
}
