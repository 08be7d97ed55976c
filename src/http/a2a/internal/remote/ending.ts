/** How a task has ended, as whoever asked for it is told: an answer, or an error. */
import { TaskState } from "@a2a-js/sdk"
import type * as A2A from "@a2a-js/sdk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as CancelReason from "../../../../fibers/CancelReason.ts"
import { How } from "../../../../fibers/TaskOutcome.ts"
import { textOf } from "../../Content.ts"
import { AgentCancelled, AgentFailed, AgentRejected } from "../../RemoteAgentError.ts"
import type { Answer, Question } from "../../RemoteCall.ts"
import type { TaskView } from "./taskView.ts"

/** Of one that has ended. */
export const endOf = (
  agent: string,
  view: TaskView
): Effect.Effect<Answer, AgentFailed | AgentRejected | AgentCancelled> => {
  const task = view.now
  if (view.message !== undefined || task === undefined) {
    const parts = view.message?.parts ?? []
    return Effect.succeed({ text: textOf(parts), parts })
  }
  const state = task.status?.state
  if (state === TaskState.TASK_STATE_FAILED) return Effect.fail(new AgentFailed({ agent, task }))
  if (state === TaskState.TASK_STATE_REJECTED) return Effect.fail(new AgentRejected({ agent, task }))
  if (state === TaskState.TASK_STATE_CANCELED)
    return Effect.fail(new AgentCancelled({ agent, task, ...cancelOf(task) }))
  const published = task.artifacts.flatMap(({ parts }) => parts)
  const parts = task.artifacts.length > 0 ? published : saidBy(task)
  return Effect.succeed({ text: textOf(parts), parts, task })
}

export const questionOf = (task: A2A.Task): Question => {
  const parts = saidBy(task)
  return { text: textOf(parts), parts, auth: task.status?.state === TaskState.TASK_STATE_AUTH_REQUIRED, task }
}

const saidBy = ({ status }: A2A.Task): ReadonlyArray<A2A.Part> => status?.message?.parts ?? []

const decodeReason = Schema.decodeUnknownOption(CancelReason.Wire)
const decodeHow = Schema.decodeUnknownOption(How)

/** What an agent of Rescind says under `rescind`; of another only the text of the status is known. */
const cancelOf = (task: A2A.Task): { readonly reason: CancelReason.CancelReason; readonly how?: How } => {
  const said = (task.metadata?.rescind ?? task.status?.message?.metadata?.rescind) as
    | Readonly<Record<string, unknown>>
    | undefined
  const at = Date.parse(task.status?.timestamp ?? "") || 0
  const stated =
    said !== null && typeof said === "object"
      ? decodeReason({ at: new Date(at).toISOString(), ...said, scope: task.id })
      : Option.none()
  const text = textOf(saidBy(task))
  const reason = Option.getOrElse(stated, () =>
    CancelReason.stamp(CancelReason.interrupt({ message: text === "" ? "It did not say why" : text }), task.id, at)
  )
  const how = decodeHow(said?.how)
  return { reason, ...(Option.isSome(how) ? { how: how.value } : {}) }
}
