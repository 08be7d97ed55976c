/**
 * Every fiber that ran below a check, so that those that live on can be named. Effect has no list of fibers, but asks
 * the scheduler before each operation whether the fiber should yield: whoever asks is known.
 */
import type * as Fiber from "effect/Fiber"
import type { Scheduler } from "effect/Scheduler"
import type * as Tracer from "effect/Tracer"
import { CurrentNode } from "../../fibers/internal/currentNode.ts"

type AnyFiber = Fiber.Fiber<unknown, unknown>

export class SeenFibers {
  private readonly seen = new Set<AnyFiber>()
  private last: AnyFiber | undefined = undefined
  private roomFor = 1000

  /** Decides as `scheduler` does. */
  through(scheduler: Scheduler): Scheduler {
    return {
      executionMode: scheduler.executionMode,
      makeDispatcher: () => scheduler.makeDispatcher(),
      shouldYield: (fiber) => {
        if (fiber !== this.last) this.see(fiber)
        return scheduler.shouldYield(fiber)
      }
    }
  }

  private see(fiber: AnyFiber): void {
    this.last = fiber
    this.seen.add(fiber)
    if (this.seen.size <= this.roomFor) return
    for (const known of this.seen) if (known.pollUnsafe() !== undefined) this.seen.delete(known)
    this.roomFor = 1000 + 2 * this.seen.size
  }

  /** Those that live, oldest first. */
  names(counts: (fiber: AnyFiber) => boolean): ReadonlyArray<string> {
    return Array.from(this.seen)
      .filter((fiber) => fiber.pollUnsafe() === undefined && counts(fiber))
      .map(nameOf)
  }
}

/** `fiber #12 in "fetch/page 3", span "retry > request"`. */
const nameOf = (fiber: AnyFiber): string => {
  const { path } = fiber.getRef(CurrentNode)
  const spans = spansOf(fiber.cache.span)
  return [
    `fiber #${fiber.id}`,
    path === "" ? " outside of any task" : ` in "${path}"`,
    spans.length === 0 ? "" : `, span "${spans.join(" > ")}"`
  ].join("")
}

const spansOf = (span: Tracer.AnySpan | undefined): ReadonlyArray<string> => {
  const names: Array<string> = []
  for (let at = span; at?._tag === "Span"; at = at.parent._tag === "Some" ? at.parent.value : undefined) {
    names.push(at.name)
  }
  return names.toReversed()
}
