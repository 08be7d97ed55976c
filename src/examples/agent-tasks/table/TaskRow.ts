/** A row of the table. Only `TaskTable` writes it: each field is of the moment of the last transition. */
import type * as CancelReason from "../../../fibers/CancelReason.ts"
import type { NewTask, Outcome, TaskId, TaskView } from "../AgentTask.ts"
import type { AgentTaskEvent } from "../AgentTaskEvent.ts"
import type { Status } from "./status.ts"

/** The request whose reason counts: the first. Later ones may only bring its bounds forward. */
export interface CancelRequest {
  readonly reason: CancelReason.CancelReason
  readonly requestedBy: string
  /** This and the other bounds are of `TaskTable.time`. */
  readonly at: number
  /** Milliseconds from the request in which the work may finish by itself. */
  grace: number
  /** When the outcome is decided without the work; Infinity waits for it. */
  giveUpAt: number
}

export class TaskRow {
  readonly task: NewTask
  readonly owner: string
  readonly attempt: number
  readonly position: number
  readonly deadline: number
  status: Status = "pending"
  run = 0
  failures = 0
  worker: string | undefined = undefined
  leaseUntil = Infinity
  cancel: CancelRequest | undefined = undefined
  outcome: Outcome | undefined = undefined
  ended: number | undefined = undefined
  endedAt = Infinity
  readonly events: Array<AgentTaskEvent> = []
  /** Called after each transition; they look for themselves whether it is what they wait for. */
  readonly watchers = new Set<() => void>()

  constructor(task: NewTask, owner: string, attempt: number, position: number, at: number) {
    this.task = task
    this.owner = owner
    this.attempt = attempt
    this.position = position
    this.deadline = task.timeoutMillis === undefined ? Infinity : at + task.timeoutMillis
  }

  get id(): TaskId {
    return this.task.id
  }

  /** Calls back after each transition until the returned function withdraws. */
  watch(watcher: () => void): () => void {
    this.watchers.add(watcher)
    return () => this.watchers.delete(watcher)
  }

  /** When time alone changes something next. */
  get due(): number {
    if (this.status === "pending") return this.deadline
    if (this.status === "running") return Math.min(this.deadline, this.leaseUntil)
    if (this.status === "cancelling") return Math.min(this.cancel!.giveUpAt, this.leaseUntil)
    return Infinity
  }

  get view(): TaskView {
    const { attempt, ended, id, outcome, owner, run, status, task, worker } = this
    return {
      id,
      kind: task.kind,
      owner,
      status,
      attempt,
      run,
      ...(worker === undefined ? {} : { worker }),
      ...(outcome === undefined ? {} : { outcome }),
      ...(ended === undefined ? {} : { ended })
    }
  }
}
