/**
 * What a careful engineer writes by hand with promises: a group of tasks, one AbortController each, linked to the
 * parent's signal. The group, not each task, listens to the parent: Node walks all listeners of a signal to add one, so
 * 10,000 listeners on one signal take quadratic time, and this contestant shall be good, not a straw man.
 */
import { getEventListeners } from "node:events"
import type { Probe } from "./Probe.ts"

export class GroupTask<A> {
  readonly controller = new AbortController()
  done!: Promise<A>
}

export class TaskGroup {
  readonly #parent: AbortSignal
  readonly #live = new Set<GroupTask<unknown>>()
  readonly #onAbort = (): void => this.#abortAll(this.#parent.reason)

  constructor(parent: AbortSignal) {
    this.#parent = parent
    parent.addEventListener("abort", this.#onAbort, { once: true })
  }

  get size(): number {
    return this.#live.size
  }

  spawn<A>(body: (signal: AbortSignal) => Promise<A>): GroupTask<A> {
    const task = new GroupTask<A>()
    if (this.#parent.aborted) task.controller.abort(this.#parent.reason)
    this.#live.add(task)
    task.done = this.#run(task, body)
    return task
  }

  async #run<A>(task: GroupTask<A>, body: (signal: AbortSignal) => Promise<A>): Promise<A> {
    try {
      return await body(task.controller.signal)
    } finally {
      this.#live.delete(task)
    }
  }

  /** Tells all to stop, waits until all have ended, and unlinks the group from its parent. */
  async cancel(reason: unknown): Promise<void> {
    const live = Array.from(this.#live, (task) => task.done)
    this.#abortAll(reason)
    await Promise.allSettled(live)
    this.#parent.removeEventListener("abort", this.#onAbort)
  }

  #abortAll(reason: unknown): void {
    for (const task of this.#live) task.controller.abort(reason)
  }
}

/** Rejects with the signal's reason when it is aborted. */
export const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error)
    else signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true })
  })

/** The controller above a round's groups; at the end of the round nobody may listen to it any more. */
export const parentController = (probe: Probe): AbortController => {
  const parent = new AbortController()
  probe.left("listeners on the parent's signal", () => getEventListeners(parent.signal, "abort").length)
  return parent
}
