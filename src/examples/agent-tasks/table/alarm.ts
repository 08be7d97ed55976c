/**
 * What time alone changes: deadlines that pass, cancels that give up, leases that end. One fiber for the whole table,
 * which sleeps exactly until the next such moment and is woken when an earlier one comes up.
 */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as CancelReason from "../../../fibers/CancelReason.ts"
import { deadlineAsks, type TaskTable } from "./TaskTable.ts"
import type { TaskRow } from "./TaskRow.ts"
import type { WorkerDesk } from "./WorkerDesk.ts"

/** So long the work of a task that timed out may take to stop before it is given up on. */
const giveUpMillis = 5000

const ring = (table: TaskTable, desk: WorkerDesk, row: TaskRow): void => {
  const { time } = table
  if ((row.status === "pending" || row.status === "running") && row.deadline <= time) {
    const message = `Not done within ${row.task.timeoutMillis} ms`
    table.cancel(row, { reason: CancelReason.timeout({ message }), requestedBy: deadlineAsks, giveUpMillis })
  }
  if (row.status === "cancelling" && row.cancel!.giveUpAt <= time) table.stopped(row, "abandoned", {})
  if (row.leaseUntil <= time) desk.lost(row)
}

/** Runs until it is interrupted. */
export const alarm = (table: TaskTable, desk: WorkerDesk): Effect.Effect<never> =>
  Effect.suspend(() => {
    const earlier = Latch.makeUnsafe(false)
    let next = Infinity
    table.onMove.push((row) => {
      if (row.due < next) earlier.openUnsafe()
    })
    return Effect.forever(
      Effect.suspend(() => {
        for (const row of Array.from(table.open)) if (row.due <= table.time) ring(table, desk, row)
        earlier.closeUnsafe()
        next = Infinity
        for (const row of table.open) next = Math.min(next, row.due)
        return next === Infinity ? earlier.await : Effect.timeoutOption(earlier.await, Math.max(1, next - table.time))
      })
    )
  })
