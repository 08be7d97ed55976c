/** Agents behind real sockets: the SDK's express handlers, over the SDK's own engine or ours. */
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { type AgentCard, TaskState } from "@a2a-js/sdk"
import {
  type A2ARequestHandler,
  AgentEvent,
  type AgentExecutor,
  DefaultRequestHandler,
  InMemoryTaskStore
} from "@a2a-js/sdk/server"
import { agentCardHandler, jsonRpcHandler, restHandler, UserBuilder } from "@a2a-js/sdk/server/express"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
// @ts-expect-error -- it comes without types, and only the SDK looks at what it hands over
import express from "express"
import * as A2AHandler from "../../../src/http/a2a/A2AHandler.ts"
import * as Agent from "../../../src/http/a2a/Agent.ts"
import * as AgentEngine from "../../../src/http/a2a/AgentEngine.ts"
import * as Card from "../../../src/http/a2a/Card.ts"
import type { Tasks } from "../../../src/fibers/Tasks.ts"

export type Binding = "JSONRPC" | "HTTP+JSON"

export interface Served {
  readonly url: string
  /** Cuts every connection, as a network does. */
  readonly cut: Effect.Effect<void>
}

/** An agent of ours, served by the SDK. */
export const served = (
  agent: Agent.Agent<never>,
  binding: Binding = "JSONRPC"
): Effect.Effect<Served, never, Scope.Scope | Tasks> =>
  listening(binding, agent, (card) =>
    Effect.map(AgentEngine.make(agent, { card }), (engine) => A2AHandler.make(engine))
  )

/** An executor as an honest user of the SDK writes it: it says `count` words, and stops when it is told to. */
export const sdkServed = (
  binding: Binding,
  count: number
): Effect.Effect<Served & { readonly stopped: ReadonlyArray<string> }, never, Scope.Scope> =>
  Effect.suspend(() => {
    const stopped: Array<string> = []
    const agent = Agent.make("sdk", { description: "Under test", run: () => Effect.void })
    const executor = honest(count, stopped)
    return Effect.map(
      listening(binding, agent, (card) =>
        Effect.succeed(new DefaultRequestHandler(card, new InMemoryTaskStore(), executor))
      ),
      (served) => ({ ...served, stopped })
    )
  })

const honest = (count: number, stopped: Array<string>): AgentExecutor => {
  const running = new Map<string, AbortController>()
  return {
    execute: async ({ contextId, taskId, userMessage }, bus) => {
      const own = new AbortController()
      running.set(taskId, own)
      const status = (state: TaskState) => ({ state, message: undefined, timestamp: new Date().toISOString() })
      const say = (state: TaskState) =>
        bus.publish(AgentEvent.statusUpdate({ taskId, contextId, status: status(state), metadata: undefined }))
      bus.publish(
        AgentEvent.task({
          id: taskId,
          contextId,
          status: status(TaskState.TASK_STATE_SUBMITTED),
          artifacts: [],
          history: [userMessage],
          metadata: undefined
        })
      )
      say(TaskState.TASK_STATE_WORKING)
      for (let index = 0; index < count && !own.signal.aborted; index++) {
        const part = {
          content: { $case: "text" as const, value: `${index} ` },
          metadata: undefined,
          filename: "",
          mediaType: ""
        }
        const artifact = {
          artifactId: "a",
          name: "",
          description: "",
          parts: [part],
          metadata: undefined,
          extensions: []
        }
        bus.publish(
          AgentEvent.artifactUpdate({
            taskId,
            contextId,
            artifact,
            append: index > 0,
            lastChunk: false,
            metadata: undefined
          })
        )
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      running.delete(taskId)
      stopped.push(own.signal.aborted ? "cancelled" : "completed")
      say(own.signal.aborted ? TaskState.TASK_STATE_CANCELED : TaskState.TASK_STATE_COMPLETED)
      bus.finished()
    },
    cancelTask: async (taskId) => running.get(taskId)?.abort()
  }
}

const listening = <R>(
  binding: Binding,
  agent: Agent.Agent<never>,
  handlerOf: (card: AgentCard) => Effect.Effect<A2ARequestHandler, never, R>
): Effect.Effect<Served, never, R | Scope.Scope> =>
  Effect.gen(function* () {
    const app = express()
    const server = yield* Effect.acquireRelease(
      Effect.callback<Server>((resume) => {
        const server = createServer(app)
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) =>
        Effect.callback<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        })
    )
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const at = binding === "JSONRPC" ? `${url}/rpc` : `${url}/rest`
    const requestHandler = yield* handlerOf(Card.make(agent, { interfaces: [{ url: at, protocolBinding: binding }] }))
    const userBuilder = UserBuilder.noAuthentication
    app.use("/.well-known/agent-card.json", agentCardHandler({ agentCardProvider: requestHandler }))
    app.use("/rpc", jsonRpcHandler({ requestHandler, userBuilder }))
    app.use("/rest", restHandler({ requestHandler, userBuilder }))
    return { url, cut: Effect.sync(() => server.closeAllConnections()) }
  })
