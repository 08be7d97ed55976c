/** The handle of one task, over the four things that its context can do with the id. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as CancelReason from "../../../fibers/CancelReason.ts"
import type { CancelResult } from "../../../fibers/CancelResult.ts"
import type * as TaskOutcome from "../../../fibers/TaskOutcome.ts"
import type * as TaskDefinition from "../../../http/TaskDefinition.ts"
import type { TaskId, TaskView } from "../AgentTask.ts"
import type { AgentTasksError } from "../agentTaskErrors.ts"
import { errorOf, outcomeOf, type TaskError, type TaskFailed } from "./taskErrors.ts"
import type { CancelOptions, RunOptions, TaskHandle } from "./TaskHandle.ts"

interface Remote {
  readonly ended: Effect.Effect<TaskView, AgentTasksError>
  readonly results: Effect.Effect<ReadonlyArray<TaskView>, AgentTasksError>
  readonly known: () => TaskView | undefined
  readonly cancel: (how?: CancelOptions) => Effect.Effect<CancelResult, AgentTasksError>
}

export const handleOf = <D extends TaskDefinition.Any>(
  definition: D,
  id: TaskId,
  priority: number,
  remote: Remote
): TaskHandle<D["success"]["Type"]> => {
  type A = D["success"]["Type"]
  // A value that its own schema does not allow cannot have been encoded by it.
  const decode = (value: Schema.Json): Effect.Effect<A> =>
    Effect.orDie(Schema.decodeUnknownEffect(Schema.toCodecJson(definition.success as TaskDefinition.AnyCodec))(value))

  const settled = Effect.flatMap(remote.ended, (view): Effect.Effect<TaskOutcome.TaskOutcome<A, TaskFailed>> => {
    const outcome = outcomeOf(view)
    if (outcome._tag === "Completed") return Effect.map(decode(outcome.value), (value) => ({ ...outcome, value }))
    return Effect.succeed(outcome as TaskOutcome.TaskOutcome<A, TaskFailed>)
  })

  const join = Effect.flatMap(remote.ended, (view): Effect.Effect<A, TaskError> => {
    const { outcome } = view
    return outcome?._tag === "Completed" ? decode(outcome.value) : Effect.fail(errorOf(view)!)
  })

  const pass = ({ onCancel, ...policy }: RunOptions): Effect.Effect<void> =>
    CancelReason.current.pipe(
      Effect.map(Option.getOrElse(() => CancelReason.interrupt())),
      Effect.flatMap((reason) => remote.cancel({ ...policy, reason })),
      Effect.tap((result) => Effect.sync(() => onCancel?.(result))),
      Effect.catch((error) => {
        onCancel?.(error)
        return Effect.logWarning(`The task "${id}" could not be cancelled: ${error.message}`)
      }),
      Effect.asVoid
    )

  return {
    id,
    kind: definition.name,
    priority,
    status: Effect.suspend(() => {
      const known = remote.known()
      return known === undefined ? Effect.map(remote.results, ([view]) => view!.status) : Effect.succeed(known.status)
    }),
    ended: remote.ended,
    await: settled,
    join,
    run: (options = {}) => Effect.onInterrupt(join, () => pass(options)),
    cancel: remote.cancel
  }
}
