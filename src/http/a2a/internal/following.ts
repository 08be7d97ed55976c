/** Counts a client that follows a task, for an agent that stops when the last one has left. */
import type { ServerCallContext } from "@a2a-js/sdk/server"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as CancelReason from "../../../fibers/CancelReason.ts"
import * as Task from "../../../fibers/Task.ts"
import { follow } from "../../internal/followers.ts"
import type { Agent } from "../Agent.ts"
import type { AgentTask } from "./agentTask.ts"
import { ownerOf } from "./caller.ts"

/** `scope` is that of the engine: the client is gone, and its request with it. */
export const following = (
  { cancel, linger }: Agent<never>,
  visible: AgentTask,
  call: ServerCallContext,
  scope: Scope.Scope
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.suspend(() => {
    const task = visible.running!
    const by = ownerOf(call)
    const reason = CancelReason.disconnect(by === "" ? {} : { by })
    const stop = Effect.suspend(() =>
      // It is the protocol that ends an answer, or a stream, at a question: whoever was asked has not left.
      linger === undefined && visible.question !== undefined
        ? Effect.void
        : Effect.asVoid(Task.requestCancel(task, { ...cancel, reason }))
    )
    return follow(visible, { task, linger, stop, scope })
  })
