/**
 * Tasks that were scheduled and not yet sent. The first who waits for anything sends all of them in one request; until
 * then a cancel simply takes one out. The request is not the waiter's: a waiter that leaves stops nobody's submission.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Nursery from "../../../fibers/Nursery.ts"
import * as Task from "../../../fibers/Task.ts"
import type { NewTask, TaskId } from "../AgentTask.ts"
import type { AgentTasksError } from "../agentTaskErrors.ts"

export class Outbox {
  private readonly recorded = new Map<TaskId, NewTask>()
  private readonly sending = new Set<TaskId>()
  private request: Deferred.Deferred<Task.Task<unknown, AgentTasksError>> | undefined
  private readonly nursery: Nursery.Nursery<AgentTasksError>
  private readonly send: (batch: ReadonlyArray<NewTask>) => Effect.Effect<unknown, AgentTasksError>

  constructor(
    nursery: Nursery.Nursery<AgentTasksError>,
    send: (batch: ReadonlyArray<NewTask>) => Effect.Effect<unknown, AgentTasksError>
  ) {
    this.nursery = nursery
    this.send = send
  }

  add(task: NewTask): void {
    this.recorded.set(task.id, task)
  }

  /** The task, if it had not been sent: now it never will be. */
  drop(id: TaskId): NewTask | undefined {
    const task = this.recorded.get(id)
    this.recorded.delete(id)
    return task
  }

  isSending(id: TaskId): boolean {
    return this.sending.has(id)
  }

  /** What was sent before has arrived, or failed; what is recorded now goes out, in one request. */
  readonly submit: Effect.Effect<void, AgentTasksError> = Effect.uninterruptibleMask((restore) =>
    Effect.suspend(() => {
      if (this.request !== undefined) return restore(Effect.andThen(joined(this.request), this.submit))
      if (this.recorded.size === 0) return Effect.void
      // There before the task is, which may have ended before anybody sees its handle.
      const request = Deferred.makeUnsafe<Task.Task<unknown, AgentTasksError>>()
      this.request = request
      const sent = this.sendRecorded()
      return this.nursery.spawn("submit", sent).pipe(
        Effect.flatMap((task) => Deferred.succeed(request, task)),
        Effect.andThen(restore(joined(request)))
      )
    })
  )

  private sendRecorded(): Effect.Effect<unknown, AgentTasksError> {
    const batch = Array.from(this.recorded.values())
    this.recorded.clear()
    for (const { id } of batch) this.sending.add(id)
    return this.send(batch).pipe(
      // The ids are ours, so that sending again what perhaps arrived does no harm.
      Effect.tapError(() => Effect.sync(() => batch.forEach((task) => this.add(task)))),
      Effect.ensuring(
        Effect.sync(() => {
          this.request = undefined
          this.sending.clear()
        })
      )
    )
  }
}

/** The agent's context is closed: whoever still waits in it is interrupted with it. */
const joined = (
  request: Deferred.Deferred<Task.Task<unknown, AgentTasksError>>
): Effect.Effect<void, AgentTasksError> =>
  Deferred.await(request).pipe(
    Effect.flatMap(Task.join),
    Effect.catchTag("TaskCancelled", () => Effect.interrupt),
    Effect.asVoid
  )
