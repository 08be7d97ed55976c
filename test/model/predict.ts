/**
 * The contract of DESIGN section 5 as a small sequential program: what the
 * journal of a plan must say. It was written from the contract, not from the
 * kernel. `outside` names what it leaves out: native combinators, turns within an
 * instant, and everything but plain steps where no interrupt gets in.
 */
import { memberName, stepsOf, tasksOf } from "../../src/testing/internal/plan/naming.ts"
import type { TaskEntry } from "../../src/testing/TaskJournal.ts"
import type { Step, TaskPlan } from "../../src/testing/TaskPlan.ts"
import { type Body, Unit } from "./nodes.ts"
import { Steps } from "./steps.ts"
import { World } from "./world.ts"

export interface Prediction {
  readonly entries: ReadonlyArray<TaskEntry>
  /** Why the contract does not determine this plan. */
  readonly open: string | undefined
  /** What a cancel gave up on, and since when: what it still does is no outcome of anything. */
  readonly adrift: ReadonlyMap<string, number>
}

export const predict = (plan: TaskPlan): Prediction => {
  const left = outside(plan)
  if (left !== undefined) return { entries: [], open: left, adrift: new Map() }
  const world = new World()
  const names = tasksOf(plan)
  const steps = new Steps(world, names)
  const start: Body = (fiber, done) => steps.unit("main", plan.body, true).body(fiber, done)
  const main = new Unit(world, "main", undefined, start)
  steps.tasks.set("main", main)
  plan.cancels.forEach((cancel, index) => {
    const stop = world.after(cancel.at, () =>
      steps.cancel(`${cancel.by}${index + 1}`, `request/${cancel.by}`, cancel.target, cancel, true, undefined, () => {})
    )
    main.onClosed(stop)
  })
  main.open()
  world.turn(() => main.start())
  world.run()
  return { entries: world.entries, open: world.open, adrift: adriftIn(steps) }
}

/** All names below whatever was given up on. */
const adriftIn = ({ steps, world }: Steps): ReadonlyMap<string, number> => {
  const adrift = new Map<string, number>()
  for (const [unit, at] of world.abandoned) {
    const below = stepsOf(steps.get(unit)!).flatMap((step) => [
      step.name,
      `${step.name}.body`,
      ...step.members.map((_, index) => memberName(step, index))
    ])
    for (const name of [unit, ...below]) adrift.set(name, Math.min(at, adrift.get(name) ?? Infinity))
  }
  return adrift
}

const plain: ReadonlySet<string> = new Set([
  "Sleep",
  "Succeed",
  "Fail",
  "Die",
  "Sequence",
  "Catch",
  "Resource",
  "Finalizer"
])

const isPlain = (step: Step): boolean => stepsOf(step).every(({ _tag }) => plain.has(_tag))

const outside = (plan: TaskPlan): string | undefined => {
  for (const step of stepsOf(plan.body)) {
    const { _tag, members } = step
    if (_tag === "Native" || _tag === "Yield" || _tag === "Extra") return _tag
    if ((_tag === "Uninterruptible" || _tag === "Commit") && !isPlain(members[0]))
      return `${_tag} around more than plain steps`
    if (_tag === "Shield" && stepsOf(members[0]).some((below) => below._tag === "Cancel"))
      return "a cancel from within a shield"
  }
  return undefined
}
