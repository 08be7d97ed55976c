/** Counts and times served tasks, where and with the attributes of the context that is given. */
import type * as Context from "effect/Context"
import type { Source } from "../../fibers/CancelReason.ts"
import * as ServerMetrics from "../ServerMetrics.ts"
import { remembered } from "./remembered.ts"
import { nodeOf, type Watcher } from "./watching.ts"

type Outcome = "completed" | "failed" | "cancelled"

export const servedMetrics = (context: Context.Context<never>): Watcher => {
  const started = remembered((name: string) => name, ServerMetrics.started)
  const live = remembered((name: string) => name, ServerMetrics.live)
  const ended = remembered(
    (name: string, outcome: Outcome, source: Source | undefined) => `${name} ${outcome} ${source}`,
    (name, outcome, source) =>
      ServerMetrics.ended(outcome === "cancelled" ? { name, outcome, source: source! } : { name, outcome })
  )
  const duration = remembered(
    (name: string, outcome: Outcome) => `${name} ${outcome}`,
    (name, outcome) => ServerMetrics.duration({ name, outcome })
  )
  const cancelDuration = remembered((name: string) => name, ServerMetrics.cancelDuration)
  return {
    started: ({ kind }) => {
      const { name } = kind.definition
      started(name).updateUnsafe(1, context)
      live(name).modifyUnsafe(1, context)
    },
    ended: (served) => {
      const { name } = served.kind.definition
      const { endedAt, mark, startedAt, verdict } = nodeOf(served)
      const outcome = verdict!
      live(name).modifyUnsafe(-1, context)
      ended(name, outcome, outcome === "cancelled" ? mark!.reason.source : undefined).updateUnsafe(1, context)
      // A task that was cancelled before its first step has no start.
      if (!Number.isNaN(startedAt)) duration(name, outcome).updateUnsafe(seconds(endedAt - startedAt), context)
      if (mark !== undefined) cancelDuration(name).updateUnsafe(seconds(endedAt - mark.at), context)
    }
  }
}

/** A clock may be set back meanwhile. */
const seconds = (millis: number): number => Math.max(0, millis) / 1000
