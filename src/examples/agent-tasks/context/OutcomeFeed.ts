/**
 * Waits for any number of tasks with one request at a time: all that somebody in this agent waits for, until one of them
 * has ended. Those that ended meanwhile are told in the order of their ends, so that of two that are there already the
 * one that was first wins a race.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import type { TaskId, TaskView } from "../AgentTask.ts"
import type { AgentTasksError } from "../agentTaskErrors.ts"
import { isTerminal } from "../table/status.ts"

type Told = (exit: Exit.Exit<TaskView, AgentTasksError>) => void

export class OutcomeFeed {
  private readonly waiting = new Map<TaskId, Set<Told>>()
  private readonly known = new Map<TaskId, TaskView>()
  private readonly changed = Latch.makeUnsafe(false)
  private readonly ask: (ids: ReadonlyArray<TaskId>) => Effect.Effect<ReadonlyArray<TaskView>, AgentTasksError>

  constructor(ask: (ids: ReadonlyArray<TaskId>) => Effect.Effect<ReadonlyArray<TaskView>, AgentTasksError>) {
    this.ask = ask
  }

  /** Waits for its end. Needs `run` to be running. */
  ended(id: TaskId): Effect.Effect<TaskView, AgentTasksError> {
    return Effect.callback((resume) => {
      const told: Told = (exit) => resume(exit)
      const others = this.waiting.get(id)
      if (others === undefined) this.waiting.set(id, new Set([told]))
      else others.add(told)
      this.changed.openUnsafe()
      return Effect.sync(() => {
        const left = this.waiting.get(id)
        left?.delete(told)
        if (left?.size === 0) this.waiting.delete(id)
      })
    })
  }

  /** What is known of its end without asking. */
  poll(id: TaskId): TaskView | undefined {
    return this.known.get(id)
  }

  /** Puts in an end that the server knows nothing of. */
  decide(view: TaskView): void {
    this.known.set(view.id, view)
    if (this.waiting.has(view.id)) this.tell(view.id, Exit.succeed(view))
  }

  private tell(id: TaskId, exit: Exit.Exit<TaskView, AgentTasksError>): void {
    const all = this.waiting.get(id) ?? []
    this.waiting.delete(id)
    for (const told of all) told(exit)
  }

  private learn(views: ReadonlyArray<TaskView>): void {
    const ended = views.filter(({ status }) => isTerminal(status))
    for (const view of ended) this.known.set(view.id, view)
    for (const view of ended.toSorted((a, b) => (a.ended ?? 0) - (b.ended ?? 0))) this.tell(view.id, Exit.succeed(view))
  }

  private fail(error: AgentTasksError, ids: ReadonlyArray<TaskId>): void {
    // Of one task: the others go on waiting.
    const whose = "id" in error && this.waiting.has(error.id) ? [error.id] : ids
    for (const id of whose) this.tell(id, Exit.fail(error))
  }

  /** Until it is interrupted. */
  readonly run: Effect.Effect<never> = Effect.forever(
    Effect.gen({ self: this }, function* () {
      yield* this.changed.await
      // Whoever starts to wait in the same turn is in the same request.
      yield* Effect.yieldNow
      this.changed.closeUnsafe()
      const ids = Array.from(this.waiting.keys())
      if (ids.length === 0) return
      const here = ids.flatMap((id) => this.known.get(id) ?? [])
      if (here.length > 0) this.learn(here)
      else {
        yield* Effect.raceFirst(
          Effect.match(this.ask(ids), {
            onSuccess: (views) => this.learn(views),
            onFailure: (error) => this.fail(error, ids)
          }),
          this.changed.await
        )
      }
      if (this.waiting.size > 0) this.changed.openUnsafe()
    })
  )
}
