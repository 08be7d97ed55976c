/** Cancel and replace. */
import * as Effect from "effect/Effect"
import * as CancelReason from "../../../fibers/CancelReason.ts"
import type { CancelResult } from "../../../fibers/CancelResult.ts"
import type * as TaskDefinition from "../../../http/TaskDefinition.ts"
import type { AgentTasksError } from "../agentTaskErrors.ts"
import { AgentContext, type ScheduleOptions } from "../context/AgentContext.ts"
import type { CancelOptions, TaskHandle } from "../context/TaskHandle.ts"

/**
 * Cancels a task (`superseded`), waits until its work has really stopped, and schedules another in its place: a new
 * attempt with an id of its own, also if the input is the same. If the old one had already ended, `old` says how, and
 * the replacement is scheduled all the same.
 */
export const cancelAndReplace = <D extends TaskDefinition.Any>(
  handle: TaskHandle<unknown>,
  definition: D,
  input: D["payload"]["Type"],
  options?: Pick<CancelOptions, "grace" | "giveUp"> & ScheduleOptions
): Effect.Effect<
  { readonly old: CancelResult; readonly replacement: TaskHandle<D["success"]["Type"]> },
  AgentTasksError,
  AgentContext
> =>
  Effect.gen(function* () {
    const { giveUp, grace, ...how } = options ?? {}
    const { name, schedule } = yield* AgentContext
    const old = yield* handle.cancel({ grace, giveUp, reason: CancelReason.superseded({ by: name }) })
    const replacement = yield* schedule(definition, input, {
      ...how,
      // A task that was never sent is nothing that the server could know of.
      ...(old._tag === "NotFound" ? {} : { replaces: handle })
    })
    return { old, replacement }
  })
