/**
 * How a task ended: `Completed`, `Failed` or `Cancelled`, decided exactly once.
 * Nothing that finished is lost on the way: failures of clean-up and values that
 * could no longer be returned stand on the outcome, whatever its kind.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import * as Struct from "effect/Struct"
import * as CancelReason from "./CancelReason.ts"
import { annotation } from "./internal/cancelAnnotation.ts"
import { salvagedIn } from "./internal/salvaged.ts"

/**
 * How a cancelled task stopped: by itself during its grace, by interruption, or
 * not at all when the cancel gave up (it is then listed in `Stragglers`).
 *
 * @category models
 * @since 0.1.0
 */
export const How = Schema.Literals(["cooperative", "interrupted", "abandoned"])

/**
 * @category models
 * @since 0.1.0
 */
export type How = typeof How.Type

/**
 * A finalizer that failed, with the name of the scope it belonged to.
 *
 * @category models
 * @since 0.1.0
 */
export const CleanupFailure = Schema.Struct({
  scope: Schema.String,
  cause: Schema.Cause(Schema.Defect(), Schema.Defect())
})

/**
 * @category models
 * @since 0.1.0
 */
export type CleanupFailure = typeof CleanupFailure.Type

/**
 * A value that was there but could not be returned, because the one who waited
 * for it was cancelled. In process only.
 *
 * @category models
 * @since 0.1.0
 */
export interface Salvaged {
  readonly scope: string
  readonly value: unknown
}

export {
  /**
   * What an interrupt saved that had no task around to keep it: the winner of a
   * race, say, whose caller was interrupted while the losers cleaned up.
   *
   * @category reading
   * @since 0.1.0
   */
  salvagedIn
}

interface Ended {
  readonly cleanupFailures: ReadonlyArray<CleanupFailure>
  readonly salvaged: ReadonlyArray<Salvaged>
}

/**
 * @category models
 * @since 0.1.0
 */
export interface Completed<out A> extends Ended {
  readonly _tag: "Completed"
  readonly value: A
}

/**
 * @category models
 * @since 0.1.0
 */
export interface Failed<out E> extends Ended {
  readonly _tag: "Failed"
  readonly cause: Cause.Cause<E>
}

/**
 * `took` is the time from the request to the end; `partial` is what the task had
 * so far, if it said so.
 *
 * @category models
 * @since 0.1.0
 */
export interface Cancelled<out P = never> extends Ended {
  readonly _tag: "Cancelled"
  readonly reason: CancelReason.CancelReason
  readonly how: How
  readonly took: Duration.Duration
  readonly partial?: P
}

/**
 * @category models
 * @since 0.1.0
 */
export type TaskOutcome<A, E = never, P = never> = Completed<A> | Failed<E> | Cancelled<P>

/**
 * Folds an outcome.
 *
 * @category matching
 * @since 0.1.0
 */
export const match = <A, E, P, B, C, D>(
  outcome: TaskOutcome<A, E, P>,
  cases: {
    readonly Completed: (outcome: Completed<A>) => B
    readonly Failed: (outcome: Failed<E>) => C
    readonly Cancelled: (outcome: Cancelled<P>) => D
  }
): B | C | D =>
  outcome._tag === "Completed"
    ? cases.Completed(outcome)
    : outcome._tag === "Failed"
      ? cases.Failed(outcome)
      : cases.Cancelled(outcome)

/**
 * The outcome as an `Exit`: a cancel is an interrupt that carries the reason,
 * which `CancelReason.fromExit` reads.
 *
 * @category conversions
 * @since 0.1.0
 */
export const toExit = <A, E, P>(outcome: TaskOutcome<A, E, P>): Exit.Exit<A, E> =>
  match(outcome, {
    Completed: ({ value }) => Exit.succeed(value),
    Failed: ({ cause }) => Exit.failCause(cause),
    Cancelled: ({ reason }) => Exit.failCause(Cause.annotate(Cause.interrupt(), annotation({ reason })))
  })

/**
 * The codec of an outcome over the codecs of its parts. A typed failure comes
 * back equal; a defect keeps its name and message; `salvaged` stays in process.
 *
 * @category schemas
 * @since 0.1.0
 */
export const codec = <A extends Schema.Top, E extends Schema.Top, P extends Schema.Top = typeof Schema.Never>(parts: {
  readonly success: A
  readonly error: E
  readonly partial?: P | undefined
}): Schema.Codec<
  TaskOutcome<A["Type"], E["Type"], P["Type"]>,
  unknown,
  A["DecodingServices"] | E["DecodingServices"] | P["DecodingServices"],
  A["EncodingServices"] | E["EncodingServices"] | P["EncodingServices"]
> => {
  const ended = { cleanupFailures: Schema.Array(CleanupFailure) }
  const wire = Schema.TaggedUnion({
    Completed: { value: parts.success, ...ended },
    Failed: { cause: Schema.Cause(parts.error, Schema.Defect()), ...ended },
    Cancelled: {
      reason: CancelReason.Wire,
      how: How,
      took: Schema.DurationFromMillis,
      partial: Schema.optionalKey(parts.partial ?? Schema.Never),
      ...ended
    }
  })
  return Schema.toCodecJson(
    wire.pipe(
      Schema.decodeTo(
        Schema.Any,
        SchemaTransformation.transform({
          decode: (wire: object) => ({ ...wire, salvaged: [] }),
          encode: (outcome) => Struct.omit(outcome, ["salvaged"]) as never
        }) as never
      )
    )
  )
}
