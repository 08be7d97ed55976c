import type { AgentExecutor as SdkExecutor, ExecutionEventBus, RequestContext } from "@a2a-js/sdk/server"
import type { DefaultRequestHandler } from "@a2a-js/sdk/server"
import type * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { describe, expectTypeOf, it } from "vitest"
import type { Tasks } from "../../../src/fibers/Tasks.ts"
import type * as Agent from "../../../src/http/a2a/Agent.ts"
import * as AgentExecutor from "../../../src/http/a2a/AgentExecutor.ts"

declare const agent: Agent.Agent<Context.Service<"db", string>>

describe("AgentExecutor", () => {
  it("needs Tasks, a scope, and what the agent needs", () => {
    expectTypeOf(AgentExecutor.make(agent)).toEqualTypeOf<
      Effect.Effect<AgentExecutor.AgentExecutor, never, Tasks | Scope.Scope | Context.Service<"db", string>>
    >()
  })

  it("can be extended, and replaced, by a class of one's own, S2-73", () => {
    class Extended extends AgentExecutor.Extended {
      override execute(request: RequestContext, bus: ExecutionEventBus): Promise<void> {
        return super.execute(request, bus)
      }
    }
    class Own implements SdkExecutor {
      execute(): Promise<void> {
        return Promise.resolve()
      }
      cancelTask(): Promise<void> {
        return Promise.resolve()
      }
    }
    type Third = ConstructorParameters<typeof DefaultRequestHandler>[2]
    expectTypeOf<Extended>().toExtend<Third>()
    expectTypeOf<Own>().toExtend<Third>()
    expectTypeOf<AgentExecutor.AgentExecutor["executor"]>().toEqualTypeOf<Third>()
    expectTypeOf<Own>().toExtend<ConstructorParameters<typeof AgentExecutor.Extended>[0]>()
  })
})
