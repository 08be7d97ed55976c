/**
 * The spans of served tasks. The body of a task runs in a span of its own, a child
 * of the request that started it, though it outlives that. Its cancel, by whatever
 * road, is an event there. A cancel over HTTP has a span of its own, and each of
 * the two spans is linked to the other. Nothing is made without a tracer.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import * as CancelReason from "../../fibers/CancelReason.ts"
import type { CancelResult } from "../../fibers/CancelResult.ts"
import type { Kind } from "./served.ts"
import type { Served } from "./servedTask.ts"
import { nodeOf, type Watcher } from "./watching.ts"

/** The span of one task, once its body runs. */
export class TaskTrace {
  span: Tracer.Span | undefined = undefined
  private told = false

  /** Runs the body of the task in the span. */
  during<A, E>(kind: Kind, id: string, body: Effect.Effect<A, E>): Effect.Effect<A, E> {
    return whenTraced(body, () => {
      const { name } = kind.definition
      const attributes = { "rescind.task.id": id, "rescind.task.name": name }
      // A span that an interrupt ends at once has ended before anybody is told of the request.
      const explained = Effect.onExit(body, () =>
        Effect.map(CancelReason.current, (reason) => {
          if (Option.isSome(reason)) this.cancelled(reason.value)
        })
      )
      return Effect.useSpan(`task ${name}`, { attributes }, (span) => {
        this.span = span
        return Effect.withParentSpan(explained, span)
      })
    })
  }

  /** Keeps the request to stop as an event at its own time. */
  cancelled({ at, by, message, scope, source }: CancelReason.CancelReason): void {
    if (this.span === undefined || this.told) return
    this.told = true
    this.span.event("cancel", BigInt(at.epochMilliseconds) * 1_000_000n, {
      "rescind.cancel.source": source,
      "rescind.cancel.message": message,
      "rescind.cancel.scope": scope,
      ...(by === undefined ? {} : { "rescind.cancel.by": by })
    })
  }
}

/** The services that a task runs with, and the span of the request that starts it. */
export const withParentOf = (
  context: Context.Context<never>,
  fiber: Fiber.Fiber<unknown, unknown>
): Context.Context<never> => {
  const parent = spanOf(fiber)
  return parent === undefined ? context : Context.add(context, Tracer.ParentSpan, parent)
}

export const traceCancels: Watcher = { requested: ({ trace }, reason) => trace.cancelled(reason) }

/** From the request to the answer. The first to ask is linked from the task. */
export const cancelSpan = (served: Served, cancel: Effect.Effect<CancelResult>): Effect.Effect<CancelResult> =>
  whenTraced(cancel, () => {
    const { kind, task, trace } = served
    const { name } = kind.definition
    const links = trace.span === undefined ? [] : [{ span: trace.span, attributes: { "rescind.link": "task" } }]
    const attributes = { "rescind.task.id": task.name, "rescind.task.name": name }
    return Effect.useSpan(`cancel ${name}`, { links, attributes }, (span) => {
      if (nodeOf(served).mark === undefined) trace.span?.addLinks([{ span, attributes: { "rescind.link": "cancel" } }])
      return Effect.tap(Effect.withParentSpan(cancel, span), (result) =>
        Effect.sync(() => span.attribute("rescind.cancel.result", result._tag))
      )
    })
  })

const whenTraced = <A, E>(plain: Effect.Effect<A, E>, traced: () => Effect.Effect<A, E>): Effect.Effect<A, E> =>
  // The native tracer keeps nothing that anybody could see.
  Effect.withFiber((fiber) => (fiber.getRef(Tracer.Tracer) === Tracer.nativeTracer ? plain : traced()))

const spanOf = ({ context }: Fiber.Fiber<unknown, unknown>): Tracer.AnySpan | undefined =>
  Context.getOrUndefined(context as Context.Context<Tracer.ParentSpan>, Tracer.ParentSpan)
