/**
 * A member that stands for a task from outside (contract K28): it waits for the
 * task, and only where that is asked for passes its own cancel on to it.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { atOnce, type CancelPolicy, immediate } from "../../fibers/CancelPolicy.ts"
import * as CancelReason from "../../fibers/CancelReason.ts"
import { cancelOn } from "../../fibers/internal/cancelAs.ts"
import { cancel } from "../../fibers/internal/cancelling.ts"
import { CurrentNode } from "../../fibers/internal/currentNode.ts"
import type { ScopeNode } from "../../fibers/internal/scopeNode.ts"
import type { TaskNode } from "../../fibers/internal/taskNode.ts"
import { TaskRecord } from "../../fibers/internal/taskRecord.ts"
import { TaskCancelled } from "../../fibers/TaskCancelled.ts"

/** Whose end a member tells of: that of the task it stands for, else its own. */
export const subjectOf = (member: TaskNode): TaskNode => member.record?.standsFor ?? member

/**
 * What a member that stands for `task` runs. It cancels the task with it where
 * `cancelToo` says so, and where the member itself was addressed: by a limit of
 * its own, which is a limit on the task.
 */
export const awaitTask = (task: TaskNode, policy: CancelPolicy, cancelToo: boolean): Effect.Effect<any, any> =>
  Effect.withFiber((fiber) =>
    Effect.callback<any, any>((resume) => {
      const withdraw = task.onClosed(() => resume(exitOf(task)))
      return Effect.suspend(() => {
        withdraw()
        const member = fiber.getRef(CurrentNode)
        if (!cancelToo && member.mark?.target !== member) return Effect.void
        const reason = member.readable ?? CancelReason.interrupt()
        return cancelOn(fiber, task, { reason, ...atOnce(policy) }, true)
      })
    })
  )

const exitOf = (task: TaskNode): Exit.Exit<any, any> => {
  if (task.verdict !== "cancelled") return task.exit!
  return Exit.failCause(Cause.fail(new TaskCancelled({ task: task.name, reason: task.mark!.reason })))
}

/** Links a member to its task. A group that asks its members to stop in their grace asks the task as well. */
export const standFor = (
  member: TaskNode,
  task: TaskNode,
  group: ScopeNode,
  policy: CancelPolicy,
  cancelToo: boolean
): TaskNode => {
  const record = TaskRecord.of(member)
  record.standsFor = task
  if (cancelToo && policy !== immediate) {
    record.onRequest((reason) => {
      if (member.mark!.target === group && !task.gone) cancel(task, reason, policy, member.context)
    })
  }
  return member
}
