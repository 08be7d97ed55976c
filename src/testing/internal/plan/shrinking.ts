/**
 * Smaller plans, the smallest first: a member in the place of the whole, then
 * members and cancels left out, then shorter times and default settings. Each
 * candidate is a plan of its own kind again, so that any of them can be run.
 */
import type { Cleanup, Step, TaskPlan } from "../../TaskPlan.ts"
import { named } from "./naming.ts"

export const shrinksOf = (plan: TaskPlan): ReadonlyArray<TaskPlan> => [
  ...without(plan.cancels, 0).map((cancels) => named({ ...plan, cancels })),
  ...stepShrinks(plan.body).map((body) => named({ ...plan, body })),
  ...eachOf(plan.cancels, smallerSettings).map((cancels) => ({ ...plan, cancels }))
]

const stepShrinks = (step: Step): ReadonlyArray<Step> => [
  ...(step.members.length > 0 || step._tag === "Succeed" ? [] : [done]),
  ...step.members.map((member) => (member._tag === "Child" ? member.members[0] : member)),
  ...fewerMembers(step).map((members) => withMembers(step, members)),
  ...eachOf<Step>(step.members, (member) => (member._tag === "Child" ? childShrinks(member) : stepShrinks(member))).map(
    (members) => withMembers(step, members)
  ),
  ...smallerSettings(step)
]

const done: Step = { _tag: "Succeed", name: "", members: [] }

const withMembers = (step: Step, members: ReadonlyArray<Step>): Step => ({ ...step, members }) as unknown as Step

/** A child stays one, whatever it runs. */
const childShrinks = (child: Extract<Step, { readonly _tag: "Child" }>): ReadonlyArray<Step> => [
  ...(child.background ? [{ ...child, background: false }] : []),
  ...stepShrinks(child.members[0]).map((body) => withMembers(child, [body]))
]

const fewerMembers = (step: Step): ReadonlyArray<ReadonlyArray<Step>> => {
  const { _tag, members } = step
  if (_tag === "Nursery") return without(members.slice(1), 0).map((children) => [members[0]!, ...children])
  if (_tag === "Extra") return without(members, step.step.members?.[0] ?? 0)
  return lists.has(_tag) && members.length > 1 ? without(members, 1) : []
}

/** Steps that make sense with any number of members from one on. */
const lists: ReadonlySet<string> = new Set(["Sequence", "Race", "Join", "Latest", "Native"])

/** Each of the lists that have one element less, and for long ones each half. */
const without = <A>(list: ReadonlyArray<A>, least: number): ReadonlyArray<ReadonlyArray<A>> => {
  if (list.length <= least) return []
  const half = list.length >> 1
  const halves = half > 1 && half >= least ? [list.slice(0, half), list.slice(half)] : []
  return [...halves, ...list.map((_, index) => list.toSpliced(index, 1))]
}

const eachOf = <A>(
  list: ReadonlyArray<A>,
  shrinks: (element: A) => ReadonlyArray<A>
): ReadonlyArray<ReadonlyArray<A>> =>
  list.flatMap((element, index) => shrinks(element).map((smaller) => list.with(index, smaller)))

/** One setting smaller or left out. Bounds are not 0 where that would mean something else. */
const smallerSettings = <A extends object>(node: A): ReadonlyArray<A> =>
  Object.entries(node).flatMap(([field, value]): ReadonlyArray<A> => {
    if (optional.has(field) && value !== undefined) {
      return [undefined, ...smallerNumbers(value as number)].map((smaller) => ({ ...node, [field]: smaller }))
    }
    if (field === "cleanup") return cleanupShrinks(value as Cleanup).map((cleanup) => ({ ...node, cleanup }))
    if (field === "wait" && value === true) return [{ ...node, wait: false }]
    return typeof value === "number" ? smallerNumbers(value).map((smaller) => ({ ...node, [field]: smaller })) : []
  })

const optional = new Set(["grace", "giveUp", "budget", "concurrency", "each"])

const cleanupShrinks = (cleanup: Cleanup): ReadonlyArray<Cleanup> => [
  ...(cleanup.end === "succeed" ? [] : [{ ...cleanup, end: "succeed" as const }]),
  ...smallerNumbers(cleanup.ms).map((ms) => ({ ...cleanup, ms }))
]

/** 1, then halfway there, and so on up to one less: a time of thousands is at its smallest after a dozen. */
const smallerNumbers = (value: number): ReadonlyArray<number> => {
  if (value <= 1) return []
  const smaller = [1]
  for (let gap = value >> 1; gap > 0; gap >>= 1) if (value - gap > 1) smaller.push(value - gap)
  return smaller
}
