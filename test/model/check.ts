/** Runs a plan and holds it against the prediction. The only place that knows how virtual time is made. */
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Scheduler from "effect/Scheduler"
import { lineOf, type TaskJournal } from "../../src/testing/TaskJournal.ts"
import * as TaskPlan from "../../src/testing/TaskPlan.ts"
import { World } from "../support/sim.ts"
import { differenceOf } from "./compare.ts"
import { predict } from "./predict.ts"

/** Undefined in `journal` if the run did not come to its end; `left` is what outlived it. */
export const runOf = (
  plan: TaskPlan.TaskPlan
): {
  readonly journal: TaskJournal | undefined
  /** That of the journal at the moment in which the plan returned. */
  readonly problem: string | undefined
  readonly left: string | undefined
} => {
  const world = new World({ seed: 1, preempt: 0, fifo: true })
  let journal: TaskJournal | undefined
  let problem: string | undefined
  world.run(
    Effect.map(TaskPlan.interpret(plan), (ended) => {
      journal = ended
      problem = ended.problem
    })
  )
  return { journal, problem, left: world.left }
}

/** Undefined if the run was as predicted, "open" if the contract leaves the plan open, else what is wrong. */
export const problemOf = (plan: TaskPlan.TaskPlan): string | undefined => {
  const prediction = predict(plan)
  if (prediction.open !== undefined) return "open"
  const { journal, left, problem } = runOf(plan)
  if (journal === undefined) return "the plan never ended"
  return left ?? problem ?? journal.problem ?? differenceOf(journal, prediction)
}

export interface Checked {
  readonly compared: number
  readonly open: number
  /** Plan, journal, prediction and replay token of the smallest plan that is not as predicted. */
  readonly wrong: string | undefined
}

/** What the model knows. */
const leaves = ["Sleep", "Succeed", "Fail", "Die", "Interrupt", "Finalizer", "Cancel"] as const
const around = ["Sequence", "Catch", "Resource", "Shield", "Uninterruptible", "Commit", "Deadline"] as const
const many = ["Nursery", "Race", "Join", "Latest"] as const

/** Long times, so that seldom two things happen at one instant. */
const plans = TaskPlan.arbitrary({ steps: [...leaves, ...around, ...many], longest: 5000 })

export const check = (options: Arbitrary.CheckOptions): Checked => {
  let compared = 0
  let open = 0
  const asPredicted = (plan: TaskPlan.TaskPlan): boolean => {
    const problem = problemOf(plan)
    if (problem === "open") open++
    else compared++
    return problem === undefined || problem === "open"
  }
  const result = Effect.runSync(
    Effect.provideService(
      Arbitrary.checkEffect(plans, asPredicted, { maxShrinks: 5000, ...options }),
      // It runs synchronously.
      Scheduler.MaxOpsBeforeYield,
      Number.MAX_SAFE_INTEGER
    )
  )
  if (result._tag === "Passed") return { compared, open, wrong: undefined }
  if (result._tag !== "Falsified") return { compared, open, wrong: `nothing was compared: ${result._tag}` }
  return { compared, open, wrong: `${accountOf(result.shrunkInput)}\n\nREPLAY='${result.replay}'` }
}

const accountOf = (plan: TaskPlan.TaskPlan): string =>
  [
    `${problemOf(plan)}`,
    `plan: ${TaskPlan.print(plan)}`,
    TaskPlan.printTree(plan),
    "journal:",
    ...(runOf(plan).journal?.lines ?? []),
    "predicted:",
    ...predict(plan).entries.map(lineOf)
  ].join("\n")
