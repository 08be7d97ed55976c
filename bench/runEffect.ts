/**
 * Runs one Effect round. In an audited round Effect's own fiber metrics count every fiber below, native race losers and
 * detached ones included, so that a leak shows which no finalizer would tell of.
 */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type { Probe } from "./Probe.ts"

export const runEffect = <A, E>(probe: Probe, effect: Effect.Effect<A, E>): Promise<A> => {
  if (!probe.audit) return Effect.runPromise(effect)
  let live = 0
  probe.left("fibers", () => live)
  return Effect.runPromise(
    Effect.provideService(effect, Metric.FiberRuntimeMetrics, {
      recordFiberStart: () => {
        live++
      },
      recordFiberEnd: () => {
        live--
      }
    })
  )
}
