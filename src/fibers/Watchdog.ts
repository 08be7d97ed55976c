/**
 * Says which cancels hang: what was told to stop longer ago than a threshold and
 * has not ended is reported with who asked, why and since when, and where it
 * sits. Second, it can cancel tasks that run for too long. It sets a timer when
 * the first cancel (or task) comes and looks at the tree when that fires: while
 * nothing is being cancelled it does no work at all. It owns nothing in the tree
 * and ends with its scope.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as CancelPolicy from "./CancelPolicy.ts"
import { AgeLimit } from "./internal/ageLimit.ts"
import { Alarm } from "./internal/alarm.ts"
import { CurrentNode } from "./internal/currentNode.ts"
import { Lookout } from "./internal/lookout.ts"
import { observe } from "./internal/observers.ts"
import type { TaskNode } from "./internal/taskNode.ts"
import { validMillis } from "./internal/validDuration.ts"
import * as OverdueCancel from "./OverdueCancel.ts"
import { Stragglers } from "./Stragglers.ts"

/**
 * What a limit of age is told of a task.
 *
 * @category models
 * @since 0.1.0
 */
export interface AgingTask {
  readonly name: string
  readonly path: string
}

/**
 * @category models
 * @since 0.1.0
 */
export interface WatchdogOptions<R = never> {
  /** How long a cancel may take before it is reported. Default: 10 seconds. */
  readonly threshold?: Duration.Input | undefined
  /**
   * Told of what has become overdue, and again of each when it comes to hold up
   * one more cancel and whenever the age of its own has doubled. Default: one
   * warning in the log for all of them.
   */
  readonly onReport?:
    | ((overdue: ReadonlyArray<OverdueCancel.OverdueCancel>) => Effect.Effect<unknown, never, R>)
    | undefined
  /**
   * How long a task may run before it is cancelled with source `watchdog`;
   * infinite for one that may run as long as it likes. Default: nobody is
   * cancelled. A function must be pure and quick: it is asked often.
   */
  readonly maxAge?: Duration.Input | ((task: AgingTask) => Duration.Input) | undefined
  /** Which tasks have a maximum age: those of `Tasks` services (the default), or those of every nursery too. */
  readonly ages?: "services" | "all" | undefined
  /** How patiently a task that is too old is cancelled. Default: at once, without giving up. */
  readonly policy?: CancelPolicy.CancelPolicyInput | undefined
}

/**
 * For services that run work of others: an execution that has not ended after one
 * hour is stuck, and is cancelled.
 *
 * @category presets
 * @since 0.1.0
 */
export const executions: { readonly maxAge: Duration.Duration } = { maxAge: Duration.hours(1) }

/**
 * A running watchdog.
 *
 * @category services
 * @since 0.1.0
 */
export class Watchdog extends Context.Service<
  Watchdog,
  {
    /** Every cancel that is older than the threshold now, whether it was reported or not. */
    readonly overdue: Effect.Effect<ReadonlyArray<OverdueCancel.OverdueCancel>>
  }
>()("rescind/fibers/Watchdog") {}

/**
 * Watches the whole tree that the current fiber belongs to, and the stragglers,
 * until the scope closes. Outside of tests that is all of the process.
 *
 * **Details**
 *
 * A cancel is found when it reaches the threshold, to the millisecond; who comes
 * to hold it up later, when another has ended, is found within one more threshold.
 * A task that has reached its maximum age is cancelled in that millisecond.
 *
 * **Gotchas**
 *
 * A native interrupt without a reason of ours is known only once the task's fiber
 * has ended: clean-up that hangs on that very fiber is not seen. The default
 * report says nothing of grace that was asked for: a cancel with a grace longer
 * than the threshold is reported too, in state `grace`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <R = never>(
  options?: WatchdogOptions<R>
): Effect.Effect<Watchdog["Service"], never, Scope.Scope | R> =>
  Effect.gen(function* () {
    const threshold = millisOf("threshold", options?.threshold ?? "10 seconds")
    const limit = limitOf(options)
    const policy = CancelPolicy.make(options?.policy)
    const clock = yield* Clock.Clock
    const { root } = yield* CurrentNode
    // Its own work belongs to nobody in the tree.
    const context = Context.add((yield* Effect.context<R>()) as Context.Context<never>, CurrentNode, root)
    const report = (options?.onReport ?? warn) as (
      overdue: ReadonlyArray<OverdueCancel.OverdueCancel>
    ) => Effect.Effect<unknown>

    const lookout = new Lookout(root, yield* Stragglers, threshold, clock)
    const reports: Alarm = yield* alarm(clock, context, (now) => {
      const { news, next } = lookout.look(now)
      reports.wakeBy(next)
      return news.length === 0 ? Effect.void : Effect.suspend(() => report(news))
    })
    const limits = new AgeLimit(root, context, policy, limit ?? (() => Infinity), clock)
    const ages: Alarm = yield* alarm(clock, context, () => Effect.sync(() => ages.wakeBy(limits.enforce())))
    yield* observe(() => ({
      requested: (_, request) => reports.wakeBy(lookout.came(request)),
      ...(limit === undefined ? {} : { opened: (task) => ages.wakeBy(limits.dueOf(task)) })
    }))
    // What was there before.
    reports.wakeBy(0)
    if (limit !== undefined) ages.wakeBy(0)
    return Watchdog.of({ overdue: Effect.sync(() => lookout.overdue) })
  })

/**
 * @category layers
 * @since 0.1.0
 */
export const layer = <R = never>(options?: WatchdogOptions<R>): Layer.Layer<Watchdog, never, Exclude<R, Scope.Scope>> =>
  Layer.effect(Watchdog, make(options))

const alarm = (
  clock: Clock.Clock,
  context: Context.Context<never>,
  look: (now: number) => Effect.Effect<unknown>
): Effect.Effect<Alarm, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(
      () =>
        new Alarm(clock, context, (now) =>
          Effect.asVoid(
            // A report that fails must not be the last one.
            Effect.catchCause(
              Effect.suspend(() => look(now)),
              (cause) => Effect.logError("The report of the watchdog failed", cause)
            )
          )
        )
    ),
    ({ stop }) => stop
  )

const millisOf = (field: string, input: Duration.Input): number => Math.max(1, validMillis(field, input))

const limitOf = (options: WatchdogOptions<any> | undefined): ((task: TaskNode) => number) | undefined => {
  const maxAge = options?.maxAge
  if (maxAge === undefined) return undefined
  const every = typeof maxAge === "function" ? undefined : millisOf("maxAge", maxAge)
  const all = options?.ages === "all"
  return (task) => {
    if (task.kind !== "task" || (!all && task.up!.kind !== "tasks")) return Infinity
    return every ?? millisOf("maxAge", (maxAge as (task: AgingTask) => Duration.Input)(task))
  }
}

const listed = 10

const warn = (overdue: ReadonlyArray<OverdueCancel.OverdueCancel>): Effect.Effect<void> =>
  Effect.logWarning(
    [
      overdue.length === 1 ? "A cancel does not end" : `Cancels do not end: ${overdue.length} hold them up`,
      ...overdue.slice(0, listed).map(OverdueCancel.toText),
      ...(overdue.length > listed ? [`and ${overdue.length - listed} more`] : [])
    ].join("\n  ")
  )
