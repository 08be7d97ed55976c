/**
 * Choosing one of several tasks. `select` and `selectOk` look on: the losers keep running. `selectOkWithCancel` owns
 * them: the losers are cancelled on the server (`lost-race`, by the winner), awaited, and named.
 */
import type * as Cause from "effect/Cause"
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
export type Policy = Pick<CancelOptions, "grace" | "giveUp">

/** By id: the ids are the names of the members, in reasons too. */
export const byId = <A, B>(handles: Handles<A>, f: (handle: TaskHandle<A>) => B): { readonly [id: TaskId]: B } =>
  Object.fromEntries(handles.map((handle) => [handle.id, f(handle)]))

const some = <A>(combinator: string, handles: Handles<A>): Effect.Effect<void, NoTasks> =>
  handles.length === 0 ? Effect.fail(new NoTasks({ combinator })) : Effect.void

const indexOf = <A>(handles: Handles<A>, id: TaskId): number => handles.findIndex((handle) => handle.id === id)

/** What a race tells of its members, in the order of the input. */
export const inOrder = <A>(
  handles: Handles<A>,
  failures: RaceFailed<Why>["failures"]
): ReadonlyArray<{ readonly id: TaskId; readonly cause: Cause.Cause<Why> }> =>
  failures
    .map(({ cause, member }) => ({ id: String(member), cause }))
    .toSorted((a, b) => indexOf(handles, a.id) - indexOf(handles, b.id))

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
    const { value, winner } = yield* Effect.mapError(
      Race.firstSuccess(
        byId(handles, (handle) => handle.join),
        { name: "selectOk" }
      ),
      ({ failures }) => new AllTasksFailed({ failures: inOrder(handles, failures) })
    )
    return { index: indexOf(handles, winner), id: winner, value }
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
const isStoppedBy = (winner: string, result: CancelResult | AgentTasksError | undefined): boolean =>
  result?._tag === "Cancelled" ||
  (result?._tag === "AlreadyCancelled" && result.reason.source === "lost-race" && result.reason.by === winner)

/** The members of a race that owns its tasks: where one loses, it is cancelled on the server. */
export interface Racers<A> {
  readonly members: { readonly [id: TaskId]: Effect.Effect<A, Why> }
  /** What the cancels came to. One whose turn to be waited for never came was not told yet. */
  readonly stopped: (
    winner: string,
    losers: { readonly [id: TaskId]: { readonly _tag: string } | undefined }
  ) => Effect.Effect<Pick<Won<A>, "cancelled" | "notCancelled">>
}

export const racers = <A>(handles: Handles<A>, policy?: Policy): Racers<A> => {
  const told = new Map<TaskId, CancelResult | AgentTasksError>()
  return {
    members: byId(
      // A race tells its youngest member first.
      handles.toSorted((a, b) => b.priority - a.priority),
      (handle) => handle.run({ ...policy, onCancel: (result) => told.set(handle.id, result) })
    ),
    stopped: (winner, losers) =>
      Effect.gen(function* () {
        const reason = CancelReason.lostRace({ by: winner })
        yield* Effect.forEach(
          handles.filter(({ id }) => losers[id]?._tag === "NotStarted"),
          (handle) =>
            Effect.match(handle.cancel({ ...policy, reason }), {
              onSuccess: (result) => told.set(handle.id, result),
              onFailure: (error) => told.set(handle.id, error)
            }),
          { concurrency: "unbounded", discard: true }
        )
        const results = handles.map(({ id }) => ({ id, result: told.get(id) }))
        return {
          cancelled: results.filter(({ result }) => isStoppedBy(winner, result)).map(({ id }) => id),
          notCancelled: results.flatMap(({ id, result }) => (result instanceof Error ? [{ id, error: result }] : []))
        }
      })
  }
}

/**
 * The first success; the others are cancelled, and the requests go out lowest priority first. Where the order must hold
 * on the server too, `cancelMany` tells all in one step.
 */
export const selectOkWithCancel = <A>(
  handles: Handles<A>,
  policy?: Policy
): Effect.Effect<Won<A>, NoTasks | AllTasksFailed> =>
  Effect.gen(function* () {
    yield* some("selectOkWithCancel", handles)
    const { members, stopped } = racers(handles, policy)
    const { losers, value, winner } = yield* Effect.mapError(
      Race.firstSuccess(members, { name: "selectOkWithCancel" }),
      ({ failures }) => new AllTasksFailed({ failures: inOrder(handles, failures) })
    )
    return { index: indexOf(handles, winner), id: winner, value, ...(yield* stopped(winner, losers)) }
  })
