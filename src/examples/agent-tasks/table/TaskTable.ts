/**
 * The table of tasks, in memory. Every change of a status is one compare-and-set in `move`, which also writes the event
 * and only then wakes whoever waits: a waiter that looks before it suspends and after each transition misses nothing.
 * Ended rows are kept for a time; what a crash of the process loses is everything.
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as CancelReason from "../../../fibers/CancelReason.ts"
import type { CancelResult } from "../../../fibers/CancelResult.ts"
import type { NewTask, Outcome, TaskId } from "../AgentTask.ts"
import type { EventBody } from "../AgentTaskEvent.ts"
import { isTerminal, leads, type Status } from "./status.ts"
import { type CancelRequest, TaskRow } from "./TaskRow.ts"

export interface TableOptions {
  /** How many ended rows are kept. Default: 10,000. */
  readonly keepCount?: number | undefined
  /** How long an ended row is kept. Default: 10 minutes. */
  readonly keepTime?: Duration.Input | undefined
  /** How many tasks may be open. Default: 50,000. */
  readonly maxOpen?: number | undefined
}

/** Why a cancel and how patiently; milliseconds, counted from the request. */
export interface CancelAsk {
  readonly reason: CancelReason.Draft | CancelReason.CancelReason
  readonly requestedBy: string
  readonly graceMillis?: number | undefined
  readonly giveUpMillis?: number | undefined
}

/** So many late cancels of one task leave an event; the others are only answered. */
const lateCancelsKept = 16

export class TaskTable {
  private readonly clock: Clock.Clock
  private readonly rows = new Map<TaskId, TaskRow>()
  /** Pending, running or cancelling. */
  readonly open = new Set<TaskRow>()
  /** Oldest end first. */
  private readonly ended = new Set<TaskRow>()
  private seq = 0
  private ends = 0
  private positions = 0
  private readonly keepCount: number
  private readonly keepMillis: number
  readonly maxOpen: number
  /** What others note in the step of a transition, after the row has changed: a place in the queue, a notice, the alarm. */
  readonly onMove: Array<(row: TaskRow) => void> = []
  /** What others do once for all transitions of a step. */
  readonly afterMoves: Array<() => void> = []

  constructor(clock: Clock.Clock, options?: TableOptions) {
    this.clock = clock
    this.keepCount = options?.keepCount ?? 10_000
    this.keepMillis = Duration.toMillis(options?.keepTime ?? "10 minutes")
    this.maxOpen = options?.maxOpen ?? 50_000
  }

  /** Milliseconds that only go forward, for whatever is waited for. */
  get time(): number {
    return Number(this.clock.monotonicTimeNanosUnsafe()) / 1_000_000
  }

  /** Epoch milliseconds. */
  get now(): number {
    return this.clock.currentTimeMillisUnsafe()
  }

  find(id: TaskId): TaskRow | undefined {
    const row = this.rows.get(id)
    if (row === undefined || row.endedAt >= this.now - this.keepMillis) return row
    this.forget(row)
    return undefined
  }

  all(): ReadonlyArray<TaskRow> {
    for (const row of this.ended) {
      if (row.endedAt >= this.now - this.keepMillis) break
      this.forget(row)
    }
    return Array.from(this.rows.values())
  }

  /** The row is there before anybody can know of it. The id must be free. */
  add(task: NewTask, owner: string, replaced: TaskRow | undefined): TaskRow {
    const attempt = replaced === undefined ? 1 : replaced.attempt + 1
    const row = new TaskRow(task, owner, attempt, this.positions++, this.time)
    this.rows.set(row.id, row)
    this.open.add(row)
    const { replaces } = task
    this.write(row, { _tag: "TaskScheduled", owner, ...(replaces === undefined ? {} : { replaces }) })
    return row
  }

  /** Tells the outside about rows that were added. */
  announce(rows: ReadonlyArray<TaskRow>): void {
    for (const row of rows) for (const hook of this.onMove) hook(row)
    for (const hook of this.afterMoves) hook()
  }

  /** The compare-and-set: only from the status that the caller saw, and only along an arrow. */
  move(row: TaskRow, seen: Status, to: Status, event: EventBody, outcome?: Outcome): boolean {
    if (row.status !== seen || !leads(seen, to)) return false
    row.status = to
    if (isTerminal(to)) this.end(row, outcome!)
    this.write(row, event)
    this.wake(row)
    return true
  }

  private end(row: TaskRow, outcome: Outcome): void {
    row.outcome = outcome
    row.ended = ++this.ends
    row.endedAt = this.now
    this.open.delete(row)
    this.ended.add(row)
    if (this.ended.size > this.keepCount) this.forget(this.ended.values().next().value!)
  }

  private forget(row: TaskRow): void {
    this.ended.delete(row)
    this.rows.delete(row.id)
  }

  /** An event without a transition. */
  write(row: TaskRow, body: EventBody): void {
    row.events.push({ ...body, id: row.id, kind: row.task.kind, seq: ++this.seq, at: this.now })
  }

  private wake(row: TaskRow): void {
    this.announce([row])
    // A copy: who is woken leaves the set, and may come back.
    for (const watcher of Array.from(row.watchers)) watcher()
  }

  /**
   * Asks a task to stop. A pending one has stopped with that; a running one is `cancelling` until its worker says how it
   * ended, or `giveUp` has passed. Answers with the request, which `resultOf` needs.
   */
  cancel(row: TaskRow, ask: CancelAsk): CancelRequest {
    const reason = CancelReason.stamp(ask.reason, row.id, this.now)
    const { requestedBy, graceMillis = 0, giveUpMillis = Infinity } = ask
    const at = this.time
    const request = { reason, requestedBy, at, grace: graceMillis, giveUpAt: at + giveUpMillis }
    if (isTerminal(row.status)) {
      const late = row.events.reduce((count, { _tag }) => (_tag === "CancelFailed" ? count + 1 : count), 0)
      if (late < lateCancelsKept) this.write(row, { _tag: "CancelFailed", reason, requestedBy, status: row.status })
    } else if (row.status === "cancelling") this.hasten(row, request)
    else {
      row.cancel = request
      if (row.status === "pending") this.stopped(row, "interrupted", {})
      else this.move(row, "running", "cancelling", { _tag: "CancelRequested", reason, requestedBy })
    }
    return request
  }

  /** The first reason stays; both bounds may only come closer. */
  private hasten(row: TaskRow, later: CancelRequest): void {
    const { cancel } = row
    if (cancel === undefined) return
    const grace = Math.min(cancel.grace, later.at - cancel.at + later.grace)
    const giveUpAt = Math.min(cancel.giveUpAt, later.giveUpAt)
    if (grace === cancel.grace && giveUpAt === cancel.giveUpAt) return
    cancel.grace = grace
    cancel.giveUpAt = giveUpAt
    this.wake(row)
  }

  /** Ends a task that was told to stop: `timed-out` if it was its deadline that told it. */
  stopped(
    row: TaskRow,
    how: "cooperative" | "interrupted" | "abandoned",
    said: { readonly partial?: unknown; readonly toldAt?: number | undefined; readonly stoppedAt?: number | undefined }
  ): boolean {
    const { at, reason, requestedBy } = row.cancel!
    const tookMillis = Math.round(this.time - at)
    const { partial, stoppedAt, toldAt } = said
    const fields = {
      reason,
      requestedBy,
      how,
      tookMillis,
      ...(toldAt === undefined ? {} : { toldAt }),
      ...(stoppedAt === undefined ? {} : { stoppedAt })
    }
    const outcome = { _tag: "Cancelled", reason, how, tookMillis, ...(partial === undefined ? {} : { partial }) }
    return requestedBy === deadlineAsks
      ? this.move(row, row.status, "timed-out", { _tag: "TaskTimedOut", ...fields }, outcome as Outcome)
      : this.move(row, row.status, "cancelled", { _tag: "TaskCancelled", ...fields }, outcome as Outcome)
  }
}

/** Who asks when a deadline has passed. */
export const deadlineAsks = "deadline"

/** What a cancel did, once the task has ended: the tag follows the outcome. */
export const resultOf = (row: TaskRow, request: CancelRequest): CancelResult => {
  const { id, outcome } = row
  if (outcome === undefined) return { _tag: "Requested", id, reason: row.cancel?.reason ?? request.reason }
  switch (outcome._tag) {
    case "Cancelled": {
      const { how, reason, tookMillis } = outcome
      const took = Duration.millis(tookMillis)
      return { _tag: row.cancel === request ? "Cancelled" : "AlreadyCancelled", id, reason, how, took }
    }
    case "Completed":
      return { _tag: "AlreadyCompleted", id, duringGrace: row.cancel !== undefined }
    case "Failed":
      return { _tag: "AlreadyFailed", id, duringGrace: row.cancel !== undefined }
  }
}
