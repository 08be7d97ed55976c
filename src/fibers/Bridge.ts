/**
 * Foreign asynchronous code as an effect: promises and callbacks. Reach for it
 * instead of `Effect.promise`, `Effect.tryPromise` and `Effect.callback` wherever
 * the cancel must arrive with its reason, wherever foreign code goes on after it
 * was told to stop, and wherever what comes too late must be closed. For streams,
 * sockets and servers there is `NodeResource`, for a signal from outside
 * `CancelSignal`.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Metric from "effect/Metric"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import type { CancelReason } from "./CancelReason.ts"
import { forcedStop } from "./internal/forcedStop.ts"
import { foreign, type ForeignCall } from "./internal/foreignCall.ts"
import { lateRejections as counter } from "./internal/lateRejections.ts"

/**
 * @category models
 * @since 0.1.0
 */
export interface LateOptions<in A, out R = never> {
  /** What it is called in `Stragglers` and in the log; else the name of the function. */
  readonly name?: string | undefined
  /**
   * Gets a value that came after the interrupt, with the reason: closes the
   * connection that was opened too late. Runs also when the caller has gone, to
   * its end; its failure is logged.
   */
  readonly onLate?: ((value: A, reason: CancelReason) => Effect.Effect<unknown, unknown, R>) | undefined
}

/**
 * @category models
 * @since 0.1.0
 */
export interface PromiseOptions<in A, out E, out R = never> extends LateOptions<A, R> {
  /** What a rejection becomes, `Cause.UnknownError` if absent. */
  readonly catch?: ((error: unknown) => E) | undefined
  /**
   * What an interrupt does: `wait` (the default) until the promise has settled,
   * or `abandon` it, which is then listed in `Stragglers` until it has.
   */
  readonly mode?: "wait" | "abandon" | undefined
}

/**
 * Runs a promise. The signal aborts at the interrupt with a `CancelAbortError`
 * that carries the reason; an interrupt before the first step never calls
 * `evaluate`. A function that throws is a rejection.
 *
 * **Details**
 *
 * Nothing that comes late is unhandled (contract K41): a value goes to `onLate`,
 * a rejection is counted in `lateRejections`. With a cancel that gives up, a
 * promise that is waited for makes a straggler of the task.
 *
 * **Gotchas**
 *
 * In an uninterruptible region, such as the acquire of `Effect.acquireRelease`,
 * the signal never aborts.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromPromise = <A, E = Cause.UnknownError, R = never>(
  evaluate: (signal: AbortSignal) => PromiseLike<A>,
  options?: PromiseOptions<NoInfer<A>, E, R>
): Effect.Effect<A, E, Exclude<R, Scope.Scope>> =>
  foreign<A, E>(
    {
      name: nameOf(options, evaluate, "promise"),
      whenInterrupted: options?.mode === "abandon" ? "list" : "wait",
      onLate: options?.onLate
    },
    (call) => begin(call, evaluate, options?.catch)
  )

const begin = <A, E>(
  call: ForeignCall<A, E>,
  evaluate: (signal: AbortSignal) => PromiseLike<A>,
  catcher: ((error: unknown) => E) | undefined
): void => {
  const reject = (error: unknown): void => call.reject(error, failWith(error, catcher))
  follow(
    () => evaluate(call.signal),
    (value) => call.succeed(value),
    reject
  )
}

/** A foreign thenable may answer with another one, a promise never does. */
const follow = <A>(
  begun: () => PromiseLike<A>,
  succeed: (value: A) => void,
  reject: (error: unknown) => void
): void => {
  // oxlint-disable-next-line repository/effect-only -- foreign code may throw before there is a promise
  try {
    begun().then(
      (value) =>
        Predicate.isPromiseLike(value) ? follow(() => value as PromiseLike<A>, succeed, reject) : succeed(value),
      reject
    )
  } catch (error) {
    reject(error)
  }
}

/** Made on the fiber, in its async context; a `catch` that throws is a defect. */
const failWith = <E>(error: unknown, catcher: ((error: unknown) => E) | undefined): Effect.Effect<never, E> =>
  Effect.suspend(() =>
    Effect.fail(
      catcher === undefined
        ? (new Cause.UnknownError(error, "The promise was rejected; its error is the cause") as E)
        : catcher(error)
    )
  )

/**
 * @category models
 * @since 0.1.0
 */
export interface CallbackOptions<in A, out R = never> extends LateOptions<A, R> {
  /**
   * What an interrupt does after the clean-up: `forget` the operation (the
   * default), `wait` until it has called back, or `abandon` it, which is then
   * listed in `Stragglers` until it has.
   */
  readonly mode?: "forget" | "wait" | "abandon" | undefined
}

/**
 * `Effect.callback`, but the signal aborts with a `CancelAbortError` that carries
 * the reason, and a value that comes after the interrupt goes to `onLate`. The
 * first call of `resume` counts. The returned clean-up runs once, on interrupt.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromCallback = <A, E = never, R = never, R2 = never>(
  register: (
    resume: (effect: Effect.Effect<A, E, R>) => void,
    signal: AbortSignal
  ) => void | Effect.Effect<void, never, R>,
  options?: CallbackOptions<NoInfer<A>, R2>
): Effect.Effect<A, E, R | Exclude<R2, Scope.Scope>> =>
  foreign<A, E>(
    {
      name: nameOf(options, register, "callback"),
      whenInterrupted: options?.mode === "abandon" ? "list" : (options?.mode ?? "forget"),
      onLate: options?.onLate
    },
    (call) =>
      // The services are there: answer and clean-up run on the fiber, or in its context.
      register((effect) => call.answered(effect as Effect.Effect<A, E>), call.signal) as Effect.Effect<void> | void
  )

/**
 * Acquires a resource that calls can block on (a browser, a driver, a database
 * connection) and uses it. If the user is cancelled, `stop` runs at once, beside
 * the user's clean-up, with the reason: so a call ends that nothing else can
 * interrupt. If the user ends by itself, `stop` runs then, without a reason. It
 * runs once and is awaited; its failure is one of clean-up.
 *
 * **Gotchas**
 *
 * `acquire` cannot be interrupted, as in `Effect.acquireRelease`.
 *
 * @category combinators
 * @since 0.1.0
 */
export const stopOnCancel = <A, E, R, B, E2, R2, R3>(
  acquire: Effect.Effect<A, E, R>,
  use: (resource: A) => Effect.Effect<B, E2, R2>,
  stop: (resource: A, reason: CancelReason | undefined) => Effect.Effect<unknown, unknown, R3>,
  options?: { readonly name?: string | undefined }
): Effect.Effect<B, E | E2, Exclude<R | R2 | R3, Scope.Scope>> =>
  forcedStop({ name: options?.name ?? "resource", acquire, use, watch: () => Effect.never, stop })

const nameOf = (
  options: { readonly name?: string | undefined } | undefined,
  { name }: { readonly name: string },
  fallback: string
): string => options?.name ?? (name === "" ? fallback : name)

/**
 * How many rejections came after the interrupt and told something else than
 * "aborted": the counter `rescind_late_rejections`.
 *
 * @category metrics
 * @since 0.1.0
 */
export const lateRejections: Metric.Counter<number> = counter
