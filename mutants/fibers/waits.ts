/** Waits that no cancel from above would end, and who is told not to wait. */
import type { Mutant } from "../Mutant.ts"

const waits = "src/fibers/internal/waits.ts"
const asking = "src/fibers/internal/cancelAs.ts"
const api = "src/fibers/Task.ts"

const task = "test/fibers/Task.test.ts"
const nursery = "test/fibers/Nursery.test.ts"
const reviewed = "test/fibers/reviewed.test.ts"
const random = "test/fibers/cancelAtRandom.test.ts"
const proved = "test/fibers/proved.test.ts"
const outside = "test/combinators/outsideTask.test.ts"
const model = "test/model/model.test.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "a cancel of oneself waits",
    law: "K13",
    file: waits,
    find: "here.isWithin(target) || wouldDeadlock(here, target)",
    replace: "wouldDeadlock(here, target)",
    tests: [model, task, nursery]
  },
  {
    name: "two that wait for each other's end hang",
    law: "K13",
    file: waits,
    find: "here.isWithin(target) || wouldDeadlock(here, target)",
    replace: "here.isWithin(target)",
    tests: [task, nursery, reviewed, random]
  },
  {
    name: "who waits for what has ended is told that it waits in vain",
    law: "K13",
    file: waits,
    find: "if (open.length === 0) tell(true)",
    replace: "if (open.length === 0) tell(false)",
    tests: ["test/fibers/Control.test.ts"]
  },
  {
    name: "a wait that nothing can end is not known to others",
    law: "K13",
    file: waits,
    find: "  waits.add(wait)\n",
    replace: "",
    tests: [task, nursery, reviewed, random]
  },
  {
    name: "who waits already is not told of a wait that must be",
    law: "K13",
    file: waits,
    find: "if (waits.size > 1) fiber.currentDispatcher.scheduleTask(refuseTheOthers, 0)",
    replace: "",
    tests: [proved, random]
  },
  {
    name: "a finalizer that waits is looked for only where it was added",
    law: "K13",
    file: waits,
    find: "!wait.from.isWithin(scope) && !runs(scope, wait.fiber)",
    replace: "!wait.from.isWithin(scope)",
    tests: [proved, random]
  },
  {
    name: "a chain of waits is followed for one step only",
    law: "K13",
    file: waits,
    find: "if (!reached.includes(wait.target)) reached.push(wait.target)",
    replace: "",
    tests: [proved, random]
  },
  {
    name: "who waits below a shield counts as one that a cancel ends",
    law: "K13 K39",
    file: waits,
    find: "if (node.holdsOff) return true",
    replace: "",
    tests: [reviewed, "test/fibers/Shield.test.ts", nursery, task, random]
  },
  {
    name: "a canceller that leaves stays listed as one that waits",
    law: "K13 K45",
    file: asking,
    find: "return Effect.sync(withdraw)",
    replace: "return Effect.void",
    tests: [task, nursery, reviewed, outside, random]
  },
  {
    name: "who waited for an outcome in clean-up counts as one that still waits",
    law: "K13 K45",
    file: api,
    find: "          const withdraw = node.onClosed(() => {\n            end?.()\n",
    replace: "          const withdraw = node.onClosed(() => {\n",
    tests: [proved, "test/fibers/leaving.test.ts"]
  }
]
