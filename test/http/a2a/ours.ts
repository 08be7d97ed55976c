/** One agent behind both of ours: the engine, and the executor under the SDK's own handler. */
import type * as A2A from "@a2a-js/sdk"
import { type ExecutionEventBusManager, RequestContext, type TaskStore } from "@a2a-js/sdk/server"
import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { Tasks } from "../../../src/fibers/Tasks.ts"
import * as A2AHandler from "../../../src/http/a2a/A2AHandler.ts"
import * as Agent from "../../../src/http/a2a/Agent.ts"
import * as AgentExecutor from "../../../src/http/a2a/AgentExecutor.ts"
import type { Turn } from "../../../src/http/a2a/Turn.ts"
import { leakChecked } from "../../support/leaks.ts"
import { callOf, requestOf, withEngine } from "./engines.ts"
import { callsOf, type Calls, sdkServer, turns } from "./sdkServer.ts"

export interface Served extends Calls {
  readonly kind: Kind
  /** Of the executor. */
  readonly buses?: ExecutionEventBusManager
}

export type Kind = "the engine" | "the executor"

export interface Options {
  /** Of the executor. Default: its own. */
  readonly busManager?: ExecutionEventBusManager
  readonly store?: TaskStore
  readonly maxRunning?: number
}

type Program = Agent.Agent<never> | ((turn: Turn) => Agent.Run<never>)

/** The same test for each. */
export const ours = (
  law: string,
  agent: () => Program,
  test: (served: Served) => Effect.Effect<unknown, unknown, Tasks | Scope.Scope>,
  kinds: ReadonlyArray<Kind> = ["the engine", "the executor"]
): void => {
  for (const kind of kinds) {
    it.effect(`${kind}: ${law}`, () =>
      leakChecked(kind === "the engine" ? engineOf(agent(), test) : executorOf(agent(), test))
    )
  }
}

const engineOf = <A>(agent: Program, test: (served: Served) => Effect.Effect<A, unknown, Tasks | Scope.Scope>) =>
  withEngine(agent, (engine) => test({ ...callsOf(A2AHandler.make(engine)), kind: "the engine" }))

export const withExecutor = <A, E>(
  agent: Program,
  test: (made: AgentExecutor.AgentExecutor) => Effect.Effect<A, E, Tasks | Scope.Scope>,
  options?: Options
): Effect.Effect<A, E> =>
  Effect.flatMap(
    AgentExecutor.make(
      typeof agent === "function" ? Agent.make("agent", { description: "Under test", run: agent }) : agent
    ),
    test
  ).pipe(Effect.scoped, Effect.provide(Layer.fresh(Tasks.layer(options))))

export const executorOf = <A, E>(
  agent: Program,
  test: (served: Served) => Effect.Effect<A, E, Tasks | Scope.Scope>,
  options?: Options
): Effect.Effect<A, E> =>
  withExecutor(
    agent,
    (made) => {
      const busManager = options?.busManager ?? made.busManager
      const server = sdkServer(made.executor, { ...options, busManager })
      return test({ ...server, kind: "the executor" })
    },
    options
  )

/** Everything that can happen at this time has happened. */
export const settled: Effect.Effect<void> = Effect.promise(() => turns())

/** As the SDK's handler hands it to an executor. */
export const contextOf = (taskId: string, text = "go", task?: A2A.Task): RequestContext =>
  new RequestContext(requestOf(text, { taskId, contextId: "context" }), taskId, "context", callOf(), task)
