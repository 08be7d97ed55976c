/**
 * The spans of served tasks. The body of a task runs in a span of its own, a child
 * of the request that started it, though it outlives that. Its cancel, by whatever
 * road, is an event there, linked to the span from which it was asked for, if any;
 * a cancel over HTTP has a span that links back. Nothing is made without a tracer.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Tracer from "effect/Tracer"
import type { CancelResult } from "../../fibers/CancelResult.ts"
import type { Kind, Served } from "./served.ts"
import type { Watcher } from "./watching.ts"

/** The span of one task, once its body runs. */
export class TaskTrace {
  span: Tracer.Span | undefined = undefined

  /** Runs the body of the task in the span. */
  during<A, E>(kind: Kind, id: string, body: Effect.Effect<A, E>): Effect.Effect<A, E> {
    const { name } = kind.definition
    return whenTraced(body, () =>
      Effect.useSpan(`task ${name}`, { attributes: { "rescind.task.id": id, "rescind.task.name": name } }, (span) => {
        this.span = span
        return Effect.withParentSpan(body, span)
      })
    )
  }
}

/** The services that a task runs with, and the span of the request that starts it. */
export const withParentOf = (context: Context.Context<never>): Effect.Effect<Context.Context<never>> =>
  Effect.withFiber((fiber) => {
    const parent = spanOf(fiber)
    return Effect.succeed(parent === undefined ? context : Context.add(context, Tracer.ParentSpan, parent))
  })

export const traceCancels: Watcher = {
  requested: ({ trace: { span } }, { at, by, message, scope, source }) => {
    if (span === undefined) return
    span.event("cancel", BigInt(at.epochMilliseconds) * 1_000_000n, {
      "rescind.cancel.source": source,
      "rescind.cancel.message": message,
      "rescind.cancel.scope": scope,
      ...(by === undefined ? {} : { "rescind.cancel.by": by })
    })
    const fiber = Fiber.getCurrent()
    const asker = fiber === undefined ? undefined : spanOf(fiber)
    if (asker !== undefined && asker !== span)
      span.addLinks([{ span: asker, attributes: { "rescind.link": "cancel" } }])
  }
}

/** From the request to the answer. */
export const cancelSpan = (
  { kind, task, trace }: Served,
  cancel: Effect.Effect<CancelResult>
): Effect.Effect<CancelResult> =>
  whenTraced(cancel, () => {
    const { name } = kind.definition
    const links = trace.span === undefined ? [] : [{ span: trace.span, attributes: { "rescind.link": "task" } }]
    const attributes = { "rescind.task.id": task.name, "rescind.task.name": name }
    return Effect.useSpan(`cancel ${name}`, { links, attributes }, (span) =>
      Effect.tap(Effect.withParentSpan(cancel, span), (result) =>
        Effect.sync(() => span.attribute("rescind.cancel.result", result._tag))
      )
    )
  })

const whenTraced = <A, E>(plain: Effect.Effect<A, E>, traced: () => Effect.Effect<A, E>): Effect.Effect<A, E> =>
  // The native tracer keeps nothing that anybody could see.
  Effect.withFiber((fiber) => (fiber.getRef(Tracer.Tracer) === Tracer.nativeTracer ? plain : traced()))

const spanOf = ({ context }: Fiber.Fiber<unknown, unknown>): Tracer.AnySpan | undefined =>
  Context.getOrUndefined(context as Context.Context<Tracer.ParentSpan>, Tracer.ParentSpan)
