/**
 * One run of a poll. The pauses are those of `Effect.retry`, capped so that the
 * last check begins at the deadline itself. What `Effect.retry` cannot do is to
 * stop a check that hangs: for that the checks of a poll with a deadline run in a
 * nursery, which a timer beside them cancels.
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as CancelReason from "../CancelReason.ts"
import * as Nursery from "../Nursery.ts"
import { PollTimedOut } from "../PollTimedOut.ts"
import { ScopeCancelled } from "../ScopeCancelled.ts"
import { steady, whole } from "./steady.ts"

/** The condition has not come true yet. */
const notYet = { _tag: "NotYet" } as const

export interface PollPlan {
  readonly pauses: Schedule.Schedule<unknown>
  readonly within: number
  readonly lastCheck: number
  readonly retryFailures: boolean
  readonly message: string | undefined
}

export class Polling {
  private checks = 0
  /** When the check that is under way began. */
  private checking: number | undefined = undefined
  private failure: Option.Option<unknown> = Option.none()
  private overdue = false
  private readonly condition: Effect.Effect<unknown, unknown>
  private readonly plan: PollPlan
  private readonly clock: Clock.Clock
  private readonly startedAt: number
  private readonly deadline: number

  constructor(condition: Effect.Effect<unknown, unknown>, plan: PollPlan, clock: Clock.Clock) {
    this.condition = condition
    this.plan = plan
    this.clock = clock
    this.startedAt = this.now
    this.deadline = whole(this.startedAt + plan.within)
  }

  private get now(): number {
    return steady(this.clock)
  }

  private get waited(): Duration.Duration {
    return Duration.millis(Math.round(this.now - this.startedAt))
  }

  run(): Effect.Effect<unknown, unknown> {
    if (this.plan.within === Infinity) return Effect.catch(this.checked, (error) => this.ended(error))
    const body = (nursery: Nursery.Nursery) =>
      Effect.andThen(
        nursery.spawn("deadline", this.cutOff(nursery), { background: true }),
        // A failure that meets the cancel of the timer would count as one of clean-up.
        Effect.catch(this.checked, (error) => (error === notYet ? this.giveUp(nursery) : Effect.fail(error)))
      )
    return Effect.catch(Nursery.run("poll", body), (error) => this.ended(error))
  }

  /** Checks and pauses; fails with `notYet` at the end. */
  private get checked(): Effect.Effect<unknown, unknown> {
    const check = Effect.suspend(() => {
      this.checks++
      this.checking = this.now
      return Effect.matchEffect(this.condition, {
        onSuccess: (found) => this.found(found),
        onFailure: (error) => this.failed(error)
      })
    })
    return Effect.retry(check, {
      schedule: Schedule.modifyDelay(this.plan.pauses, ({ duration }) =>
        Effect.sync(() => Duration.min(duration, Duration.millis(Math.max(0, this.deadline - this.now))))
      ),
      while: (error) => error === notYet && this.now < this.deadline
    })
  }

  private found(found: unknown): Effect.Effect<unknown, unknown> {
    this.checking = undefined
    this.failure = Option.none()
    if (found === true) return Effect.void
    return Option.isOption(found) && Option.isSome(found) ? Effect.succeed(found.value) : Effect.fail(notYet)
  }

  private failed(error: unknown): Effect.Effect<never, unknown> {
    this.checking = undefined
    if (!this.plan.retryFailures) return Effect.fail(error)
    this.failure = Option.some(error)
    return Effect.fail(notYet)
  }

  /** Stops a check that is under way at the deadline and has had its time. */
  private cutOff(nursery: Nursery.Nursery): Effect.Effect<never> {
    return Effect.suspend(() => {
      const { now } = this
      const until =
        now < this.deadline
          ? this.deadline
          : Math.max(this.deadline, whole((this.checking ?? this.deadline) + this.plan.lastCheck))
      if (now < until) return Effect.andThen(Effect.sleep(until - now), this.cutOff(nursery))
      return this.giveUp(nursery)
    })
  }

  /** Ends the nursery, with whoever calls this in it. */
  private giveUp(nursery: Nursery.Nursery): Effect.Effect<never> {
    this.overdue = true
    const reason = CancelReason.timeout({ by: "poll", message: this.message })
    return Effect.andThen(nursery.cancel({ reason }), Effect.never)
  }

  private get message(): string {
    if (this.plan.message !== undefined) return this.plan.message
    const times = `${this.checks} ${this.checks === 1 ? "check" : "checks"}`
    const waited = Duration.format(this.waited)
    const why = this.now < this.deadline ? "the schedule has no further one" : "the deadline has passed"
    return `The condition did not come true in ${times} over ${waited}, and ${why}`
  }

  private ended(error: unknown): Effect.Effect<never, unknown> {
    if (error !== notYet && !(this.overdue && error instanceof ScopeCancelled)) return Effect.fail(error)
    const { checks, failure, message } = this
    return Effect.fail(new PollTimedOut({ message, checks, waited: this.waited, failure }))
  }
}
