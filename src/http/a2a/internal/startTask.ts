/** One A2A task as one task of `Tasks`: what becomes of it is told in the very step that decides it. */
import { TaskState } from "@a2a-js/sdk"
import type * as Effect from "effect/Effect"
import type { Task } from "../../../fibers/Task.ts"
import { isTerminal, type TaskEvent } from "../../../fibers/TaskEvent.ts"
import type { AlreadyRunning, Draining, Tasks, TooManyTasks } from "../../../fibers/Tasks.ts"
import type { Agent } from "../Agent.ts"
import type { AgentTask } from "./agentTask.ts"
import { endOf } from "./endOf.ts"
import { runAgent } from "./runAgent.ts"
import type { Turning } from "./turning.ts"

export const startTask = <R>(
  tasks: Tasks["Service"],
  agent: Agent<R>,
  visible: AgentTask,
  turn: Turning
): Effect.Effect<Task<unknown, unknown, unknown>, AlreadyRunning | Draining | TooManyTasks, R> =>
  tasks.start(visible.id, runAgent(agent, turn), {
    record: recorder(agent, visible, turn),
    onShutdown: agent.onShutdown,
    timeLimit: agent.timeLimit,
    overdue: agent.cancel
  })

const recorder =
  (agent: Agent<any>, visible: AgentTask, turn: Turning) =>
  (event: TaskEvent): void => {
    if (event._tag === "Started") visible.setStatus(TaskState.TASK_STATE_WORKING)
    if (!isTerminal(event)) return
    if (event._tag === "Cancelled" && agent.partialResult && turn.unfinished !== undefined) {
      visible.addArtifact(turn.unfinished, { id: "partial", last: true })
    }
    const { content, metadata, state } = endOf(event)
    visible.setStatus(state, content, metadata)
  }
