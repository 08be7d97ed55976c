/** Breaks of batches (K4, K13, K19, K36). */
import type { Mutant } from "../Mutant.ts"

const batch = ["test/combinators/Batch.test.ts"]
const node = "src/combinators/Batch.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "the first failure of a `collect` ends it",
    law: "K36",
    file: node,
    find: 'batch(items, each, options, "never")',
    replace: 'batch(items, each, options, "failed")',
    tests: batch
  },
  {
    name: "a failure of a `failFast` ends nothing",
    law: "K36",
    file: node,
    find: 'batch(items, each, options, "failed")',
    replace: 'batch(items, each, options, "never")',
    tests: batch
  },
  {
    name: "a batch that failed returns its report",
    law: "K36",
    file: node,
    find: "join.failed.size > 0 ? Effect.fail(",
    replace: "join.failed.size < 0 ? Effect.fail(",
    tests: batch
  },
  {
    name: "a batch ignores its concurrency",
    law: "K36",
    file: node,
    find: "...planOf(options, failFast)",
    replace: "...planOf({ ...options, concurrency: undefined }, failFast)",
    tests: batch
  },
  {
    name: "an item that throws before it makes an effect breaks the batch",
    law: "K36",
    file: node,
    find: "Effect.suspend(() => each(item, index))",
    replace: "each(item, index)",
    tests: batch
  },
  {
    name: "items are not told their index",
    law: "K36",
    file: node,
    find: "Effect.suspend(() => each(item, index))",
    replace: "Effect.suspend(() => each(item, 0))",
    tests: batch
  },
  {
    name: "a cancelled item counts as failed",
    law: "K36",
    file: node,
    find: 'cancelled: count("Cancelled") }',
    replace: "cancelled: 0 }",
    tests: batch
  },
  {
    name: "a batch in a scope that has closed never answers",
    law: "K5 K36",
    file: node,
    find: "yield* Effect.raceFirst(Deferred.await(begun), Task.await(task))",
    replace: "yield* Deferred.await(begun)",
    tests: batch
  },
  {
    name: "a batch is not named in the tree",
    law: "K43",
    file: node,
    find: "nursery.spawn(name, run)",
    replace: 'nursery.spawn("run", run)',
    tests: batch
  },
  {
    name: "a cancel of a batch has no patience",
    law: "K12 K36",
    file: node,
    find: "node?.cancel(reason, CancelPolicy.make(cancelOptions))",
    replace: "node?.cancel(reason)",
    tests: batch
  },
  {
    name: "a cancel of a batch does not say who asked",
    law: "K19",
    file: node,
    find: "const reason = reasonOf(fiber.getRef(CurrentNode), cancelOptions)",
    replace: 'const reason = cancelOptions?.reason ?? { source: "request" as const, message: "" }',
    tests: batch
  },
  {
    name: "a cancel of a batch cancels nothing",
    law: "K36",
    file: node,
    find: "node?.cancel(reason, CancelPolicy.make(cancelOptions))",
    replace: "",
    tests: batch
  },
  {
    name: "a cancel of an item does not wait for its end",
    law: "K1 K36",
    file: node,
    find: "cancelAs(member, cancelOptions, true)",
    replace: "cancelAs(member, cancelOptions, false)",
    tests: batch
  },
  {
    name: "a cancel of an item has no patience",
    law: "K12 K36",
    file: node,
    find: "cancelAs(member, cancelOptions, true)",
    replace: "cancelAs(member, { reason: cancelOptions?.reason }, true)",
    tests: batch
  },
  {
    name: "a cancel of an item that there is not answers as if there were one",
    law: "K36",
    file: node,
    find: '{ _tag: "NotFound", id: String(index) }',
    replace: '{ _tag: "NotFound", id: "batch" }',
    tests: batch
  },
  {
    name: "an item that waits for its batch in clean-up hangs",
    law: "K13",
    file: node,
    find: "if (node.gone || !isHeldOff(fiber)) return",
    replace: "if (node.gone || isHeldOff(fiber)) return",
    tests: batch
  },
  {
    name: "a batch waits in clean-up for who waits for it",
    law: "K13",
    file: node,
    find: "resume(closed ? Task.join(task) : Effect.die(selfWait(task.name)))",
    replace: "resume(Task.join(task))",
    tests: batch
  },
  {
    name: "who waits in clean-up for a batch is not known to",
    law: "K13",
    file: "src/fibers/internal/waits.ts",
    find: "if (isHeldOff(fiber)) ends.push(begin({",
    replace: "if (fiber === undefined) ends.push(begin({",
    tests: batch
  },
  {
    name: "an item that waits for its batch where a cancel would end the wait is a defect",
    law: "K13",
    file: node,
    find: "if (node.gone || !isHeldOff(fiber)) return",
    replace: "if (node.gone) return",
    tests: batch
  },
  {
    name: "the items of a batch stand in the order of their ends",
    law: "K36",
    file: node,
    find: "const items = members.map((member, index) => ({",
    replace: "const items = members.toReversed().map((member, index) => ({",
    tests: batch
  }
]
