/**
 * The limits of one task: three steady instants, of which the nearest is that of its
 * node (`ScopeNode.limit`), with one timer for all.
 */
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as CancelPolicy from "../CancelPolicy.ts"
import * as CancelReason from "../CancelReason.ts"
import type { TimeLimits } from "../TimeLimits.ts"
import { cancel } from "./cancelling.ts"
import { Limit } from "./limit.ts"
import { steady, whole } from "./steady.ts"
import type { TaskNode } from "./taskNode.ts"
import { TaskRecord } from "./taskRecord.ts"

export class TaskLimits {
  private readonly task: TaskNode
  private readonly policy: CancelPolicy.CancelPolicy
  private readonly context: Context.Context<never>
  private readonly limit: Limit
  private readonly from: number
  /** Never beyond `max`. */
  private own: number
  private readonly max: number
  private readonly deadline: number

  private constructor(task: TaskNode, { deadline, max, own, policy }: Plan, context: Context.Context<never>) {
    this.task = task
    this.policy = policy
    this.context = context
    this.from = steady(task.clock)
    this.max = this.from + max
    this.own = this.from + Math.min(own, max)
    this.deadline = this.from + deadline
    this.limit = new Limit(task, task.limit, context, () => this.passed(), this.at)
  }

  /** Before the task starts: one whose time is up never does. */
  static set(task: TaskNode, plan: Plan, context: Context.Context<never>): void {
    const limits = new TaskLimits(task, plan, context)
    if (limits.at === Infinity) return
    const { limit } = limits
    TaskRecord.of(task).limits = limits
    task.limit = limit
    task.onClosed(() => limit.stop())
    if (limits.at <= limits.from) limit.tell()
    else limit.moveTo(limits.at)
  }

  /** By the wall clock, to be told. */
  get wall(): number {
    return this.limit.wall
  }

  private get at(): number {
    return Math.min(this.own, this.deadline)
  }

  /** Moves the task's own limit later, as far as the maximum; false if that is nowhere, or too late. */
  extend(by: number): boolean {
    const own = Math.min(this.own + by, this.max)
    if (own === this.own && by > 0 && own !== Infinity) return false
    if (!this.limit.moveTo(Math.min(own, this.deadline))) return false
    this.own = own
    return true
  }

  private passed(): void {
    const { at, from } = this
    const by = at === this.deadline ? "deadline" : at === this.max ? "maximum time limit" : "time limit"
    const message =
      at > from
        ? `The ${by} of ${Duration.format(Duration.millis(whole(at - from)))} passed`
        : `The ${by} had passed before the task began`
    // Who has not begun has nothing to finish.
    const policy = Number.isNaN(this.task.startedAt) ? CancelPolicy.atOnce(this.policy) : this.policy
    cancel(this.task, CancelReason.timeout({ by, message }), policy, this.context)
  }
}

interface Plan {
  readonly own: number
  readonly max: number
  readonly deadline: number
  readonly policy: CancelPolicy.CancelPolicy
}

/** Throws `InvalidDuration` on one that cannot be meant; undefined where nothing is limited. */
export const planOf = (limits: TimeLimits | undefined): Plan | undefined => {
  if (limits === undefined) return undefined
  const { deadline, maxTimeLimit, overdue, timeLimit } = limits
  if (timeLimit === undefined && maxTimeLimit === undefined && deadline === undefined) return undefined
  return {
    own: millis("timeLimit", timeLimit),
    max: millis("maxTimeLimit", maxTimeLimit),
    deadline: millis("deadline", deadline),
    policy: CancelPolicy.make(overdue)
  }
}

const millis = (field: string, input: Duration.Input | undefined): number =>
  input === undefined ? Infinity : Duration.toMillis(CancelPolicy.limit(field, input))
