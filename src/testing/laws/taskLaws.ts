/** What holds for the body of a task, whatever it does: the probes of the ledger in it say what that is. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Kind } from "../Finding.ts"
import type { Checked, Program } from "../Trial.ts"
import { checkedOf } from "../internal/trial.ts"
import { closings, law, type Law, type LawOptions, leftovers, type Scenario } from "./Law.ts"

/**
 * @category models
 * @since 0.1.0
 */
export interface TaskOptions extends LawOptions {
  /** How long a cancel may take, in virtual time. Default: 1 second. */
  readonly within?: Duration.Input | undefined
}

/**
 * A body, or a function that makes a fresh one for every run.
 *
 * @category models
 * @since 0.1.0
 */
export type Body<A, E> = Program<A, E>

export const taskLaws = <A, E>(body: Body<A, E>, options: TaskOptions = {}): ReadonlyArray<Law> => {
  const { within = "1 second" } = options
  const program = (): Checked<A, E> => checkedOf(body)
  const cancelled: Scenario = { where: "it is cancelled at any point", program }
  const twice: Scenario = {
    where: "a second cancel comes at any point after the first",
    // In a scope of its own, whose finalizers run on the fiber that is interrupted.
    program: () => {
      const checked = program()
      return { ...checked, program: Effect.scoped(checked.program) }
    },
    again: true
  }
  const holds = (rule: string, name: string, kinds: ReadonlyArray<Kind>, ...scenarios: ReadonlyArray<Scenario>): Law =>
    law(rule, name, kinds, scenarios, options)
  return [
    holds("K1", "It comes to an end, and leaves no fiber, timer or scope behind", leftovers, {
      ...cancelled,
      where: "nobody cancels it",
      calm: true
    }),
    holds("K1", "Cancelled at any point, it leaves no fiber, timer or scope behind", leftovers, cancelled),
    holds("K12", "Cancelled at any point, its first step included, it ends within its bound", ["slow"], {
      ...cancelled,
      options: { within }
    }),
    holds("K9", "Once it was cancelled it does not return a value", ["completed-after-cancel"], cancelled),
    holds("K10", "Once it was cancelled it begins no work", ["work-after-cancel"], cancelled),
    holds("K15", "What it opens is closed once, wherever it is cancelled", closings, cancelled),
    holds("K15", "A second cancel cuts no clean-up short", [...closings, ...leftovers], twice),
    holds("K16", "Its clean-up does not fail", ["clean-up-failed"], cancelled),
    holds("K18", "Whatever in it is interrupted can read why", ["reason-unread"], cancelled),
    holds("K8", "A second cancel does not change the reason", ["reason-changed"], twice)
  ]
}
