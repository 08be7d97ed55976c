/** What a caller may do to a task of its own; those of others it never sees, whatever the rule says. */
import type * as A2A from "@a2a-js/sdk"
import { type A2AError, TaskNotFoundError } from "@a2a-js/sdk/errors"
import * as Effect from "effect/Effect"
import type { Action } from "../../TaskAccess.ts"
import * as Problem from "../../Problem.ts"
import type { Asking } from "./operations.ts"
import { type Refusal, refusalOf } from "./refusal.ts"

export const permitted = (asking: Asking, action: Action, id: string): Effect.Effect<void, A2AError> => {
  if (action !== "start" && !may(asking, "read", id)) return Effect.fail(new TaskNotFoundError(`Task not found: ${id}`))
  return action === "read" || may(asking, action, id) ? Effect.void : Effect.fail(forbidden)
}

/** Those of a list that it may see. */
export const readable = (asking: Asking, tasks: ReadonlyArray<A2A.Task>): ReadonlyArray<A2A.Task> =>
  tasks.filter(({ id }) => may(asking, "read", id))

const may = ({ server, visitor }: Asking, action: Action, id: string): boolean =>
  visitor.may(action, { name: server.card.name, id, owner: visitor.id, labels: none })

const none: ReadonlyArray<string> = []

const forbidden: Refusal = /*#__PURE__*/ refusalOf(
  /*#__PURE__*/ new Problem.Problem({ code: "forbidden", detail: "You may not do this to tasks of this agent" })
)
