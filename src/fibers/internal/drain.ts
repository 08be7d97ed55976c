/**
 * Refuse new work, cancel at once those that were started to be, let the others
 * finish for a while, cancel what is left, and say how each task ended. The
 * second caller joins the first, and may only bring its bounds forward.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as CancelPolicy from "../CancelPolicy.ts"
import * as CancelReason from "../CancelReason.ts"
import type { DrainOptions, DrainReport } from "../Tasks.ts"
import { cancelEach } from "./cancelling.ts"
import { isInterruptible } from "./interruptible.ts"
import type { ScopeNode } from "./scopeNode.ts"
import { steady } from "./steady.ts"
import type { TaskNode } from "./taskNode.ts"
import { mustWait, whenClosed } from "./waits.ts"

/** An owner of tasks that can be asked to take no more. */
export interface Drainable extends ScopeNode {
  /** Set once a drain has begun. */
  draining: Effect.Effect<DrainReport> | undefined
  /** The steady instant by which everything has ended or was given up on; absent while there is no such bound. */
  drainsBy?: number
  /** Called when the last task has ended. */
  readonly onEmpty: Array<() => void>
}

export const drain = (
  tasks: Drainable,
  options: DrainOptions | undefined,
  source: "shutdown" | "scope-closed"
): Effect.Effect<DrainReport> =>
  Effect.suspend(() => {
    const reason = options?.reason ?? (source === "shutdown" ? CancelReason.shutdown() : CancelReason.scopeClosed())
    const { finish, policy } = boundsOf(options)
    const now = steady(tasks.clock)
    if (tasks.draining === undefined) {
      const draining = tasks.children() as ReadonlyArray<TaskNode>
      const report = reported(() => reportOf(draining, Math.round(steady(tasks.clock) - now)))
      // Who owns the tasks waits for all; others do not wait for a task that waits for them.
      const ended = Effect.forEach(draining, closed, { discard: true })
      tasks.draining = Effect.andThen(ended, report)
    }
    const by = now + Duration.toMillis(finish) + Duration.toMillis(policy.giveUp)
    if (by < (tasks.drainsBy ?? Infinity)) tasks.drainsBy = by
    const stop = (which: (task: TaskNode) => boolean) =>
      Effect.withFiber((fiber) =>
        Effect.sync(() => {
          const told = (tasks.children() as ReadonlyArray<TaskNode>).filter(which)
          cancelEach(told, reason, policy, fiber.context, fiber.id)
        })
      )
    const all = stop(() => true)
    const finishing = Effect.andThen(Effect.timeoutOption(empty(tasks), finish), all)
    // On a fiber of its own: a drainer that leaves does not call the drain off.
    const stopping = Duration.isZero(finish)
      ? all
      : Effect.andThen(
          stop(({ onShutdown }) => onShutdown === "cancel"),
          finishing
        )
    const drained = source === "scope-closed" ? Effect.andThen(empty(tasks), tasks.draining) : tasks.draining
    // oxlint-disable-next-line rescind/no-detached-fork -- it ends with the tasks that it stops
    return Effect.andThen(Effect.forkDetach(stopping, { startImmediately: true }), drained)
  })

/** Throws `InvalidDuration` on one that cannot be meant: best before there is anything to drain. */
export const boundsOf = (
  options: DrainOptions | undefined
): { readonly policy: CancelPolicy.CancelPolicy; readonly finish: Duration.Duration } => ({
  policy: CancelPolicy.make(options),
  finish: CancelPolicy.bound("finish", options?.finish ?? 0)
})

/** Waits for the end of one, unless it would wait for itself (contract K13). */
const closed = (task: TaskNode): Effect.Effect<void> =>
  task.gone
    ? Effect.void
    : Effect.withFiber((fiber) =>
        Effect.callback<void>((resume) => {
          const withdraw = whenClosed(fiber, [task], () => resume(Effect.void))
          return Effect.sync(withdraw)
        })
      )

const empty = (tasks: Drainable): Effect.Effect<void> =>
  Effect.withFiber((fiber) =>
    Effect.callback<void>((resume) => {
      if (tasks.live === 0) return resume(Effect.void)
      const end = isInterruptible(fiber) ? undefined : mustWait(fiber, tasks)
      const listener = () => {
        end?.()
        resume(Effect.void)
      }
      tasks.onEmpty.push(listener)
      return Effect.sync(() => {
        end?.()
        const index = tasks.onEmpty.indexOf(listener)
        if (index >= 0) tasks.onEmpty.splice(index, 1)
      })
    })
  )

/** The report, as every drainer gets it; what was cut off is logged for the first. */
const reported = (report: () => DrainReport): Effect.Effect<DrainReport> => {
  let told = false
  return Effect.suspend(() => {
    const { abandoned, took, ...ended } = report()
    const warn = !told && abandoned.length > 0
    told = true
    const result = Effect.succeed({ ...ended, abandoned, took })
    if (!warn) return result
    const message = `The drain ended by its timeout after ${Duration.format(took)}; still running, and left behind: ${abandoned.join(", ")}`
    return Effect.logWarning(message).pipe(
      Effect.annotateLogs({ abandoned, tookMillis: Duration.toMillis(took) }),
      Effect.andThen(result)
    )
  })
}

const reportOf = (tasks: ReadonlyArray<TaskNode>, took: number): DrainReport => {
  const named = (match: (task: TaskNode) => boolean) => tasks.filter(match).map((task) => task.name)
  return {
    completed: named((task) => task.verdict === "completed" && task.how !== "abandoned"),
    failed: named((task) => task.verdict === "failed" && task.how !== "abandoned"),
    cancelled: named((task) => task.verdict === "cancelled" && task.how !== "abandoned"),
    abandoned: named((task) => task.how === "abandoned"),
    took: Duration.millis(Math.max(0, took))
  }
}
