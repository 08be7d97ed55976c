/**
 * The side of the table that workers talk to: hands out pending tasks, the highest priority first, keeps a lease on each
 * and takes the outcomes. A worker that dies is found out when its lease ends: the run then failed with `worker-lost`,
 * and is tried again only if the task has retries left. One that shuts down well hands its tasks back.
 */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Cause from "effect/Cause"
import * as Stream from "effect/Stream"
import type { Outcome } from "../AgentTask.ts"
import type { Assignment, Notice, Pulse, Receipt, Report, Run } from "../workerMessages.ts"
import { isTerminal } from "./status.ts"
import { deadlineAsks, type TaskTable } from "./TaskTable.ts"
import type { TaskRow } from "./TaskRow.ts"

type Failed = Extract<Outcome, { readonly _tag: "Failed" }>

export class WorkerDesk {
  private readonly table: TaskTable
  readonly leaseMillis: number
  /** By the worker that must run them, "" for any; each by priority, then by age. */
  private readonly pending = new Map<string, Array<TaskRow>>()
  private readonly claimers = new Set<() => void>()
  /** Something was queued since the claimers were woken. */
  private hasWork = false
  private readonly listeners = new Map<string, Set<(notice: Notice) => void>>()

  constructor(table: TaskTable, leaseMillis: number) {
    this.table = table
    this.leaseMillis = leaseMillis
    table.onMove.push((row) => {
      if (row.status === "pending") this.queue(row)
      else if (row.status === "cancelling") this.tell(row)
    })
    table.afterMoves.push(() => {
      if (!this.hasWork) return
      this.hasWork = false
      for (const claimer of Array.from(this.claimers)) claimer()
    })
  }

  private queue(row: TaskRow): void {
    this.hasWork = true
    const key = row.task.on ?? ""
    // Those that were cancelled meanwhile are passed over when their turn comes, unless it never comes.
    const all = this.pending.get(key) ?? []
    const queue = all.length > 64 + 2 * this.table.open.size ? all.filter(isPending) : all
    this.pending.set(key, queue)
    let at = queue.length
    while (at > 0 && isBefore(row, queue[at - 1]!)) at--
    queue.splice(at, 0, row)
  }

  /** Takes the row out that this worker should run next. */
  private next(worker: string): TaskRow | undefined {
    const any = this.head("")
    const own = this.head(worker)
    const row = any === undefined || (own !== undefined && isBefore(own, any)) ? own : any
    if (row !== undefined) this.pending.get(row.task.on ?? "")!.shift()
    return row
  }

  private head(key: string): TaskRow | undefined {
    const queue = this.pending.get(key) ?? []
    while (queue.length > 0 && !isPending(queue[0]!)) queue.shift()
    if (queue.length === 0) this.pending.delete(key)
    return queue[0]
  }

  /** Up to `max` tasks, as soon as there is one. */
  claim(worker: string, max: number): Effect.Effect<ReadonlyArray<Assignment>> {
    return Effect.callback((resume) => {
      const take = (): void => {
        // Not to be woken by what it does itself.
        this.claimers.delete(take)
        const taken = this.take(worker, max)
        if (taken.length === 0) this.claimers.add(take)
        else resume(Effect.succeed(taken))
      }
      take()
      return Effect.sync(() => this.claimers.delete(take))
    })
  }

  private take(worker: string, max: number): ReadonlyArray<Assignment> {
    const taken: Array<Assignment> = []
    while (taken.length < max) {
      const row = this.next(worker)
      if (row === undefined) break
      const { id, input, kind } = row.task
      row.worker = worker
      row.run++
      row.leaseUntil = this.table.time + this.leaseMillis
      this.table.move(row, "pending", "running", { _tag: "TaskStarted", worker, run: row.run })
      taken.push({ id, run: row.run, kind, input, owner: row.owner })
    }
    return taken
  }

  /** Everything this worker should stop, first what it may have missed, then as it comes. */
  notices(worker: string): Stream.Stream<Notice> {
    return Stream.callback<Notice>((queue) =>
      Effect.acquireRelease(
        Effect.sync(() => this.listen(worker, queue)),
        (withdraw) => Effect.sync(withdraw)
      )
    )
  }

  private listen(worker: string, queue: Queue.Queue<Notice, Cause.Done>): () => void {
    const listener = (notice: Notice): unknown => Queue.offerUnsafe(queue, notice)
    const listeners = this.listeners.get(worker) ?? new Set()
    this.listeners.set(worker, listeners.add(listener))
    for (const notice of this.cancellingOf(worker)) listener(notice)
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0 && this.listeners.get(worker) === listeners) this.listeners.delete(worker)
    }
  }

  /** True while somebody listens under this name. */
  isHere(worker: string): boolean {
    return this.listeners.has(worker)
  }

  private tell(row: TaskRow): void {
    for (const listener of this.listeners.get(row.worker!) ?? []) listener(noticeOf(row, this.table.time))
  }

  private cancellingOf(worker: string): ReadonlyArray<Notice> {
    return this.ofWorker(worker)
      .filter((row) => row.status === "cancelling")
      .map((row) => noticeOf(row, this.table.time))
  }

  private ofWorker(worker: string): ReadonlyArray<TaskRow> {
    return Array.from(this.table.open).filter((row) => row.worker === worker && row.status !== "pending")
  }

  /** Renews the leases of what the worker says it runs; never a deadline. */
  heartbeat(worker: string, runs: ReadonlyArray<Run>): Pulse {
    const stale = runs.filter((run) => {
      const row = this.heldBy(worker, run)
      if (row !== undefined && !isTerminal(row.status)) row.leaseUntil = this.table.time + this.leaseMillis
      return row === undefined || isTerminal(row.status)
    })
    return { stale, cancelling: this.cancellingOf(worker) }
  }

  private heldBy(worker: string, { id, run }: Run): TaskRow | undefined {
    const row = this.table.find(id)
    return row !== undefined && row.worker === worker && row.run === run && row.status !== "pending" ? row : undefined
  }

  report(worker: string, report: Report): Receipt {
    const row = this.heldBy(worker, report)
    if (row === undefined) return "stale"
    if (isTerminal(row.status)) {
      if (isGivenUp(row)) this.table.write(row, { _tag: "TaskStopped", worker, run: row.run })
      return "stale"
    }
    this.end(row, worker, report)
    return "accepted"
  }

  private end(row: TaskRow, worker: string, { outcome, stoppedAt, toldAt }: Report): void {
    const { table } = this
    const told = { toldAt, stoppedAt }
    // A deadline is for good, whatever came out a moment later.
    if (row.status === "cancelling" && row.cancel!.requestedBy === deadlineAsks) {
      const partial = outcome._tag === "Cancelled" ? outcome.partial : undefined
      table.stopped(row, outcome._tag === "Cancelled" ? outcome.how : "cooperative", { partial, ...told })
    } else if (outcome._tag === "Completed") {
      table.move(row, row.status, "completed", { _tag: "TaskCompleted", worker, run: row.run }, outcome)
    } else if (outcome._tag === "Failed") this.failed(row, outcome)
    else if (row.status === "running" && outcome.reason.source === "shutdown") this.handBack(row)
    else {
      // Without a request of ours it stopped itself.
      row.cancel ??= { reason: outcome.reason, requestedBy: worker, at: table.time, grace: 0, giveUpAt: Infinity }
      table.stopped(row, outcome.how, { partial: outcome.partial, ...told })
    }
  }

  private failed(row: TaskRow, outcome: Failed): void {
    const { run, worker } = row
    const { _tag, ...failure } = outcome
    const again = row.status === "running" && row.failures < (row.task.retries ?? 0) && isTransient(outcome)
    row.failures++
    if (again) this.requeue(row, { _tag: "TaskRetried", worker: worker!, run, ...failure })
    else this.table.move(row, row.status, "failed", { _tag: "TaskFailed", ...failure }, outcome)
  }

  private handBack(row: TaskRow): void {
    this.requeue(row, { _tag: "TaskReturned", worker: row.worker!, run: row.run })
  }

  private requeue(row: TaskRow, event: Parameters<TaskTable["move"]>[3]): void {
    row.worker = undefined
    row.leaseUntil = Infinity
    this.table.move(row, "running", "pending", event)
  }

  /** The worker has shut down: what it was given and never said anything about is free again. */
  leave(worker: string): void {
    for (const row of this.ofWorker(worker)) {
      if (row.status === "running") this.handBack(row)
      else this.table.stopped(row, "interrupted", {})
    }
  }

  /** The lease has ended without a heartbeat: nobody knows what became of the run. */
  lost(row: TaskRow): void {
    if (row.status === "cancelling") this.table.stopped(row, "abandoned", {})
    else if (row.status === "running") {
      const error = { title: `The worker "${row.worker}" was lost` }
      this.failed(row, { _tag: "Failed", error, fault: "worker-lost" })
    }
  }
}

/** What would fail again in the same way is not worth a retry. */
const isTransient = ({ fault }: Failed): boolean => fault !== "unknown-kind" && fault !== "invalid-input"

/** Its outcome was decided while its work went on, and of that nothing was heard since. */
const isGivenUp = ({ events, outcome }: TaskRow): boolean =>
  (outcome?._tag === "Cancelled"
    ? outcome.how === "abandoned"
    : outcome?._tag === "Failed" && outcome.fault === "worker-lost") &&
  !events.some(({ _tag }) => _tag === "TaskStopped")

const isPending = ({ status }: TaskRow): boolean => status === "pending"

const isBefore = (row: TaskRow, other: TaskRow): boolean => {
  const higher = (row.task.priority ?? 0) - (other.task.priority ?? 0)
  return higher > 0 || (higher === 0 && row.position < other.position)
}

/** The grace counts from the request: of a notice that comes later there is less left. */
const noticeOf = ({ cancel, id, run }: TaskRow, time: number): Notice => ({
  id,
  run,
  reason: cancel!.reason,
  graceMillis: Math.max(0, Math.round(cancel!.at + cancel!.grace - time))
})
