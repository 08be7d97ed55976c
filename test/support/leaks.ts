/**
 * The leak check of every test (K45): the effect runs below a scope tree, a set
 * of stragglers and a count of fibers of its own; all three must be empty when it
 * has ended. The test clock is told first that time will be moved by hand, so
 * that it forks no warning of its own.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { CurrentNode, RootNode } from "../../src/fibers/internal/currentNode.ts"
import type { ScopeNode } from "../../src/fibers/internal/scopeNode.ts"
import { openWaits } from "../../src/fibers/internal/waits.ts"
import { Stragglers } from "../../src/fibers/Stragglers.ts"

/** What lives now: for a look in the middle of a test. */
export class Leaks {
  fibers = 0
  readonly stragglers = new Set<ScopeNode>()
  readonly root: RootNode

  constructor(clock: Clock.Clock) {
    this.root = new RootNode(clock)
  }

  readonly counting: Metric.FiberRuntimeMetricsService = {
    recordFiberStart: () => {
      this.fibers++
    },
    recordFiberEnd: () => {
      this.fibers--
    }
  }

  /** The effect, with this tree, these stragglers and this count. */
  within<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return effect.pipe(
      Effect.provideService(Metric.FiberRuntimeMetrics, this.counting),
      Effect.provideService(CurrentNode, this.root),
      Effect.provideService(Stragglers, this.stragglers)
    )
  }

  /** Undefined when nothing is left. */
  get left(): string | undefined {
    const nodes: Array<string> = []
    this.root.walk((node) => {
      if (node !== this.root) nodes.push(`${node.kind} ${node.path}`)
      return true
    })
    const stragglers = Array.from(this.stragglers, (node) => node.path)
    const waits = openWaits()
    return nodes.length === 0 && stragglers.length === 0 && this.fibers === 0 && waits === 0
      ? undefined
      : `left behind: nodes [${nodes.join(", ")}], stragglers [${stragglers.join(", ")}], ${this.fibers} fibers, ${waits} waits`
  }
}

/** Runs a test and fails it if a node, a straggler or a fiber is left. */
export const leakChecked = <A, E, R>(
  effect: Effect.Effect<A, E, R> | ((leaks: Leaks) => Effect.Effect<A, E, R>)
): Effect.Effect<A, E, Exclude<R, Scope.Scope>> =>
  Effect.gen(function* () {
    yield* TestClock.adjust(0)
    const leaks = new Leaks(yield* Clock.Clock)
    const body = typeof effect === "function" ? effect(leaks) : effect
    // On a fiber of its own, whose native children have ended with it.
    const fiber = yield* Effect.forkChild(leaks.within(Effect.scoped(Effect.onError(body, () => letTimePass))))
    const exit = yield* Fiber.await(fiber)
    // A timer that was told to stop takes a turn.
    for (let turn = 0; turn < 3; turn++) yield* Effect.yieldNow
    const value = yield* exit
    if (leaks.left !== undefined) return yield* Effect.die(new Error(leaks.left))
    return value
  })

/** A test that failed moves the clock no more, and clean-up that sleeps must not hide its failure behind a timeout. */
const letTimePass = Effect.forkDetach(TestClock.adjust("1 minute"))
