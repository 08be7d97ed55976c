/** One agent over the mock context on the test clock, leak-checked: the body runs as the agent. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { AgentTasks } from "../../../src/examples/agent-tasks/AgentTasks.ts"
import type { AgentContext } from "../../../src/examples/agent-tasks/context/AgentContext.ts"
import { all } from "../../../src/examples/agent-tasks/kinds/all.ts"
import * as MockContext from "../../../src/examples/agent-tasks/MockContext.ts"
import type { Desk } from "../../../src/examples/agent-tasks/table/inProcess.ts"
import type { WorkerLink } from "../../../src/examples/agent-tasks/WorkerLink.ts"
import { leakChecked } from "../../support/leaks.ts"

type Services = AgentContext | AgentTasks | WorkerLink | Desk | Scope.Scope

export const mocked = <A, E>(
  body: Effect.Effect<A, E, Services>,
  options?: Partial<MockContext.Options<never>>
): Effect.Effect<A, E> =>
  leakChecked(
    Effect.scoped(
      Effect.flatMap(Layer.build(MockContext.layer({ tasks: all, ...options })), (context) =>
        Effect.provideContext(body, context)
      )
    )
  )

/** Runs it on a fiber of its own and moves the clock in steps until it has ended; answers with what it came to. */
export const inTime = <A, E, R>(effect: Effect.Effect<A, E, R>, step = 10, atMost = 60_000): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect)
    for (let waited = 0; fiber.pollUnsafe() === undefined && waited <= atMost; waited += step) {
      yield* settled
      if (fiber.pollUnsafe() === undefined) yield* TestClock.adjust(step)
    }
    return yield* Fiber.join(fiber)
  })

/** Everything that can happen without time has happened. */
export const settled: Effect.Effect<void> = Effect.gen(function* () {
  for (let turn = 0; turn < 60; turn++) yield* Effect.yieldNow
})
