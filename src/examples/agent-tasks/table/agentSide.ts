/** `AgentTasks` over the table in this process: checks what is asked, then asks the table. */
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as CancelReason from "../../../fibers/CancelReason.ts"
import type { CancelResult } from "../../../fibers/CancelResult.ts"
import { TaskNotFound, TooManyTasks } from "../../../fibers/Tasks.ts"
import type { NewTask, TaskId } from "../AgentTask.ts"
import { Forbidden, InvalidArgument, type Refusal, WrongState } from "../agentTaskErrors.ts"
import { type AgentTasks, type CancelCall, type CancelItem, type Mode, OwnerCheck, type Order } from "../AgentTasks.ts"
import { isTerminal } from "./status.ts"
import { type CancelAsk, resultOf, type TaskTable } from "./TaskTable.ts"
import type { CancelRequest, TaskRow } from "./TaskRow.ts"

type Service = AgentTasks["Service"]

const idPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

const checked = (id: string): Effect.Effect<string, InvalidArgument> =>
  idPattern.test(id)
    ? Effect.succeed(id)
    : Effect.fail(new InvalidArgument({ field: "id", message: `A task id is a UUID in lower case, not "${id}"` }))

/** The row, if there is one and the caller may reach it. */
const reach = (table: TaskTable, caller: string, id: TaskId): Effect.Effect<TaskRow, Refusal> =>
  Effect.gen(function* () {
    const row = table.find(yield* checked(id))
    if (row === undefined) return yield* Effect.fail(new TaskNotFound({ id }))
    return (yield* OwnerCheck)(caller, row.owner) ? row : yield* Effect.fail(new Forbidden({ id, caller }))
  })

/** Looks, and only then, in the same step, suspends; looks again after each transition of one of them. */
const until = (rows: ReadonlyArray<TaskRow>, met: () => boolean): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (met()) return resume(Effect.void)
    const leave = (): void => {
      for (const withdraw of watched) withdraw()
    }
    const watched = rows.map((row) =>
      row.watch(() => {
        if (!met()) return
        leave()
        resume(Effect.void)
      })
    )
    return Effect.sync(leave)
  })

const isMet = (rows: ReadonlyArray<TaskRow>, mode: Mode): boolean =>
  mode === "all" || rows.length === 0
    ? rows.every(({ status }) => isTerminal(status))
    : rows.some(({ status }) => isTerminal(status))

/** A complete one stays as it is. */
const reasonOf = (caller: string, given: CancelCall["reason"] = {}): CancelReason.Draft | CancelReason.CancelReason => {
  if (given instanceof CancelReason.CancelReason) return given
  const { at, scope, ...draft } = given
  const { message } = CancelReason.request(draft)
  const reason = { source: "request", by: caller, ...draft, message } as const
  return at === undefined || scope === undefined
    ? reason
    : CancelReason.stamp({ ...reason, by: draft.by }, scope, at.epochMilliseconds)
}

const askOf = (caller: string, { giveUpMillis, graceMillis, reason }: CancelCall = {}): CancelAsk => ({
  reason: reasonOf(caller, reason),
  requestedBy: caller,
  graceMillis,
  giveUpMillis
})

const answer = (row: TaskRow, request: CancelRequest, call: CancelCall | undefined): Effect.Effect<CancelResult> =>
  Effect.map(call?.wait === false ? Effect.void : until([row], () => isTerminal(row.status)), () =>
    resultOf(row, request)
  )

/** A task that says no is left alone while it runs; once it has ended there is nothing to protect. */
const ask = (table: TaskTable, row: TaskRow, by: CancelAsk): CancelRequest | WrongState =>
  row.task.cancellable === false && !isTerminal(row.status)
    ? new WrongState({ id: row.id, status: row.status, message: `The task "${row.id}" is not cancellable` })
    : table.cancel(row, by)

const byPriority: { readonly [O in Order]: (a: TaskRow, b: TaskRow) => number } = {
  given: () => 0,
  "lowest-priority-first": (a, b) => (a.task.priority ?? 0) - (b.task.priority ?? 0),
  "highest-priority-first": (a, b) => (b.task.priority ?? 0) - (a.task.priority ?? 0)
}

const cancelMany = (table: TaskTable): Service["cancelMany"] =>
  Effect.fnUntraced(function* (caller, ids, call, order = "given") {
    const wanted = yield* Effect.forEach(ids, (id) =>
      Effect.map(Effect.result(reach(table, caller, id)), (row) => ({ id, row }))
    )
    const asked = new Map<TaskRow, CancelRequest | WrongState>()
    const rows = wanted.flatMap(({ row }) => (row._tag === "Success" ? [row.success] : []))
    // All in one step: nobody is told late because another one is slow.
    for (const row of rows.toSorted(byPriority[order])) {
      if (!asked.has(row)) asked.set(row, ask(table, row, askOf(caller, call)))
    }
    return yield* Effect.forEach(
      wanted,
      ({ id, row }): Effect.Effect<CancelItem> => {
        if (row._tag === "Failure") {
          return Effect.succeed(
            row.failure._tag === "TaskNotFound"
              ? { id, result: { _tag: "NotFound", id } }
              : { id, error: row.failure.message }
          )
        }
        const request = asked.get(row.success)!
        if (request instanceof WrongState) return Effect.succeed({ id, error: request.message })
        return Effect.map(answer(row.success, request, call), (result) => ({ id, result }))
      },
      { concurrency: "unbounded" }
    )
  })

/** One that was never sent, or is long forgotten, can be replaced too; one of another agent cannot. */
const replacedBy = (table: TaskTable, caller: string, id: TaskId): Effect.Effect<TaskRow | undefined, Refusal> =>
  Effect.catchTag(reach(table, caller, id), "TaskNotFound", () => Effect.undefined)

const submit = (table: TaskTable): Service["submit"] =>
  Effect.fnUntraced(function* (caller, tasks) {
    const fresh = new Map<TaskId, { readonly task: NewTask; readonly replaced: TaskRow | undefined }>()
    for (const task of tasks) {
      const there = table.find(yield* checked(task.id))
      const before = there?.task ?? fresh.get(task.id)?.task
      const replaced = task.replaces === undefined ? undefined : yield* replacedBy(table, caller, task.replaces)
      if (before === undefined) fresh.set(task.id, { task, replaced })
      else if ((there?.owner ?? caller) !== caller || !Equal.equals(before, task)) {
        const message = `The id "${task.id}" is taken by another task; take a fresh one`
        return yield* Effect.fail(new WrongState({ id: task.id, status: there?.status ?? "pending", message }))
      }
    }
    if (table.open.size + fresh.size > table.maxOpen) {
      return yield* Effect.fail(new TooManyTasks({ maxRunning: table.maxOpen }))
    }
    const added: Array<TaskRow> = []
    for (const { replaced, task } of fresh.values()) {
      if (table.find(task.id) === undefined) added.push(table.add(task, caller, replaced))
    }
    const views = tasks.map(({ id }) => table.find(id)!.view)
    table.announce(added)
    return views
  })

export const agentSide = (table: TaskTable): Service => {
  const rowsOf = (caller: string, ids: ReadonlyArray<TaskId>) => Effect.forEach(ids, (id) => reach(table, caller, id))
  return {
    submit: submit(table),
    cancelMany: cancelMany(table),
    results: (caller, ids) => Effect.map(rowsOf(caller, ids), (rows) => rows.map(({ view }) => view)),
    wait: (caller, ids, mode) =>
      Effect.flatMap(rowsOf(caller, ids), (rows) =>
        Effect.map(
          until(rows, () => isMet(rows, mode)),
          () => rows.map(({ view }) => view)
        )
      ),
    cancelTask: (caller, id, call) =>
      reach(table, caller, id).pipe(
        Effect.flatMap((row): Effect.Effect<CancelResult, WrongState> => {
          const request = ask(table, row, askOf(caller, call))
          return request instanceof WrongState ? Effect.fail(request) : answer(row, request, call)
        }),
        Effect.catchTag("TaskNotFound", () => Effect.succeed<CancelResult>({ _tag: "NotFound", id }))
      ),
    list: (caller) =>
      Effect.map(OwnerCheck, (mayReach) =>
        table
          .all()
          .filter(({ owner }) => mayReach(caller, owner))
          .map(({ view }) => view)
      ),
    events: (caller, id) => Effect.map(reach(table, caller, id), ({ events }) => events.slice())
  }
}
