/**
 * Keeps what was won although nobody can receive it any more (contract K26): on
 * the outcome of the enclosing task or, with no task around, on the interrupt.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { Salvaged } from "../TaskOutcome.ts"
import type { Owned } from "./groupNode.ts"

const SalvagedAnnotation = Context.Service<ReadonlyArray<Salvaged>>("rescind/fibers/Salvaged")

export const salvagedOnInterrupt = (group: Owned<unknown, unknown>): Effect.Effect<void> => {
  const salvaged = group.salvageable().map((value) => ({ scope: group.name, value }))
  if (salvaged.length === 0) return Effect.void
  if (salvaged.every(({ scope, value }) => group.up!.salvage(scope, value))) return Effect.void
  return Effect.failCause(
    Cause.annotate(Cause.interrupt(), Context.make(SalvagedAnnotation, salvaged) as Context.Context<never>)
  )
}

/** What an interrupt saved that had no task to keep it. */
export const salvagedIn = (cause: Cause.Cause<unknown>): ReadonlyArray<Salvaged> =>
  cause.reasons.flatMap((reason) =>
    Cause.isInterruptReason(reason)
      ? ((reason.annotations.get(SalvagedAnnotation.key) as ReadonlyArray<Salvaged> | undefined) ?? [])
      : []
  )
