/**
 * Gives work an instant by which it must have ended. When that has passed, the
 * work is cancelled (`timeout`) and awaited, clean-up and shields included, and
 * the caller gets a typed error with all that happened: what finished too late,
 * what failed in the clean-up. Deadlines nest, and the nearest in time counts;
 * whoever works below one can ask how long there is left.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { format } from "effect/Formatter"
import * as Function from "effect/Function"
import * as Option from "effect/Option"
import * as CancelPolicy from "../fibers/CancelPolicy.ts"
import { CurrentNode } from "../fibers/internal/currentNode.ts"
import { own } from "../fibers/internal/groupNode.ts"
import { effectiveLimit } from "../fibers/internal/limit.ts"
import { steady, whole } from "../fibers/internal/steady.ts"
import type { DeadlineExceeded } from "./DeadlineExceeded.ts"
import { DeadlineNode, type Rendering } from "./internal/deadlineNode.ts"

/**
 * `grace` is time after the deadline in which the work may still finish by
 * itself; `giveUp` is time after it at which the caller no longer waits.
 *
 * @category models
 * @since 0.1.0
 */
export interface DeadlineOptions extends CancelPolicy.CancelPolicyInput {
  /** The name in the tree, in reasons and in the error. Default: "deadline". */
  readonly name?: string | undefined
}

/**
 * Runs the effect; if it has not ended by the limit, fails with
 * `DeadlineExceeded`.
 *
 * **Details**
 *
 * What ends at the very instant has ended in time. A limit of zero or less runs
 * the effect up to its first suspension; NaN is a defect. The timeout waits for
 * clean-up and shields, unless `giveUp` is given (contract K33, K34). Resources
 * of a value that came in time belong to the caller's scope; otherwise they are
 * released before the error leaves.
 *
 * **Gotchas**
 *
 * What an `Effect.uninterruptible` region inside returns after the limit, Effect
 * drops; what a `Shield` returns is in `late` of the error.
 *
 * @example
 * ```ts
 * const page = yield* fetchPage.pipe(Deadline.run("2 seconds", { name: "fetch" }))
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const run: {
  (
    limit: Duration.Input,
    options?: DeadlineOptions
  ): <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | DeadlineExceeded, R>
  <A, E, R>(
    effect: Effect.Effect<A, E, R>,
    limit: Duration.Input,
    options?: DeadlineOptions
  ): Effect.Effect<A, E | DeadlineExceeded, R>
} = Function.dual(
  (args) => Effect.isEffect(args[0]),
  <A, E, R>(effect: Effect.Effect<A, E, R>, limit: Duration.Input, options?: DeadlineOptions) =>
    bounded<A, E | DeadlineExceeded, R>(limit, options, () => effect, failing)
)

/**
 * The same, answering `None` at the limit. What finished late and what failed in
 * the clean-up then stand on the outcome of the enclosing task.
 *
 * @category constructors
 * @since 0.1.0
 */
export const option: {
  (
    limit: Duration.Input,
    options?: DeadlineOptions
  ): <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<Option.Option<A>, E, R>
  <A, E, R>(
    effect: Effect.Effect<A, E, R>,
    limit: Duration.Input,
    options?: DeadlineOptions
  ): Effect.Effect<Option.Option<A>, E, R>
} = Function.dual(
  (args) => Effect.isEffect(args[0]),
  <A, E, R>(effect: Effect.Effect<A, E, R>, limit: Duration.Input, options?: DeadlineOptions) =>
    bounded<Option.Option<A>, E, R>(limit, options, () => effect, optional)
)

/**
 * The handle on a deadline, for the work below it. It moves only while the work
 * goes on and the deadline has not passed: both moves answer whether they did.
 *
 * @category models
 * @since 0.1.0
 */
export interface Deadline {
  readonly name: string
  /** Its own instant; `None` if it lies further away than dates go. */
  readonly at: Effect.Effect<Option.Option<DateTime.Utc>>
  /** Moves it later by so much, counted from its present instant; an infinite time lifts it. */
  readonly extend: (by: Duration.Input) => Effect.Effect<boolean>
  /** Moves it to an instant, later or earlier. One that is past takes effect in the next turn. */
  readonly moveTo: (instant: DateTime.DateTime.Input) => Effect.Effect<boolean>
}

/**
 * A deadline whose body can move it: work that proves to be alive gets more
 * time.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <A, E, R>(
  name: string,
  limit: Duration.Input,
  body: (deadline: Deadline) => Effect.Effect<A, E, R>,
  options?: CancelPolicy.CancelPolicyInput
): Effect.Effect<A, E | DeadlineExceeded, R> =>
  bounded(limit, { ...options, name }, (node) => body(handle(node)), failing)

/**
 * The instant by which the current work must have ended: the nearest in time of
 * all deadlines around it, up to a shield. Below a shield whose budget counts it
 * is the end of that. `None` where there is none.
 *
 * @category inside
 * @since 0.1.0
 */
export const current: Effect.Effect<Option.Option<DateTime.Utc>> = Effect.withFiber((fiber) => {
  const limit = effectiveLimit(fiber.getRef(CurrentNode))
  return Effect.succeed(limit === undefined ? Option.none() : DateTime.make(limit.wall))
})

/**
 * How long the current work still has; zero once the deadline has passed.
 *
 * @category inside
 * @since 0.1.0
 */
export const remaining: Effect.Effect<Option.Option<Duration.Duration>> = Effect.withFiber((fiber) => {
  const node = fiber.getRef(CurrentNode)
  const limit = effectiveLimit(node)
  return Effect.succeed(
    Option.map(Option.fromUndefinedOr(limit), ({ at }) => Duration.millis(Math.max(0, whole(at - steady(node.clock)))))
  )
})

const failing: Rendering = { exceeded: (deadline) => Effect.fail(deadline.error()) }

const optional: Rendering = {
  value: Option.some,
  exceeded: (deadline) =>
    Effect.sync(() => {
      deadline.passOn()
      return Option.none()
    })
}

const bounded = <A, E, R>(
  limit: Duration.Input,
  options: DeadlineOptions | undefined,
  body: (deadline: DeadlineNode) => Effect.Effect<any, any, any>,
  rendering: Rendering
): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    const duration = CancelPolicy.limit("limit", limit)
    const policy = CancelPolicy.make(options)
    return own((owner) => {
      const work: Effect.Effect<any, any, any> = Effect.suspend(() => body(node))
      const node: DeadlineNode = new DeadlineNode(options?.name ?? "deadline", owner, work, duration, policy, rendering)
      return node
    })
  })

const handle = (node: DeadlineNode): Deadline => ({
  name: node.name,
  at: Effect.sync(() => DateTime.make(node.deadline!)),
  extend: (by) => Effect.sync(() => node.extend(Duration.toMillis(CancelPolicy.bound("by", by)))),
  moveTo: (instant) =>
    Effect.sync(() => {
      const at = DateTime.make(instant)
      if (Option.isNone(at)) throw new RangeError(`Deadline.moveTo needs an instant, but it got ${format(instant)}`)
      return node.moveTo(at.value.epochMilliseconds)
    })
})
