/** Waits that no cancel from above would end, and who is told not to wait. */
import type { Mutant } from "../Mutant.ts"

const waits = "src/fibers/internal/waits.ts"
const asking = "src/fibers/internal/cancelAs.ts"
const drain = "src/fibers/internal/drain.ts"

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
    find: "open.some((target) => here.isWithin(target)) || isForEver",
    replace: "isForEver",
    tests: [model, task, nursery]
  },
  {
    name: "two that wait for each other's end hang",
    law: "K13",
    file: waits,
    find: "here.isWithin(target)) || isForEver({ from: standing(here), fiber }, open)) tell",
    replace: "here.isWithin(target))) tell",
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
    find: "  list(waits, from, wait)\n",
    replace: "",
    tests: [task, nursery, reviewed, random]
  },
  {
    name: "who waits already is not told of a wait that must be",
    law: "K13",
    file: waits,
    find: "  if (rootOf(from).waits.size > 1) fiber.currentDispatcher.scheduleTask(() => refuseTheOthers(wait), 0)\n",
    replace: "",
    tests: [proved, random]
  },
  {
    name: "a finalizer that waits is looked for only where it was added",
    law: "K13",
    file: waits,
    find: "  if (elsewhere !== undefined) list(waits, elsewhere, wait)\n",
    replace: "",
    tests: [proved, random]
  },
  {
    name: "a chain of waits is followed for one step only",
    law: "K13",
    file: waits,
    find: "for (const target of wait.targets) reached.add(target)",
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
    file: "src/fibers/internal/waits.ts",
    find: "  const withdraw = target.onClosed(() => {\n    end?.()\n",
    replace: "  const withdraw = target.onClosed(() => {\n",
    tests: [proved, "test/fibers/leaving.test.ts"]
  },
  {
    name: "of a wait that ends only a part is over",
    law: "K13 K45",
    file: waits,
    find: "    for (const end of ends) end()\n",
    replace: "    ends[0]?.()\n",
    tests: [proved]
  },
  {
    name: "who awaits a task in clean-up is not known to wait",
    law: "K13",
    file: "src/fibers/Task.ts",
    find: "const withdraw = afterClose(fiber, node, () => resume(Effect.succeed(outcomeOf(node))))",
    replace: "const withdraw = node.onClosed(() => resume(Effect.succeed(outcomeOf(node))))",
    tests: [proved]
  },
  {
    name: "who closes the scope of a nursery is not known to wait for its children",
    law: "K13",
    file: "src/fibers/internal/nurseryInScope.ts",
    find: "afterClose(fiber, node, () => resume(Effect.void))",
    replace: "node.onClosed(() => resume(Effect.void))",
    tests: [proved]
  },
  {
    name: "who closes the layer of tasks is not known to wait for them",
    law: "K13 K37",
    file: drain,
    find: "const end = isInterruptible(fiber) ? undefined : mustWait(fiber, tasks)",
    replace:
      "const end: (() => void) | undefined = isInterruptible(fiber) ? undefined : (mustWait(fiber, tasks)(), undefined)",
    tests: [proved]
  },
  {
    name: "a task that drains the tasks waits for itself",
    law: "K13 K37",
    file: drain,
    find: "const withdraw = whenClosed(fiber, [task], () => resume(Effect.void))",
    replace: "const withdraw = (whenClosed(fiber, [], () => {}), task.onClosed(() => resume(Effect.void)))",
    tests: [proved]
  },
  {
    name: "whoever drains waits until no task is left",
    law: "K13 K37",
    file: drain,
    find: 'source === "scope-closed" ? Effect',
    replace: "source.length > 0 ? Effect",
    tests: [proved]
  }
]
