/**
 * Says on a span why it ended early: a span whose effect was interrupted by a
 * cancel gets the reason as attributes in the step that ends it. It wraps the
 * tracer, so it holds for every span of a cancelled scope, those inside Effect's
 * own `race`, `forEach` and forked fibers too, and costs nothing where no span
 * ends with an interrupt.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Tracer from "effect/Tracer"
import type { CancelReason } from "./CancelReason.ts"
import { CurrentNode } from "./internal/currentNode.ts"

/**
 * The same tracer, whose spans get these attributes if a cancel ended them:
 *
 * - `rescind.cancel.source`: a `CancelReason.Source`
 * - `rescind.cancel.message`, `rescind.cancel.scope`
 * - `rescind.cancel.by`: if it is known
 * - `rescind.cancel.at`: ISO 8601
 *
 * **Gotchas**
 *
 * The status stays the tracer's business: Effect's OTLP exporter leaves that of an
 * interrupted span unset. A span that Effect's `race` ends by itself has no reason
 * of ours and gets no attribute, unless its scope is cancelled before it has
 * ended. Nor has one that a task opened and whose `end` somebody calls from outside
 * of any fiber.
 *
 * @category combinators
 * @since 0.1.0
 */
export const wrap = (tracer: Tracer.Tracer): Tracer.Tracer => {
  const context = tracer.context?.bind(tracer)
  return Tracer.make({
    span: (options) => explained(tracer.span(options)),
    // Its presence alone makes every step of a fiber slower.
    ...(context === undefined ? {} : { context })
  })
}

/**
 * Wraps the tracer that is there when the layer is built: give that one to it,
 * `CancelSpans.layer.pipe(Layer.provide(tracerLayer))`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<never> = Layer.effect(Tracer.Tracer, Effect.map(Tracer.Tracer, wrap))

/** The span itself, for a tracer knows its own by their class. */
const explained = (span: Tracer.Span): Tracer.Span => {
  const end = span.end.bind(span)
  span.end = (endTime, exit) => {
    const reason = reasonOf(exit)
    if (reason !== undefined) explain(span, reason)
    end(endTime, exit)
  }
  return span
}

const reasonOf = (exit: Exit.Exit<unknown, unknown>): CancelReason | undefined =>
  exit._tag === "Failure" && Cause.hasInterrupts(exit.cause)
    ? Fiber.getCurrent()?.getRef(CurrentNode).readable
    : undefined

const explain = (span: Tracer.Span, { at, by, message, scope, source }: CancelReason): void => {
  span.attribute("rescind.cancel.source", source)
  span.attribute("rescind.cancel.message", message)
  span.attribute("rescind.cancel.scope", scope)
  if (by !== undefined) span.attribute("rescind.cancel.by", by)
  span.attribute("rescind.cancel.at", DateTime.formatIso(at))
}
