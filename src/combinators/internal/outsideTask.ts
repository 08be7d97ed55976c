/**
 * A member that stands for a task from outside (contract K28): its fiber only
 * waits for the task. Where losing is to cancel the task, the member's node passes
 * on what it is told, so that nothing depends on how far its fiber has come.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { atOnce, type CancelPolicy } from "../../fibers/CancelPolicy.ts"
import { cancel } from "../../fibers/internal/cancelling.ts"
import type { ScopeNode } from "../../fibers/internal/scopeNode.ts"
import type { TaskNode } from "../../fibers/internal/taskNode.ts"
import { TaskRecord } from "../../fibers/internal/taskRecord.ts"
import { afterClose, beginWait, wouldDeadlock } from "../../fibers/internal/waits.ts"
import { TaskCancelled } from "../../fibers/TaskCancelled.ts"

/** Whose end a member tells of: that of the task it stands for, else its own. */
export const subjectOf = (member: TaskNode): TaskNode => member.record?.standsFor ?? member

/** What the member of a task runs. */
export const awaitTask = (task: TaskNode): Effect.Effect<any, any> =>
  Effect.withFiber((fiber) =>
    Effect.callback<any, any>((resume) => Effect.sync(afterClose(fiber, task, () => resume(exitOf(task)))))
  )

const exitOf = (task: TaskNode): Exit.Exit<any, any> => {
  if (task.verdict !== "cancelled") return task.exit!
  return Exit.failCause(Cause.fail(new TaskCancelled({ task: task.name, reason: task.mark!.reason })))
}

/** The task is asked, but how long it may take is not known yet. */
const asked: CancelPolicy = { grace: Duration.infinity, giveUp: Duration.infinity }

/**
 * Links a member to its task. `cancelToo`: whatever stops the member stops the
 * task; otherwise only a limit on this very member does, since it is one on the
 * task.
 */
export const standFor = (member: TaskNode, task: TaskNode, policy: CancelPolicy, cancelToo: boolean): void => {
  const record = TaskRecord.of(member)
  record.standsFor = task
  record.onRequest((reason) => {
    if (!isPassedOn(member, cancelToo) || task.gone) return
    const own = member.mark!.target === member || member.mark!.target === member.up
    cancel(task, reason, own ? policy : asked, member.context)
  })
}

const isPassedOn = (member: TaskNode, cancelToo: boolean): boolean => cancelToo || member.mark?.target === member

/**
 * After the end of a member that was told to stop: interrupts its task, if that
 * is wanted, and calls back at the end of it. False if there is nothing to wait for.
 */
export const stopTask = (
  member: TaskNode,
  group: ScopeNode,
  policy: CancelPolicy,
  cancelToo: boolean,
  ended: () => void
): boolean => {
  const task = member.record?.standsFor
  if (task === undefined || task.gone || member.verdict !== "cancelled" || !isPassedOn(member, cancelToo)) return false
  cancel(task, member.mark!.reason, atOnce(policy), member.context)
  if (task.gone || group.isWithin(task) || wouldDeadlock(group, task)) return false
  const waited = beginWait(group, task)
  task.onClosed(() => {
    waited()
    ended()
  })
  return true
}
