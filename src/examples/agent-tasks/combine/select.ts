/**
 * Choosing one of several tasks. `select` and `selectOk` look on: the losers keep running. `selectOkWithCancel` owns
 * them: the losers are cancelled on the server (`lost-race`, by the winner), awaited, and named.
 */
import * as Effect from "effect/Effect"
import * as Race from "../../../combinators/Race.ts"
import type { RaceFailed } from "../../../combinators/RaceFailed.ts"
import * as CancelReason from "../../../fibers/CancelReason.ts"
import type { CancelResult } from "../../../fibers/CancelResult.ts"
import type * as TaskOutcome from "../../../fibers/TaskOutcome.ts"
import type { TaskId } from "../AgentTask.ts"
import type { AgentTasksError } from "../agentTaskErrors.ts"
import type { CancelOptions, TaskHandle } from "../context/TaskHandle.ts"
import { AllTasksFailed, NoTasks, type Why } from "./combineErrors.ts"

type Handles<A> = ReadonlyArray<TaskHandle<A>>

/** By id: the ids are the names of the members, in reasons too. */
export const byId = <A, B>(handles: Handles<A>, f: (handle: TaskHandle<A>) => B): { readonly [id: TaskId]: B } =>
  Object.fromEntries(handles.map((handle) => [handle.id, f(handle)]))

const some = <A>(combinator: string, handles: Handles<A>): Effect.Effect<void, NoTasks> =>
  handles.length === 0 ? Effect.fail(new NoTasks({ combinator })) : Effect.void

const allFailed = ({ failures }: RaceFailed<Why>): AllTasksFailed =>
  new AllTasksFailed({ failures: failures.map(({ cause, member }) => ({ id: String(member), cause })) })

const indexOf = <A>(handles: Handles<A>, id: TaskId): number => handles.findIndex((handle) => handle.id === id)

/** The first to end, however it ended. */
export const select = <A>(
  handles: Handles<A>
): Effect.Effect<
  { readonly index: number; readonly id: TaskId; readonly outcome: TaskOutcome.TaskOutcome<A, Why> },
  NoTasks
> =>
  Effect.gen(function* () {
    yield* some("select", handles)
    const first = yield* Effect.orDie(
      Race.firstSettled(
        byId(handles, (handle) => handle.await),
        { name: "select" }
      )
    )
    const { outcome } = first
    const id = first.winner
    return {
      index: indexOf(handles, id),
      id,
      outcome: outcome._tag === "Completed" ? outcome.value : outcome
    }
  })

/** The first success. */
export const selectOk = <A>(
  handles: Handles<A>
): Effect.Effect<{ readonly index: number; readonly id: TaskId; readonly value: A }, NoTasks | AllTasksFailed> =>
  Effect.gen(function* () {
    yield* some("selectOk", handles)
    const won = yield* Effect.mapError(
      Race.firstSuccess(
        byId(handles, (handle) => handle.join),
        { name: "selectOk" }
      ),
      allFailed
    )
    const id = won.winner
    return { index: indexOf(handles, id), id, value: won.value }
  })

export interface Won<A> {
  readonly index: number
  readonly id: TaskId
  readonly value: A
  /** Exactly those that this call stopped, in the order of the input: not who had failed, or finished, by itself. */
  readonly cancelled: ReadonlyArray<TaskId>
  /** Those whose cancel could not be asked for: they may still run. */
  readonly notCancelled: ReadonlyArray<{ readonly id: TaskId; readonly error: AgentTasksError }>
}

/** Also in an earlier life of the agent, which was killed before it could note the outcome: nobody else names this winner. */
const isStoppedBy = (winner: TaskId, result: CancelResult | AgentTasksError | undefined): boolean =>
  result?._tag === "Cancelled" ||
  (result?._tag === "AlreadyCancelled" && result.reason.source === "lost-race" && result.reason.by === winner)

/**
 * The first success; the others are cancelled, and the requests go out lowest priority first. Where the order must hold
 * on the server too, `cancelMany` tells all in one step.
 */
export const selectOkWithCancel = <A>(
  handles: Handles<A>,
  policy?: Pick<CancelOptions, "grace" | "giveUp">
): Effect.Effect<Won<A>, NoTasks | AllTasksFailed> =>
  Effect.gen(function* () {
    yield* some("selectOkWithCancel", handles)
    const told = new Map<TaskId, CancelResult | AgentTasksError>()
    const members = byId(
      // A race tells its youngest member first.
      handles.toSorted((a, b) => b.priority - a.priority),
      (handle) => handle.run({ ...policy, onCancel: (result) => told.set(handle.id, result) })
    )
    const won = yield* Effect.mapError(Race.firstSuccess(members, { name: "selectOkWithCancel" }), (failed) => {
      const { failures } = allFailed(failed)
      return new AllTasksFailed({
        failures: failures.toSorted((a, b) => indexOf(handles, a.id) - indexOf(handles, b.id))
      })
    })
    const id = won.winner
    // One whose turn to be waited for never came was not told either.
    const untold = handles.filter(({ id }) => won.losers[id]?._tag === "NotStarted")
    const reason = CancelReason.lostRace({ by: id })
    yield* Effect.forEach(
      untold,
      (handle) =>
        Effect.match(handle.cancel({ ...policy, reason }), {
          onSuccess: (result) => told.set(handle.id, result),
          onFailure: (error) => told.set(handle.id, error)
        }),
      { concurrency: "unbounded", discard: true }
    )
    const results = handles.map((handle) => ({ id: handle.id, result: told.get(handle.id) }))
    return {
      index: indexOf(handles, id),
      id,
      value: won.value,
      cancelled: results.filter(({ result }) => isStoppedBy(id, result)).map(({ id }) => id),
      notCancelled: results.flatMap(({ id, result }) => (result instanceof Error ? [{ id, error: result }] : []))
    }
  })
