/** A task as code outside of Effect holds it: a promise with a handle. What is derived from it is a plain promise. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { CancelAbortError } from "../CancelAbortError.ts"
import * as CancelReason from "../CancelReason.ts"
import type { CancelResult } from "../CancelResult.ts"
import * as Task from "../Task.ts"
import * as TaskOutcome from "../TaskOutcome.ts"
import type { RunningTask } from "../TaskRunner.ts"
import { outcomeOf } from "./outcome.ts"
import type { RunnerNode } from "./runnerNode.ts"
import type { TaskNode } from "./taskNode.ts"
import { TaskRecord } from "./taskRecord.ts"

export class RunningTaskPromise<A, E> extends Promise<A> implements RunningTask<A, E> {
  private readonly node: TaskNode
  private readonly runner: RunnerNode
  private aborted: AbortController | undefined = undefined

  constructor(node: TaskNode, runner: RunnerNode) {
    super((resolve, reject) => {
      node.onClosed(() =>
        TaskOutcome.match(outcomeOf(node) as TaskOutcome.TaskOutcome<A, E>, {
          Completed: ({ value }) => resolve(value),
          Failed: ({ cause }) => reject(Cause.squash(cause)),
          Cancelled: ({ reason }) => reject(new CancelAbortError(reason))
        })
      )
    })
    this.node = node
    this.runner = runner
    // Nobody has to look: the outcome is kept. Whoever does look gets the rejection of a promise of their own.
    this.catch(() => {})
  }

  static override get [Symbol.species](): PromiseConstructor {
    return Promise
  }

  get name(): string {
    return this.node.name
  }

  get outcome(): Promise<TaskOutcome.TaskOutcome<A, E>> {
    return this.run(Task.await(this.task))
  }

  get signal(): AbortSignal {
    if (this.aborted !== undefined) return this.aborted.signal
    const controller = (this.aborted = new AbortController())
    const abort = (reason: CancelReason.CancelReason) => controller.abort(new CancelAbortError(reason))
    if (this.node.mark !== undefined) abort(this.node.mark.reason)
    else if (!this.node.gone) TaskRecord.of(this.node).onRequest(abort)
    return controller.signal
  }

  cancel(options?: Task.CancelOptions): Promise<CancelResult> {
    return this.run(Task.cancel(this.task, options))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.run(Effect.asVoid(Task.cancel(this.task, { reason: CancelReason.scopeClosed() })))
  }

  private get task(): Task.Task<A, E> {
    return this.node as unknown as Task.Task<A, E>
  }

  private run<B>(effect: Effect.Effect<B>): Promise<B> {
    return Effect.runPromiseWith(this.runner.context)(effect)
  }
}
