/** One A2A task as one task of `Tasks`: what becomes of it is told in the very step that decides it. */
import type * as Effect from "effect/Effect"
import { companion } from "../../../fibers/internal/companion.ts"
import type { Task } from "../../../fibers/Task.ts"
import type { AlreadyRunning, Draining, Tasks, TooManyTasks } from "../../../fibers/Tasks.ts"
import type { Agent } from "../Agent.ts"
import type { AgentTask } from "./agentTask.ts"
import { runAgent } from "./runAgent.ts"
import type { Turning } from "./turning.ts"

export const startTask = <R>(
  tasks: Tasks["Service"],
  agent: Agent<R>,
  visible: AgentTask,
  turn: Turning
): Effect.Effect<Task<unknown, unknown, unknown>, AlreadyRunning | Draining | TooManyTasks, R> => {
  const options = {
    onShutdown: agent.onShutdown,
    timeLimit: agent.timeLimit,
    overdue: agent.cancel,
    [companion]: visible
  }
  return tasks.start(visible.id, runAgent(agent, turn), options)
}
