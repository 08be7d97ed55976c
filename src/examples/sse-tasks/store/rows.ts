/** Records as rows of the table: JSON is text there, and what is left out is NULL. */
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import { type TaskEnd, TaskRecord } from "./TaskRecord.ts"

export type Row = Readonly<Record<string, unknown>>

const jsonColumns = ["params", "final_value", "error", "cancellation_details"]

const decode = Schema.decodeUnknownSync(TaskRecord)

/** Throws on a row that no record could be: somebody else wrote it. */
export const recordOf = (row: Row): TaskRecord => {
  const fields: Record<string, unknown> = {}
  for (const [column, value] of Object.entries(row)) {
    if (value === null) continue
    fields[column] = jsonColumns.includes(column) ? JSON.parse(value as string) : value
  }
  return decode({ ...Struct.omit(fields, ["continue_flag"]), continue: fields["continue_flag"] === 1 })
}

export const columnsOf = (end: TaskEnd): Record<string, unknown> =>
  Object.fromEntries(Object.entries(end).map(([column, value]) => [column, textOf(column, value)]))

/** All that an attempt changes. */
export const progressOf = (record: TaskRecord): Record<string, unknown> =>
  Object.fromEntries(progress.map((column) => [column, textOf(column, record[column])]))

const progress = [
  "status",
  "attempts",
  "started_at",
  "completed_at",
  "failed_at",
  "cancelled_at",
  "cancellation_reason",
  "cancelled_by",
  "cancellation_details",
  "final_value",
  "error",
  "last_event"
] as const satisfies ReadonlyArray<keyof TaskRecord>

const textOf = (column: string, value: unknown): unknown =>
  value !== undefined && jsonColumns.includes(column) ? JSON.stringify(value) : value
