/** Plans as text that reads like code: on one line, or a member a line. */
import { targetOf, tasksOf } from "./naming.ts"
import type { Cleanup, OuterCancel, Patience, Step, TaskPlan } from "../../TaskPlan.ts"

export const textOf = (plan: TaskPlan): string => {
  const tasks = tasksOf(plan)
  const text = (step: Step): string => {
    const parts = [...settingsOf(step, tasks), ...step.members.map(text)]
    return parts.length === 0 ? headOf(step) : `${headOf(step)}(${parts.join(", ")})`
  }
  return [text(plan.body), ...plan.cancels.map((cancel) => outerText(cancel, tasks))].join("; ")
}

export const linesOf = (plan: TaskPlan): ReadonlyArray<string> => {
  const tasks = tasksOf(plan)
  const lines = (step: Step, indent: string): ReadonlyArray<string> => {
    const settings = settingsOf(step, tasks)
    const head = settings.length === 0 ? headOf(step) : `${headOf(step)}(${settings.join(", ")})`
    if (step.members.length === 0) return [indent + head]
    return [`${indent}${head} {`, ...step.members.flatMap((member) => lines(member, `${indent}  `)), `${indent}}`]
  }
  return [...lines(plan.body, ""), ...plan.cancels.map((cancel) => outerText(cancel, tasks))]
}

/** Names are printed where the journal has them. */
const headOf = (step: Step): string => {
  switch (step._tag) {
    case "Sleep":
    case "Yield":
    case "Succeed":
    case "Interrupt":
    case "Sequence":
    case "Catch":
    case "Uninterruptible":
      return step._tag.toLowerCase()
    case "Extra":
      return `${step.step.name} ${step.name}`
    case "Finalizer":
    case "Cancel":
    case "Fail":
    case "Die":
    case "Resource":
    case "Shield":
    case "Commit":
    case "Child":
    case "Nursery":
    case "Race":
    case "Join":
    case "Deadline":
    case "Latest":
    case "Native":
      return step.name
  }
}

const settingsOf = (step: Step, tasks: ReadonlyArray<string>): ReadonlyArray<string> => {
  switch (step._tag) {
    case "Sleep":
    case "Extra":
      return [String(step.ms)]
    case "Yield":
      return [String(step.turns)]
    case "Finalizer":
    case "Resource":
      return [cleanupText(step.cleanup)]
    case "Cancel":
      return [targetOf(tasks, step.target), step.wait ? "wait" : "ask", ...patienceText(step)]
    case "Shield":
      return step.budget === undefined ? [] : [`budget ${step.budget}`]
    case "Commit":
      return [`within ${step.within}`]
    case "Child":
      return step.background ? ["background"] : []
    case "Nursery":
      return [step.supervise ? "supervise" : "run"]
    case "Race":
      return [
        step.rule,
        ...(step.rule === "quorum" ? [`needed ${step.needed}`] : []),
        ...(step.rule === "hedge" ? [`delay ${step.delay}`] : []),
        ...patienceText(step)
      ]
    case "Join":
      return [
        step.rule,
        ...(step.rule === "within" ? [`limit ${step.limit}`] : []),
        ...(step.concurrency === undefined ? [] : [`concurrency ${step.concurrency}`]),
        ...(step.each === undefined ? [] : [`each ${step.each}`]),
        ...patienceText(step)
      ]
    case "Deadline":
      return [`limit ${step.limit}`, ...patienceText(step)]
    case "Latest":
      return [`every ${step.every}`, ...patienceText(step)]
    case "Native":
      return step.rule === "timeout" ? [step.rule, String(step.ms)] : [step.rule]
    case "Succeed":
    case "Fail":
    case "Die":
    case "Interrupt":
    case "Sequence":
    case "Catch":
    case "Uninterruptible":
      return []
  }
}

const cleanupText = ({ end, ms }: Cleanup): string =>
  `clean-up ${[...(ms === 0 ? [] : [`sleep ${ms}`]), ...(end === "succeed" && ms > 0 ? [] : [end])].join(" then ")}`

const patienceText = ({ giveUp, grace }: Patience): ReadonlyArray<string> => [
  ...(grace === undefined ? [] : [`grace ${grace}`]),
  ...(giveUp === undefined ? [] : [`giveUp ${giveUp}`])
]

const outerText = (cancel: OuterCancel, tasks: ReadonlyArray<string>): string =>
  [`at ${cancel.at} ${cancel.by} cancels ${targetOf(tasks, cancel.target)}`, ...patienceText(cancel)].join(" ")
