/** A task as its events tell of it, put together at a cost that is linear in their number. */
import { TaskState } from "@a2a-js/sdk"
import type * as A2A from "@a2a-js/sdk"
import { appendPiece } from "../appendPiece.ts"

export class TaskView {
  message: A2A.Message | undefined = undefined
  private task: A2A.Task | undefined = undefined
  private artifacts = new Map<string, A2A.Artifact>()

  get id(): string | undefined {
    return this.task?.id
  }

  get status(): A2A.TaskStatus | undefined {
    return this.task?.status
  }

  take({ payload }: A2A.StreamResponse): void {
    switch (payload?.$case) {
      case "task":
        this.task = payload.value
        this.artifacts = new Map(payload.value.artifacts.map((artifact) => [artifact.artifactId, own(artifact)]))
        return
      case "message":
        this.message = payload.value
        return
      case "statusUpdate": {
        const { metadata, status } = payload.value
        const task = this.of(payload.value)
        this.task = { ...task, status, metadata: metadata ? { ...task.metadata, ...metadata } : task.metadata }
        return
      }
      case "artifactUpdate": {
        const { append, artifact } = payload.value
        this.task = this.of(payload.value)
        if (artifact === undefined) return
        const before = this.artifacts.get(artifact.artifactId)
        if (append && before !== undefined) appendPiece(before, artifact)
        else this.artifacts.set(artifact.artifactId, own(artifact))
        return
      }
      case undefined:
    }
  }

  get now(): A2A.Task | undefined {
    return this.task === undefined ? undefined : { ...this.task, artifacts: Array.from(this.artifacts.values(), own) }
  }

  /** Some agents begin with an update. */
  private of(update: { readonly taskId: string; readonly contextId: string }): A2A.Task {
    const { contextId, taskId: id } = update
    return this.task ?? { id, contextId, status: undefined, artifacts: [], history: [], metadata: undefined }
  }
}

/** Parts are appended to it. */
const own = (artifact: A2A.Artifact): A2A.Artifact => ({ ...artifact, parts: artifact.parts.slice() })

export const statusOf = (payload: A2A.StreamResponse["payload"]): A2A.TaskStatus | undefined =>
  payload?.$case === "task" || payload?.$case === "statusUpdate" ? payload.value.status : undefined

const terminal: ReadonlySet<TaskState | undefined> = new Set([
  TaskState.TASK_STATE_COMPLETED,
  TaskState.TASK_STATE_FAILED,
  TaskState.TASK_STATE_CANCELED,
  TaskState.TASK_STATE_REJECTED
])

export const isTerminal = (status: A2A.TaskStatus | undefined): boolean => terminal.has(status?.state)

export const isQuestion = (status: A2A.TaskStatus | undefined): boolean =>
  status?.state === TaskState.TASK_STATE_INPUT_REQUIRED || status?.state === TaskState.TASK_STATE_AUTH_REQUIRED

export const isSame = (one: A2A.TaskStatus | undefined, other: A2A.TaskStatus | undefined): boolean =>
  one?.state === other?.state &&
  one?.timestamp === other?.timestamp &&
  one?.message?.messageId === other?.message?.messageId
