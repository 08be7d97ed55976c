/**
 * What a supervisor does about an attempt that has ended. One fiber decides, one
 * end after another; attempts, clean-up and back-offs go on side by side. A
 * request to stop is looked at before every restart, and wakes every back-off:
 * cancel wins.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Pull from "effect/Pull"
import * as Schedule from "effect/Schedule"
import * as CancelPolicy from "../CancelPolicy.ts"
import * as CancelReason from "../CancelReason.ts"
import { RestartLimitReached } from "../RestartLimitReached.ts"
import type { Restart, Strategy } from "../Supervisor.ts"
import { cancel, interruptBelow } from "./cancelling.ts"
import { outcomeOf } from "./outcome.ts"
import { steady, whole } from "./steady.ts"
import type { Step, SupervisedChild } from "./supervisedChild.ts"
import type { SupervisorNode } from "./supervisorNode.ts"
import type { TaskNode } from "./taskNode.ts"
import { together } from "./trampoline.ts"

export interface Rules {
  readonly strategy: Strategy
  readonly restarts: number
  readonly within: number
  readonly stableAfter: number
  readonly backoff: Schedule.Schedule<unknown, Cause.Cause<any>, never, any> | undefined
  readonly onRestart: ((restart: Restart<any>) => Effect.Effect<unknown, never, any>) | undefined
}

export class Supervision {
  private readonly node: SupervisorNode
  private readonly children: ReadonlyArray<SupervisedChild>
  private readonly rules: Rules
  private readonly fiber: Fiber.Fiber<any, any>
  /** When restarts were made within the window: steady instants. */
  private recent: Array<number> = []

  constructor(
    node: SupervisorNode,
    children: ReadonlyArray<SupervisedChild>,
    rules: Rules,
    fiber: Fiber.Fiber<any, any>
  ) {
    this.node = node
    this.children = children
    this.rules = rules
    this.fiber = fiber
  }

  private get now(): number {
    return steady(this.node.clock)
  }

  /** Until every child has ended for good. */
  get run(): Effect.Effect<void, any, any> {
    return Effect.onExit(
      Effect.andThen(
        Effect.sync(() => this.startAll()),
        this.loop
      ),
      (exit) => Effect.sync(() => this.finish(exit))
    )
  }

  private startAll(): void {
    for (const child of this.children) child.dueAt = this.now
  }

  private readonly loop: Effect.Effect<void, any, any> = Effect.suspend(() => {
    const { node } = this
    const task = node.ended.shift()
    if (task !== undefined) return Effect.andThen(this.attemptEnded(task), this.loop)
    // Asked to stop: children still start for the first time (contract K5), but none again.
    const asked = node.mark !== undefined
    let next = Infinity
    for (const child of this.children) {
      if (child.dueAt === undefined) continue
      if (asked && child.attempt > 0) this.stop(child)
      else if (child.dueAt <= this.now) this.start(child)
      else next = Math.min(next, child.dueAt)
    }
    if (node.ended.length > 0) return this.loop
    if (this.children.every((child) => child.ended))
      return this.children.some((child) => child.stopped) ? this.leave : Effect.void
    const news = node.news(asked)
    return Effect.andThen(next === Infinity ? news : Effect.timeoutOption(news, next - this.now), this.loop)
  })

  private start(child: SupervisedChild): void {
    child.dueAt = undefined
    child.restartedBy = undefined
    child.task = this.node.attempt(child.name, ++child.attempt, child.effect, this.fiber)
  }

  private stop(child: SupervisedChild): void {
    child.dueAt = undefined
    child.stopped = true
  }

  /** Nothing is left to do in the grace: it ends here. */
  private readonly leave: Effect.Effect<void> = Effect.suspend(() => {
    interruptBelow(this.node, this.fiber.id)
    return Effect.yieldNow
  })

  private attemptEnded(task: TaskNode): Effect.Effect<void, any, any> {
    const child = this.children.find((child) => child.task === task)!
    if (child.judge(task, this.node.mark) === "ended" || task.verdict === "cancelled") return Effect.void
    const exit = task.exit as Exit.Exit<unknown, unknown>
    const failed = exit._tag === "Failure"
    const cause: Cause.Cause<unknown> = failed ? exit.cause : Cause.empty
    if (failed && child.shouldRestart?.(cause) === false) return this.giveUp(child, Effect.failCause(cause))
    if (this.node.mark !== undefined) {
      if (failed) this.report(task)
      this.stop(child)
      return Effect.void
    }
    return this.restart(child, task, cause)
  }

  private restart(child: SupervisedChild, task: TaskNode, cause: Cause.Cause<unknown>): Effect.Effect<void, any, any> {
    const { rules } = this
    const at = this.now
    this.recent = this.recent.filter((earlier) => at - earlier < rules.within)
    const limit = (kind: "intensity" | "backoff", restarts: number) =>
      this.giveUp(child, Effect.fail(new RestartLimitReached({ child: child.name, limit: kind, restarts, cause })))
    if (this.recent.length >= rules.restarts) return limit("intensity", this.recent.length)
    if (task.endedAt - task.startedAt >= rules.stableAfter) child.step = undefined
    return Effect.flatMap(this.delay(child, cause), (delay) => {
      if (delay === undefined) return limit("backoff", child.attempt - 1)
      if (rules.restarts !== Infinity) this.recent.push(at)
      const { attempt, name } = child
      const { cleanupFailures } = outcomeOf(task)
      const restart: Restart<any> = { child: name, attempt, cause, cleanupFailures, delay }
      const affected = this.affectedBy(child)
      this.halt(child, affected)
      const dueAt = whole(at + Duration.toMillis(delay))
      return Effect.andThen(
        rules.onRestart === undefined ? warning(restart) : rules.onRestart(restart),
        // A turn at least, in which others run and a cancel is felt.
        Effect.andThen(
          Effect.yieldNow,
          Effect.map(this.halted(affected), () => {
            for (const again of [child, ...affected])
              if (!again.ended) again.dueAt = Math.max(again.dueAt ?? dueAt, dueAt)
          })
        )
      )
    })
  }

  private delay(
    child: SupervisedChild,
    cause: Cause.Cause<unknown>
  ): Effect.Effect<Duration.Duration | undefined, never, any> {
    const { backoff } = this.rules
    if (backoff === undefined) return Effect.succeed(Duration.zero)
    const step: Effect.Effect<Step, never, any> =
      child.step === undefined ? Schedule.toStep(backoff) : Effect.succeed(child.step)
    return Effect.flatMap(step, (step) => {
      child.step = step
      return Pull.catchDone(
        Effect.map(
          step(this.node.clock.currentTimeMillisUnsafe(), cause),
          ([, delay]): Duration.Duration | undefined => delay
        ),
        () => Effect.succeed(undefined)
      )
    })
  }

  private affectedBy(child: SupervisedChild): ReadonlyArray<SupervisedChild> {
    if (this.rules.strategy === "one-for-one") return []
    const from = this.rules.strategy === "one-for-all" ? 0 : this.children.indexOf(child)
    return this.children.filter((other, index) => index >= from && other !== child && !other.ended)
  }

  /** Ends the attempts that restart with `child`, told all at once. */
  private halt(child: SupervisedChild, affected: ReadonlyArray<SupervisedChild>): void {
    const reason = CancelReason.siblingFailed({ by: child.name, message: "It restarts together with a sibling" })
    together(() => {
      for (const other of affected) {
        if (!other.running) continue
        const request = cancel(other.task!, reason, CancelPolicy.immediate, this.node.context)
        if (other.task!.mark === request) other.restartedBy = request
      }
    })
  }

  /** Waits for them, and takes their ends off the news. */
  private halted(affected: ReadonlyArray<SupervisedChild>): Effect.Effect<void> {
    return Effect.map(Effect.forEach(affected, closed, { discard: true }), () => {
      const { ended } = this.node
      for (const child of affected) {
        const index = ended.indexOf(child.task!)
        if (index < 0) continue
        const task = ended.splice(index, 1)[0]!
        // It failed before it heard: one restart serves both.
        if (child.judge(task, this.node.mark) === "again" && task.verdict === "failed") this.report(task)
      }
    })
  }

  /** A failure that nobody else will tell. */
  private report(task: TaskNode): void {
    const { cause } = task.exit as Exit.Failure<unknown, unknown>
    this.node.cleanupFailed(task.name, cause, this.node.context)
  }

  private giveUp(child: SupervisedChild, failure: Effect.Effect<never, any>): Effect.Effect<never, any> {
    const reason = CancelReason.siblingFailed({ by: child.name })
    return Effect.suspend(() => {
      together(() => {
        for (const other of this.children) {
          if (other.running) cancel(other.task!, reason, CancelPolicy.immediate, this.node.context)
        }
      })
      return failure
    })
  }

  private finish(exit: Exit.Exit<unknown, unknown>): void {
    this.node.finish()
    if (exit._tag === "Success") return
    for (const { name, outcome } of this.children) {
      if (outcome?._tag === "Completed") this.node.salvage(name, outcome.value)
    }
  }
}

const closed = ({ task }: SupervisedChild): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    const withdraw = task!.onClosed(() => resume(Effect.void))
    return Effect.sync(withdraw)
  })

const warning = ({ attempt, cause, child, delay }: Restart<any>): Effect.Effect<void> =>
  Effect.logWarning(
    `"${child}" ended (attempt ${attempt}) and restarts in ${Duration.toMillis(delay)} ms`,
    ...(cause.reasons.length === 0 ? [] : [cause])
  )
