/** Names of a plan: numbered in the order of the tree, so that each stands once. */
import type { Step, TaskPlan } from "../../TaskPlan.ts"

const prefixes: Partial<Record<Step["_tag"], string>> = { Child: "task", Fail: "fail", Die: "die" }

/** Named `race3`, `task4`, …: anew after every change of the tree. */
export const named = (plan: TaskPlan): TaskPlan => {
  let count = 0
  const visit = (step: Step): Step => {
    const name = `${prefixes[step._tag] ?? step._tag.toLowerCase()}${++count}`
    return { ...step, name, members: step.members.map(visit) } as unknown as Step
  }
  return { cancels: plan.cancels, body: visit(plan.body) }
}

/** All steps, parents first. */
export const stepsOf = (step: Step): ReadonlyArray<Step> => [step, ...step.members.flatMap(stepsOf)]

export const tasksOf = (plan: TaskPlan): ReadonlyArray<string> => [
  "main",
  ...stepsOf(plan.body).flatMap((step) => (step._tag === "Child" ? [step.name] : []))
]

/** The task that a cancel means. */
export const targetOf = (tasks: ReadonlyArray<string>, target: number): string => tasks[target % tasks.length]!

/** What a member of a race, a join or the like is called. */
export const memberName = (step: Step, index: number): string => `${step.name}${letters[index] ?? `-${index}`}`

const letters = "abcdefghijklmnopqrstuvwxyz"
