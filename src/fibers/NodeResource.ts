/**
 * Streams, sockets, servers and whatever else of Node has `destroy` or `close`,
 * held for as long as an effect uses them. A cancel destroys them at once, with
 * an error that carries the reason: that also ends the calls that are blocked on
 * them. The types are structural, so that this module asks for nothing of Node.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { CancelAbortError } from "./CancelAbortError.ts"
import * as CancelReason from "./CancelReason.ts"
import { CancelRequest } from "./internal/cancelRequest.ts"
import { CurrentNode } from "./internal/currentNode.ts"
import { forcedStop, whyInterrupted } from "./internal/forcedStop.ts"
import { ForeignNode } from "./internal/foreignNode.ts"
import { HeldReadable } from "./internal/heldReadable.ts"
import { HeldResource } from "./internal/heldResource.ts"
import { Stragglers } from "./Stragglers.ts"

/**
 * What Node calls a stream, a socket, a request, a server: an emitter of `error`
 * and `close` with `destroy` or, failing that, `close`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Destroyable {
  on(event: string, listener: (...args: Array<any>) => void): unknown
  off(event: string, listener: (...args: Array<any>) => void): unknown
  listenerCount?(event: string): number
  destroy?(error?: Error): unknown
  close?(): unknown
  readonly closed?: boolean
}

/**
 * The resource failed by itself, and nobody inside listened to its errors.
 *
 * @category errors
 * @since 0.1.0
 */
export class ResourceFailed extends Data.TaggedError("ResourceFailed")<{
  readonly resource: string
  readonly cause: unknown
}> {
  override get message(): string {
    return `"${this.resource}" failed while in use: ${this.cause instanceof Error ? this.cause.message : String(this.cause)}`
  }
}

/**
 * @category models
 * @since 0.1.0
 */
export interface UseOptions {
  /** What it is called in the tree, in `Stragglers` and in errors. */
  readonly name?: string | undefined
  /** How long to wait for its `close`; then it is listed in `Stragglers` until it comes. Without a bound if absent. */
  readonly closeWithin?: Duration.Input | undefined
}

/**
 * Acquires a resource, uses it, and returns when it has closed. If the user is
 * cancelled the resource is destroyed at once with a `CancelAbortError`, also
 * while the user is blocked on it or cannot be interrupted; that ends as a cancel,
 * not as an error. If the user ends by itself it is destroyed without an error.
 *
 * **Details**
 *
 * An `error` that somebody inside `use` listens to is theirs. One that nobody
 * listens to, which would end the process, fails the effect with `ResourceFailed`.
 * An error that comes while the resource closes is a failure of clean-up.
 *
 * **Gotchas**
 *
 * `acquire` cannot be interrupted, as in `Effect.acquireRelease`: create the socket
 * there, and wait for its connection in `use`. What was written must have been
 * flushed when `use` ends. What never emits `close`, such as an `http.Agent`, is
 * waited for until `closeWithin`.
 *
 * @category combinators
 * @since 0.1.0
 */
export const use = <T extends Destroyable, E, R, A, E2, R2>(
  acquire: Effect.Effect<T, E, R>,
  use: (resource: T) => Effect.Effect<A, E2, R2>,
  options?: UseOptions
): Effect.Effect<A, E | E2 | ResourceFailed, Exclude<R | R2, Scope.Scope>> => {
  const name = options?.name ?? "resource"
  return forcedStop({
    name,
    acquire: Effect.map(acquire, (resource) => new HeldResource(resource)),
    use: (held: HeldResource<T>) => use(held.resource),
    watch: (held: HeldResource<T>) => unheardError(held, name),
    stop: (held: HeldResource<T>, reason) => closeNow(held, name, reason, options?.closeWithin)
  })
}

const unheardError = (held: HeldResource<Destroyable>, name: string): Effect.Effect<never, ResourceFailed> =>
  Effect.callback((resume) => {
    const look = (): void => {
      if (held.failure === undefined || held.failure.heard) return
      held.destroy()
      resume(Effect.fail(new ResourceFailed({ resource: name, cause: held.failure.error })))
    }
    const withdraw = held.onChange(look)
    look()
    return Effect.sync(withdraw)
  })

/** Destroys it now, and waits; what it says to that is a failure of clean-up. */
const closeNow = (
  held: HeldResource<Destroyable>,
  name: string,
  reason: CancelReason.CancelReason | undefined,
  within: Duration.Input | undefined
): Effect.Effect<void> =>
  Effect.suspend(() => {
    held.destroy(reason === undefined ? undefined : new CancelAbortError(reason))
    const closed =
      within === undefined
        ? held.awaitClosed
        : Effect.timeoutOrElse(held.awaitClosed, { duration: within, orElse: () => list(held, name, reason) })
    return Effect.andThen(
      closed,
      Effect.withFiber((fiber) => {
        if (held.lateErrors.length === 0) return Effect.void
        const cause = Cause.fromReasons(held.lateErrors.map((error) => Cause.makeDieReason(error)))
        fiber.getRef(CurrentNode).cleanupFailed(name, cause, fiber.context)
        return Effect.void
      })
    )
  })

/** A straggler until it closes. */
const list = (
  held: HeldResource<Destroyable>,
  name: string,
  reason: CancelReason.CancelReason | undefined
): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    const owner = fiber.getRef(CurrentNode)
    const now = owner.clock.currentTimeMillisUnsafe()
    const why = reason ?? CancelReason.scopeClosed({ by: name })
    const straggler = new ForeignNode(name, owner, new CancelRequest(owner, why, reason?.at.epochMilliseconds ?? now))
    const stragglers = Context.get(fiber.context, Stragglers)
    stragglers.add(straggler)
    const withdraw = held.onChange(() => {
      if (!held.closed) return
      stragglers.delete(straggler)
      withdraw()
    })
    return Effect.void
  })

/**
 * What of a Node `Readable` is used here.
 *
 * @category models
 * @since 0.1.0
 */
export interface Readable extends Destroyable {
  read(size?: number): unknown
  destroy(error?: Error): unknown
  readonly readableEnded: boolean
}

/**
 * @category models
 * @since 0.1.0
 */
export interface ReadableOptions<out E> extends UseOptions {
  /** What an error of the readable becomes, `Cause.UnknownError` if absent. */
  readonly catch?: ((error: unknown) => E) | undefined
}

/**
 * A Node `Readable` as a stream, made when the stream is run. A consumer that is
 * cancelled destroys it with a `CancelAbortError`, one that has enough without an
 * error; both wait until it has closed.
 *
 * **When to use**
 *
 * `NodeStream.fromReadable` of `@effect/platform-node` destroys it too, but
 * without a reason and without waiting.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromReadable = <A = Uint8Array, E = Cause.UnknownError>(
  evaluate: () => Readable,
  options?: ReadableOptions<E>
): Stream.Stream<A, E> => {
  const name = options?.name ?? "readable"
  const failWith = options?.catch ?? ((error) => new Cause.UnknownError(error, `"${name}" failed`) as E)
  const held = Effect.acquireRelease(
    Effect.sync(() => new HeldReadable<A>(evaluate())),
    (held, exit) =>
      Effect.flatMap(Exit.hasInterrupts(exit) ? Effect.asSome(whyInterrupted) : Effect.succeedNone, (reason) =>
        closeNow(held, name, Option.getOrUndefined(reason), options?.closeWithin)
      )
  )
  return Stream.scoped(Stream.fromPull(Effect.map(held, (held) => held.pull(failWith))))
}
