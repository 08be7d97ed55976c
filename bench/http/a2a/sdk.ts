/**
 * The SDK's `DefaultRequestHandler` on express, with an executor as correct as its interface lets one be: a cancel aborts
 * the work at once, no chunk is published after it, and the terminal status is out before `execute` resolves.
 */
import { createServer } from "node:http"
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises"
import { type Artifact, TaskState } from "@a2a-js/sdk"
import {
  AgentEvent,
  type AgentExecutor,
  DefaultRequestHandler,
  type ExecutionEventBus,
  InMemoryTaskStore,
  type RequestContext
} from "@a2a-js/sdk/server"
import { agentCardHandler, jsonRpcHandler, UserBuilder } from "@a2a-js/sdk/server/express"
// It has no types of its own.
// @ts-expect-error
import express from "express"
import type { AgentServer } from "../Contestant.ts"
import { listen } from "../listen.ts"
import { chunkOf, commandOf, type Pace } from "./commands.ts"

class Executor implements AgentExecutor {
  readonly running = new Map<string, AbortController>()

  async execute(request: RequestContext, bus: ExecutionEventBus): Promise<void> {
    const { contextId, taskId } = request
    const controller = new AbortController()
    this.running.set(taskId, controller)
    const status = (state: TaskState) => ({ state, message: undefined, timestamp: new Date().toISOString() })
    const say = (state: TaskState): void =>
      bus.publish(AgentEvent.statusUpdate({ taskId, contextId, status: status(state), metadata: undefined }))
    bus.publish(
      AgentEvent.task({
        id: taskId,
        contextId,
        status: status(TaskState.TASK_STATE_SUBMITTED),
        artifacts: [],
        history: [request.userMessage],
        metadata: undefined
      })
    )
    say(TaskState.TASK_STATE_WORKING)
    const artifact = (text: string, append: boolean, lastChunk: boolean): void =>
      bus.publish(
        AgentEvent.artifactUpdate({
          taskId,
          contextId,
          artifact: resultOf(text),
          append,
          lastChunk,
          metadata: undefined
        })
      )
    try {
      await perform(request, controller.signal, artifact)
      say(TaskState.TASK_STATE_COMPLETED)
    } catch {
      say(controller.signal.aborted ? TaskState.TASK_STATE_CANCELED : TaskState.TASK_STATE_FAILED)
    } finally {
      this.running.delete(taskId)
    }
  }

  async cancelTask(taskId: string): Promise<void> {
    this.running.get(taskId)?.abort()
  }
}

type Publish = (text: string, append: boolean, lastChunk: boolean) => void

const perform = async ({ userMessage }: RequestContext, signal: AbortSignal, publish: Publish): Promise<void> => {
  const [part] = userMessage.parts
  const command = commandOf(part?.content?.$case === "text" ? part.content.value : "")
  switch (command.do) {
    case "echo":
      return publish(command.text, false, true)
    case "stream":
      for (let index = 0; index < command.count; index++) {
        await pause(command.pace, signal)
        signal.throwIfAborted()
        publish(chunkOf(index), index > 0, false)
      }
      return
    case "wait":
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true })
      })
  }
}

const pause = (pace: Pace, signal: AbortSignal): Promise<void> | void => {
  if (pace === "by-turn") return nextTurn()
  if (pace !== "at-once") return sleep(pace, undefined, { signal })
}

const resultOf = (text: string): Artifact => ({
  artifactId: "result",
  name: "result",
  description: "",
  parts: [{ content: { $case: "text", value: text }, mediaType: "text/plain", filename: "", metadata: undefined }],
  metadata: undefined,
  extensions: []
})

export const sdk = async (): Promise<AgentServer> => {
  const app = express()
  // Its users have both on; without them it is faster.
  app.disable("x-powered-by")
  app.disable("etag")
  const port = await listen(createServer({ keepAliveTimeout: 60_000 }, app))
  const executor = new Executor()
  const url = `http://127.0.0.1:${port}/`
  const requestHandler = new DefaultRequestHandler(
    {
      name: "bench",
      description: "Echoes, streams and waits",
      version: "1.0.0",
      supportedInterfaces: [{ url, protocolBinding: "JSONRPC", protocolVersion: "1.0", tenant: "" }],
      provider: undefined,
      capabilities: { streaming: true, pushNotifications: false, extendedAgentCard: false, extensions: [] },
      securitySchemes: {},
      securityRequirements: [],
      defaultInputModes: ["text/plain"],
      defaultOutputModes: ["text/plain"],
      skills: [],
      signatures: []
    },
    new InMemoryTaskStore(),
    executor
  )
  app.use("/.well-known/agent-card.json", agentCardHandler({ agentCardProvider: requestHandler }))
  app.use("/", jsonRpcHandler({ requestHandler, userBuilder: UserBuilder.noAuthentication }))
  return { port, left: async () => executor.running.size }
}
