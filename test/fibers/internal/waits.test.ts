import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { ScopeNode } from "../../../src/fibers/internal/scopeNode.ts"
import * as Nursery from "../../../src/fibers/Nursery.ts"
import * as Task from "../../../src/fibers/Task.ts"
import { leakChecked } from "../../support/leaks.ts"

/** So many tasks that in their clean-up each cancel another one, which takes a moment: milliseconds of work. */
const cancelsInCleanUp = (count: number) =>
  Effect.gen(function* () {
    const nursery = yield* Nursery.make("top")
    const asking = yield* Effect.forEach(Array.from({ length: count }), (_, index) =>
      Effect.flatMap(nursery.spawn(`slow ${index}`, Effect.ensuring(Effect.never, Effect.sleep(1))), (slow) =>
        nursery.spawn(`asking ${index}`, Effect.ensuring(Effect.never, Task.cancel(slow)))
      )
    )
    yield* Effect.yieldNow
    const begun = performance.now()
    yield* Task.cancelAll(asking)
    return performance.now() - begun
  }).pipe(Effect.scoped)

describe("waits", () => {
  it.live("10,000 cancels that wait in clean-up do not look at each other (K13, real time)", () =>
    leakChecked(
      Effect.gen(function* () {
        yield* cancelsInCleanUp(1000)
        const one = yield* cancelsInCleanUp(1000)
        // Ten times as many: 10 times the work, not 100.
        expect(yield* cancelsInCleanUp(10_000)).toBeLessThan(Math.max(50, one) * 30)
      }),
      { patience: "5 seconds" }
    )
  )

  it("a node 20,000 levels deep knows its root", () => {
    const root = new ScopeNode("root", "root", undefined)
    let node = root
    for (let level = 0; level < 20_000; level++) node = new ScopeNode("nursery", "nested", node)
    expect(node.root).toBe(root)
  })
})
